"""The error that a command answers with: its class and its text are QEMU's, word for word, because users match them."""

from __future__ import annotations

from reference_impl.errors import ModelError


class QmpError(ModelError):
    """A command is refused and has changed nothing.

    :ivar error_class: ``GenericError``, ``CommandNotFound``, ``DeviceNotActive`` or ``DeviceNotFound``.
    """

    def __init__(self, description: str, error_class: str = "GenericError") -> None:
        super().__init__(description)
        self.description = description
        self.error_class = error_class


class ResizeError(QmpError):
    """A disk cannot be given a length.

    :ivar errno: what a job fails with that needed it.
    """

    def __init__(self, description: str, errno: int) -> None:
        super().__init__(description)
        self.errno = errno


def parameter_expects(name: str, expectation: str) -> QmpError:
    """The refusal of an argument whose value is of the right type but not allowed."""
    return QmpError(f"Parameter '{name}' expects {expectation}")
