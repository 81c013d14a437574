"""Pairs of notes that are not in memory: lists of sound files, and streams."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from sktimbre._checks import check_whole
from sktimbre._on_disk import NotesOnDisk, as_stored, note_shapes
from sktimbre._soundfiles import UNKNOWN_LENGTH, open_sound
from sktimbre._streaming import check_rates, resampled_length
from sktimbre._validation import check_audio, check_note, check_pair, check_same_shape
from sktimbre.audio import read_audio
from sktimbre.exceptions import AudioError, AudioFileError, ParameterError
from sktimbre.spectral import LogSTFT


class Recordings(NotesOnDisk):
    """Sound files as notes, mono, at one sampling rate; all headers are read at once, samples when they are asked for.

    Parameters
    ----------
    paths : sequence of path-like
        One for each note.
    sr : int or float without a fraction
        In Hz.

    Raises
    ------
    AudioFileError
        A file is missing, or is none that can be read.
    """

    def __init__(self, paths: Iterable[Any], sr: float):
        self.paths = [Path(path) for path in paths]
        self.sr = check_whole(sr, "sr", 1, fix="Sound files are read at a whole number of Hz.")
        self.shapes = [(self._length(path),) for path in self.paths]

    def read(self, index: int) -> np.ndarray:
        """Return a note, float32, counted from 0."""
        note, _ = read_audio(self.paths[index], self.sr)
        if note.shape != self.shapes[index]:
            raise AudioFileError(
                f"{self.paths[index]} gives {len(note)} samples at {self.sr} Hz where its header promises "
                f"{self.shapes[index][0]}. Export it again."
            )
        return note

    def digest(self) -> str:
        """Return a hash of the files' bytes."""
        found = hashlib.blake2b(str(self.sr).encode(), digest_size=16)
        for path in self.paths:
            with path.open("rb") as file:
                found.update(hashlib.file_digest(file, "blake2b").digest())
        return found.hexdigest()

    def _length(self, path):
        with open_sound(path) as sound:
            check_rates(sound.samplerate, self.sr, os.fspath(path))
            if sound.frames < UNKNOWN_LENGTH and sound.format != "MP3":
                return resampled_length(sound.frames, sound.samplerate, self.sr)
        # Of the others a header holds no count of samples, or an estimate.
        return len(read_audio(path, self.sr)[0])


def is_paths(X: Any) -> bool:
    """Tell whether X is a list, tuple or array of names of files."""
    if isinstance(X, np.ndarray):
        X = X.tolist() if X.ndim == 1 and X.dtype.kind in "UO" else ()
    return isinstance(X, list | tuple) and len(X) > 0 and all(isinstance(x, str | os.PathLike) for x in X)


def left_on_disk(X: Any, sr: float, name: str) -> Any:
    """Return names of files as `Recordings`, a memory map of audio as notes on disk, and all else as it is."""
    if not is_paths(X):
        return as_stored(X, 2)
    try:
        return Recordings(X, sr)
    except AudioFileError as error:
        raise AudioFileError(f"{name}: {error}") from error


def checked_pair(X: Any, y: Any, sr: float, names: tuple[str, str] = ("X", "y"), **of_source: Any) -> tuple[Any, Any]:
    """Return source and target, checked: in memory, or as notes on disk, of whose files only the headers are read."""
    if y is None:
        raise AudioError(f"{names[1]} is None: each source needs its target, unless X is a generator of pairs of both.")
    X, y = (left_on_disk(side, sr, name) for side, name in zip((X, y), names, strict=True))
    X = X if isinstance(X, Recordings) else check_audio(X, name=names[0], **of_source)
    y = y if isinstance(y, Recordings) else check_audio(y, name=names[1])
    if isinstance(X, Recordings) and isinstance(y, Recordings) and len(X) == len(y):
        for path, other, shape, other_shape in zip(X.paths, y.paths, X.shapes, y.shapes, strict=True):
            check_same_shape((shape, other_shape), (str(path), str(other)))
    check_pair(X, y, names)
    return X, y


def on_disk(pair: Any) -> bool:
    """Tell whether pairs of notes are not in memory: notes on disk on one side, or a stream of both."""
    return isinstance(pair, Iterator) or any(isinstance(side, NotesOnDisk) for side in pair)


def check_on_disk(stft: Any, pair: Any, name: str) -> None:
    """Refuse a transform that would have to see all notes first, and notes that are too short for it."""
    if get_tags(stft).requires_fit:
        raise ParameterError(
            f"stft={stft!r} learns from all notes at once, which cannot be taken from files, memory maps and generators. Use "
            "one that needs no fit, such as LogSTFT, or arrays in memory."
        )
    if not isinstance(pair, Iterator):
        check_length = length_check(stft)
        for i, shape in enumerate(note_shapes(pair[0])):
            check_length(shape[0], f"{name}[{i}]")


def length_check(stft: Any) -> Callable[[int, str], None]:
    """Return a function that raises an error for a note, by its number of samples and its name, that is too short."""
    return stft.geometry.check_length if isinstance(stft, LogSTFT) else lambda n_samples, name: None


def checked_stream(
    pairs: Iterator[Any], y: Any, check_length: Callable[[int, str], None]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pairs of notes, checked one by one.

    Parameters
    ----------
    pairs : iterator of tuple of two arrays of shape (n_samples,)
        Sources and targets.
    y : None
        What a user gave beside it.
    check_length : callable
        Raises an error for a note, by its number of samples and its name, that is too short.

    Raises
    ------
    AudioError
        One is no pair, or its audio cannot be used; or there is none at all.
    ParameterError
        y is not None.
    """
    if y is not None:
        raise ParameterError(
            f"y={type(y).__name__} beside a generator X; X gives both, source and target. Leave y out."
        )
    return _checked(pairs, check_length)


def _checked(pairs, check_length):
    number = -1
    for number, pair in enumerate(pairs):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise AudioError(
                f"Pair {number} of X is {type(pair).__name__}; a stream gives tuples (source, target) of audio."
            )
        names = f"The source of pair {number}", f"The target of pair {number}"
        source, target = (check_note(np.asarray(note), 1, name) for note, name in zip(pair, names, strict=True))
        check_same_shape((source.shape, target.shape), names)
        check_length(len(source), names[0])
        yield source, target
    if number < 0:
        raise AudioError("X is a generator that ended before its first pair of notes; it can be used only once.")
