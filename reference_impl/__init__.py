"""The reference: a clear, executable statement of what a mirror must do.

It has no I/O, no threads and no clock of its own, and imports nothing of ``harness``.
"""
