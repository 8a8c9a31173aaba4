"""Drivers of other programs that speak lines of text."""
