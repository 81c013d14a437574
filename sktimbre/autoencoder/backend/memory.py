"""Recognize the out-of-memory errors of all backends, for the memory of the device and of the host."""

from collections.abc import Iterator
from contextlib import contextmanager

from sktimbre.exceptions import OutOfMemoryError

__all__ = ["naming_full_memory"]

# Backends and their libraries raise different classes of errors, so the messages are searched for these words.
# "resource exhausted" is left out, since it may also be a full disk.
WORDS = (
    "out of memory",
    "out_of_memory",
    "oom when allocating",
    "failed to allocate",
    "alloc_failed",
    "can't allocate",
)


@contextmanager
def naming_full_memory(advice: str) -> Iterator[None]:
    """Replace out-of-memory errors of TensorFlow, JAX, torch and numpy by `OutOfMemoryError`.

    Parameters
    ----------
    advice : str
        The fix that the message names.
    """
    try:
        yield
    except OutOfMemoryError:
        raise
    except Exception as error:
        said = str(error).lower()
        if not isinstance(error, MemoryError) and not any(words in said for words in WORDS):
            raise
        raise OutOfMemoryError(f"Out of memory. {advice}") from error
