"""Notes in flat files and memory maps, each read when it is asked for."""

import math
import mmap
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sktimbre._utils.notes import NotesOnDisk


class StoredNotes(NotesOnDisk):
    """Notes that lie in one flat file.

    They are read, not mapped: the pages of a memory map count as memory of the process that has looked at them.

    Parameters
    ----------
    path : path-like
        The file.
    shapes : sequence of tuple of int
        Of each note.
    starts : sequence of int
        Where each begins, in bytes.
    dtype : dtype
        Of floating-point numbers, as they are stored.
    """

    def __init__(self, path: Any, shapes: Sequence[tuple[int, ...]], starts: Sequence[int], dtype: Any = np.float32):
        self.path, self.shapes, self.starts, self.dtype = path, shapes, starts, np.dtype(dtype)

    def read(self, index: int) -> np.ndarray:
        """Return a note, float32, counted from 0."""
        shape = self.shapes[index]
        note = np.fromfile(self.path, self.dtype, math.prod(shape), offset=self.starts[index]).reshape(shape)
        with np.errstate(over="ignore"):
            return note.astype(np.float32, copy=False)

    def chosen(self, indices: Iterable[int]) -> "StoredNotes":
        """Return some of the notes, in that order."""
        places = [int(i) for i in indices]
        return StoredNotes(self.path, [self.shapes[i] for i in places], [self.starts[i] for i in places], self.dtype)


def as_stored(X: Any, ndim: int) -> Any:
    """Return a memory map of so many dimensions as notes that are read from its file; all else comes back as it is.

    Maps whose notes do not lie in one piece, or whose changes belong to this process alone, are left to be taken into memory.
    """
    if not isinstance(X, np.memmap) or X.ndim != ndim or X.size == 0 or X.dtype.kind != "f":
        return X
    mapped: Any = X._mmap  # type: ignore[attr-defined]
    if mapped is None or X.mode == "c" or X.filename is None or not X[0].flags.c_contiguous:
        return X
    begin = X.offset - X.offset % mmap.ALLOCATIONGRANULARITY
    first = begin + X.ctypes.data - np.frombuffer(mapped, np.uint8).ctypes.data
    starts = range(first, first + len(X) * X.strides[0], X.strides[0]) if X.strides[0] else [first] * len(X)
    stored = StoredNotes(X.filename, [X.shape[1:]] * len(X), starts, X.dtype)
    # The name may by now be that of another file.
    same = os.path.exists(X.filename) and np.array_equal(stored[-1], X[-1].astype(np.float32), equal_nan=True)
    return stored if same else X


def choose(X: Any, indices: Iterable[int]) -> Any:
    """Return some notes, as a list or, where they are on disk, as notes on disk."""
    return X.chosen(indices) if isinstance(X, StoredNotes) else [X[i] for i in indices]
