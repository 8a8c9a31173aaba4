"""Drivers of nodes above others: filters, and the copy-on-write overlay."""
