"""Memory that is full, the device's or the host's: what the backends say of it, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

from sktimbre.exceptions import OutOfMemoryError

__all__ = ["naming_full_memory"]

# Each backend has classes of its own, and libraries below them fail with others: words are what they share.
# Not "resource exhausted", which is also a full disk.
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
    """Raise `OutOfMemoryError` in place of what TensorFlow, JAX, torch or numpy raise when memory is full.

    Parameters
    ----------
    advice : str
        What the error says to do.
    """
    try:
        yield
    except OutOfMemoryError:
        raise
    except Exception as error:
        said = str(error).lower()
        if not isinstance(error, MemoryError) and not any(words in said for words in WORDS):
            raise
        raise OutOfMemoryError(f"Memory is full. {advice}") from error
