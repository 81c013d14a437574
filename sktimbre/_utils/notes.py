"""NotesOnDisk: base class of the notes in `sktimbre.storage`, which are read when they are used."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np


class NotesOnDisk(ABC, Sequence):
    """A sequence of notes of known shapes, each read when it is used; a slice is a list of arrays."""

    shapes: Sequence[tuple[int, ...]]

    @abstractmethod
    def read(self, index: int) -> np.ndarray:
        """Return note number ``index`` (0 or more) as float32."""

    @property
    def ndim(self) -> int:
        """Number of dimensions of an array of all notes."""
        return 1 + len(self.shapes[0])

    def __len__(self):
        return len(self.shapes)

    def __getitem__(self, index):
        places = range(len(self))[index]
        return [self.read(i) for i in places] if isinstance(index, slice) else self.read(places)

    def digest(self) -> str:
        """Return a hash of all shapes and values."""
        found = hashlib.blake2b(repr(list(self.shapes)).encode(), digest_size=16)
        for note in self:
            found.update(np.ascontiguousarray(note))
        return found.hexdigest()


def note_shapes(X: Any) -> Sequence[tuple[int, ...]]:
    """Return the shape of each note, without reading notes on disk."""
    return X.shapes if isinstance(X, NotesOnDisk) else [x.shape for x in X]
