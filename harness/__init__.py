"""mirrorcheck's harness: drives an implementation of block mirroring from all three sides and judges what it did."""

__version__ = "0.1.0"
