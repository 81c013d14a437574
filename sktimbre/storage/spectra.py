"""Spectra of pairs of notes in files, written once and read during training."""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np

from sktimbre._utils.files import FULL, sync
from sktimbre._utils.notes import NotesOnDisk
from sktimbre._utils.progress import with_bar
from sktimbre.exceptions import PersistenceError
from sktimbre.storage.notes import StoredNotes

# Pairs of notes that are transformed at a time.
BLOCK = 64
SOURCE, TARGET, SHAPES = "source.f32", "target.f32", "shapes.npy"


@contextmanager
def folders_for_spectra(memory: Any) -> Iterator[tuple[Path | None, Path]]:
    """Yield the cache folder in a joblib.Memory, or None, and a temporary folder, in the cache folder or the system's."""
    location = getattr(memory, "location", None)
    cache = Path(location) / "sktimbre" if isinstance(location, str | os.PathLike) else None
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="sktimbre-", dir=cache, ignore_cleanup_errors=True) as temporary:
        yield cache, Path(temporary)


def stored_spectra(
    pairs: Any, stft: Any, folders: tuple[Path | None, Path], show: bool
) -> tuple[StoredNotes, StoredNotes]:
    """Return the spectra of pairs of notes as notes on disk.

    Parameters
    ----------
    pairs : tuple of two sequences of ndarray of shape (n_samples,), or iterator of pairs of notes
        Sources and targets. Pairs of an iterator are not cached, because the key is a hash of all notes.
    stft : transformer
        Computes the spectra of sources and targets.
    folders : tuple
        Result of `folders_for_spectra`.
    show : bool
        Whether to show a progress bar.

    Raises
    ------
    PersistenceError
        The disk is full.
    """
    cache, temporary = folders
    generator = isinstance(pairs, Iterator)
    bar = with_bar(total=None if generator else len(pairs[0]), description="Computing spectra", unit="note", show=show)
    with bar:
        if generator:
            return stored_pairs(temporary, secrets.token_hex(8), _spectra(pairs, stft, bar))
        key = secrets.token_hex(8) if cache is None else _key(pairs, stft)
        spectra = _spectra(zip(*pairs, strict=True), stft, bar)
        return stored_pairs(temporary if cache is None else cache, key, spectra, durable=cache is not None)


def _key(pairs, stft):
    """Return a hash of the notes and of the transformer with its parameters."""
    notes = [side.digest() if isinstance(side, NotesOnDisk) else joblib.hash(side) for side in pairs]
    return str(joblib.hash((notes, stft)))


def _spectra(pairs, stft, bar):
    while block := list(islice(pairs, BLOCK)):
        sources, targets = (list(side) for side in zip(*block, strict=True))
        yield from zip(stft.transform(sources), stft.transform(targets), strict=True)
        bar.update(len(block))


def stored_pairs(
    folder: Path, key: str, spectra: Iterable[tuple], durable: bool = False
) -> tuple[StoredNotes, StoredNotes]:
    """Return pairs of spectra as notes on disk, from files of an earlier call with the same key or written now.

    Parameters
    ----------
    folder : Path
        The folder of the pairs is created in it, and gets its name when it is complete.
    key : str
        Name of the folder of the pairs.
    spectra : iterable of tuple of two ndarray of shape (n_frequencies, n_frames), float32
        The pairs; not iterated over if intact files exist.
    durable : bool
        Whether to flush the files to the disk before the folder gets its name, so that a power failure leaves no incomplete
        cache.

    Raises
    ------
    PersistenceError
        The disk is full.
    """
    target = folder / key
    stored = _opened(target)
    if stored is not None:
        return stored
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
        for path in temporary.iterdir() if durable else ():
            sync(path)
        _put(temporary, target)
    except OSError as reason:
        if reason.errno not in FULL:
            raise
        raise PersistenceError(
            f"Spectra cannot be stored in {folder}: {reason.strerror}. Make room, or set memory= to a folder on another disk."
        ) from reason
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    made = _opened(target)
    if made is None:
        raise PersistenceError(f"The spectra in {target} were changed while they were written; fit again.")
    return made


def _put(temporary: Path, target: Path) -> None:
    """Rename a folder; replace an existing one if it is damaged, keep it if it is intact (another process wrote it)."""
    if target.exists() and _opened(target) is None:
        shutil.rmtree(target)
    try:
        temporary.rename(target)
    except OSError:
        if _opened(target) is None:
            raise


def _opened(folder: Path) -> tuple[StoredNotes, StoredNotes] | None:
    """Return the pairs in a folder, or None if a file is missing or has the wrong size."""
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
