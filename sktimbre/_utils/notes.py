"""NotesOnDisk: a sequence of notes that are read one by one; what `sktimbre.storage` has is of this kind."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np


class NotesOnDisk(ABC, Sequence):
    """Notes of known shapes that are read one by one; a slice is a list of arrays."""

    shapes: Sequence[tuple[int, ...]]

    @abstractmethod
    def read(self, index: int) -> np.ndarray:
        """Return a note, float32, counted from 0."""

    @property
    def ndim(self) -> int:
        """Dimensions that an array of all notes would have."""
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
    """Return the shape of each note; those on disk are not read for it."""
    return X.shapes if isinstance(X, NotesOnDisk) else [x.shape for x in X]
