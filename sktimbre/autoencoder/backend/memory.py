"""Memory of all backends: recognize out-of-memory errors, and keep freed memory in the process."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from sktimbre.exceptions import OutOfMemoryError

__all__ = ["keep_freed_memory", "naming_full_memory"]

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

# Parameters of glibc's mallopt: freed memory above TRIM bytes at the end of the heap goes back to the system, and requests of
# more than MMAP bytes are mapped by themselves. By itself glibc raises them to 64 MB and 32 MB.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
TRIM, MMAP = 256 * 2**20, 32 * 2**20


def keep_freed_memory() -> None:
    """Let glibc keep freed memory instead of returning it to the system; without glibc do nothing.

    When TensorFlow 2.21 reads from a generator, as Keras does with a `PyDataset`, it sets ``M_TRIM_THRESHOLD`` to 128 kB. This
    also ends glibc's own adaptation. Each step of a training then returns its tensors to the system and faults them in again:
    millions of page faults an epoch, and half of the processor's time (``benchmarks/freed_memory.py``).
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(M_TRIM_THRESHOLD, TRIM)
        libc.mallopt(M_MMAP_THRESHOLD, MMAP)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


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
