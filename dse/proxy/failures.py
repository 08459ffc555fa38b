"""What kind of failure an error is, told without importing torch."""

from __future__ import annotations

from typing import Final

_NO_MEMORY: Final = ("allocate memory", "enough memory", "out of memory", "alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Python and CUDA raise classes of their own; for the CPU and for libraries only words tell."""
    if isinstance(error, MemoryError) or _is_called(error, "OutOfMemoryError"):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(phrase in words for phrase in _NO_MEMORY)


def is_device_lost(error: BaseException) -> bool:
    """Whether the accelerator is lost to this process, in which all that follows would fail too."""
    told = isinstance(error, RuntimeError) and "CUDA error" in str(error)
    return (told or _is_called(error, "AcceleratorError")) and not is_out_of_memory(error)


def _is_called(error: BaseException, name: str) -> bool:
    return any(kind.__name__ == name for kind in type(error).__mro__)
