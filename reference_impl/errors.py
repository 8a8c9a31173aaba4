"""Every error that the reference raises on purpose.

::

    ModelError                       the caller asked the reference for what cannot be
    └── BitmapError (ValueError)     a size, granularity, offset or length that a bitmap does not allow

The text is one lower-case line that names the value and the rule it breaks. Whatever raised one has changed nothing.
"""

from __future__ import annotations


class ModelError(Exception):
    """Base of all errors that the reference raises on purpose."""


class BitmapError(ModelError, ValueError):
    """A bitmap was asked for what it does not allow; the bitmap is as it was.

    :ivar value: the value that breaks the rule, or None where the state of the bitmap is at fault and not a value.
    """

    def __init__(self, message: str, value: int | None = None) -> None:
        super().__init__(message)
        self.value = value
