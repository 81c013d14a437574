"""Notes that stay on disk: sequences of arrays, each read when it is asked for, and spectra kept in files for that."""

import hashlib
import math
import mmap
import os
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np

from sktimbre._files import FULL, sync
from sktimbre._progress import with_bar
from sktimbre.exceptions import PersistenceError

# Pairs of notes that are transformed at a time.
BLOCK = 64
SOURCE, TARGET, SHAPES = "source.f32", "target.f32", "shapes.npy"


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


def note_shapes(X: Any) -> Sequence[tuple[int, ...]]:
    """Return the shape of each note; those on disk are not read for it."""
    return X.shapes if isinstance(X, NotesOnDisk) else [x.shape for x in X]


def choose(X: Any, indices: Iterable[int]) -> Any:
    """Return some notes, as a list or, where they are on disk, as notes on disk."""
    return X.chosen(indices) if isinstance(X, StoredNotes) else [X[i] for i in indices]


@contextmanager
def folders_for_spectra(memory: Any) -> Iterator[tuple[Path | None, Path]]:
    """Give the folder of a joblib.Memory, or None, and a temporary one: inside of it, or where the system has its own."""
    location = getattr(memory, "location", None)
    kept = Path(location) / "sktimbre" if isinstance(location, str | os.PathLike) else None
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="sktimbre-", dir=kept, ignore_cleanup_errors=True) as temporary:
        yield kept, Path(temporary)


def stored_spectra(
    pairs: Any, stft: Any, folders: tuple[Path | None, Path], show: bool
) -> tuple[StoredNotes, StoredNotes]:
    """Return the spectra of pairs of notes as notes on disk.

    Parameters
    ----------
    pairs : tuple of two sequences of ndarray of shape (n_samples,), or iterator of such pairs
        Sources and targets. Those of an iterator, which tells what it gives only once, are not kept.
    stft : transformer
        Of both.
    folders : tuple
        From `folders_for_spectra`.
    show : bool
        Whether to show a bar.

    Raises
    ------
    PersistenceError
        The disk is full.
    """
    kept, temporary = folders
    stream = isinstance(pairs, Iterator)
    bar = with_bar(total=None if stream else len(pairs[0]), description="Computing spectra", unit="note", show=show)
    with bar:
        if stream:
            return stored_pairs(temporary, secrets.token_hex(8), _spectra(pairs, stft, bar))
        key = secrets.token_hex(8) if kept is None else _key(pairs, stft)
        spectra = _spectra(zip(*pairs, strict=True), stft, bar)
        return stored_pairs(temporary if kept is None else kept, key, spectra, to_stay=kept is not None)


def _key(pairs, stft):
    """Return a name made of the notes and of the transform with its parameters."""
    notes = [side.digest() if isinstance(side, NotesOnDisk) else joblib.hash(side) for side in pairs]
    return str(joblib.hash((notes, stft)))


def _spectra(pairs, stft, bar):
    while block := list(islice(pairs, BLOCK)):
        sources, targets = (list(side) for side in zip(*block, strict=True))
        yield from zip(stft.transform(sources), stft.transform(targets), strict=True)
        bar.update(len(block))


def stored_pairs(
    folder: Path, key: str, spectra: Iterable[tuple], to_stay: bool = False
) -> tuple[StoredNotes, StoredNotes]:
    """Return pairs of spectra as notes on disk: those that an earlier call has left under this key, else made now.

    Parameters
    ----------
    folder : Path
        Where they are kept, in a folder of their own, which takes its name when it is complete.
    key : str
        The folder's name.
    spectra : iterable of tuple of two ndarray of shape (n_frequencies, n_frames), float32
        Asked for one by one, and only where nothing intact is kept.
    to_stay : bool
        Whether all has to be on the disk before it takes its name, so that no failure of power leaves what looks complete.

    Raises
    ------
    PersistenceError
        The disk is full.
    """
    target = folder / key
    kept = _opened(target)
    if kept is not None:
        return kept
    temporary = folder / f".{target.name}-{secrets.token_hex(8)}"
    temporary.mkdir()
    try:
        shapes = []
        with open(temporary / SOURCE, "wb") as source, open(temporary / TARGET, "wb") as other:
            for S, T in spectra:
                shapes.append(S.shape)
                for file, note in ((source, S), (other, T)):
                    file.write(np.ascontiguousarray(note, np.float32).data)
        np.save(temporary / SHAPES, np.array(shapes, np.int64).reshape(-1, 2))
        for path in temporary.iterdir() if to_stay else ():
            sync(path)
        _put(temporary, target)
    except OSError as reason:
        if reason.errno not in FULL:
            raise
        raise PersistenceError(
            f"Spectra cannot be kept in {folder}: {reason.strerror}. Make room, or set memory= to a folder on another disk."
        ) from reason
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    made = _opened(target)
    if made is None:
        raise PersistenceError(f"The spectra in {target} were changed while they were written; fit again.")
    return made


def _put(temporary: Path, target: Path) -> None:
    """Give a folder its name; what stands there is another process's, if it is intact, else damaged."""
    if target.exists() and _opened(target) is None:
        shutil.rmtree(target)
    try:
        temporary.rename(target)
    except OSError:
        if _opened(target) is None:
            raise


def _opened(folder: Path) -> tuple[StoredNotes, StoredNotes] | None:
    """Return the pairs that a folder keeps, None where one of its files is missing or has not its size."""
    try:
        table = np.load(folder / SHAPES, allow_pickle=False)
        sizes = {(folder / name).stat().st_size for name in (SOURCE, TARGET)}
    except (OSError, ValueError, EOFError):
        return None
    if table.ndim != 2 or table.shape[1] != 2:
        return None
    ends = 4 * np.cumsum([0, *np.prod(table, axis=1)], dtype=np.int64)
    if sizes != {int(ends[-1])} or not len(table):
        return None
    shapes = [tuple(shape) for shape in table.tolist()]
    source, target = (StoredNotes(folder / name, shapes, ends[:-1].tolist()) for name in (SOURCE, TARGET))
    return source, target
