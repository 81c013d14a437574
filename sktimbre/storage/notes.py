"""Notes in flat files and memory maps, each read when it is used."""

import math
import mmap
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sktimbre._utils.notes import NotesOnDisk


class StoredNotes(NotesOnDisk):
    """Notes in one flat file.

    They are read rather than mapped, because pages read through a memory map count as memory of the process.

    Parameters
    ----------
    path : path-like
        The file.
    shapes : sequence of tuple of int
        Shape of each note.
    starts : sequence of int
        Offset of each note in the file, in bytes.
    dtype : dtype
        Floating-point type of the values in the file.
    """

    def __init__(self, path: Any, shapes: Sequence[tuple[int, ...]], starts: Sequence[int], dtype: Any = np.float32):
        self.path, self.shapes, self.starts, self.dtype = path, shapes, starts, np.dtype(dtype)

    def read(self, index: int) -> np.ndarray:
        """Return note number ``index`` (0 or more) as float32."""
        shape = self.shapes[index]
        note = np.fromfile(self.path, self.dtype, math.prod(shape), offset=self.starts[index]).reshape(shape)
        with np.errstate(over="ignore"):
            return note.astype(np.float32, copy=False)

    def chosen(self, indices: Iterable[int]) -> "StoredNotes":
        """Return the notes at the given indices, in their order."""
        places = [int(i) for i in indices]
        return StoredNotes(self.path, [self.shapes[i] for i in places], [self.starts[i] for i in places], self.dtype)


def as_stored(X: Any, ndim: int) -> Any:
    """Return a memory map with ``ndim`` dimensions as notes on disk; return anything else unchanged.

    Memory maps with notes that are not contiguous, or of mode "c" (copy on write), are also returned unchanged.
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
    # The file may have been replaced by another one of the same name.
    same = os.path.exists(X.filename) and np.array_equal(stored[-1], X[-1].astype(np.float32), equal_nan=True)
    return stored if same else X


def choose(X: Any, indices: Iterable[int]) -> Any:
    """Return the notes at the given indices, as notes on disk if X is `StoredNotes`, else as a list."""
    return X.chosen(indices) if isinstance(X, StoredNotes) else [X[i] for i in indices]
