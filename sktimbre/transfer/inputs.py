"""Check the sources and targets of `TimbreTransfer`: arrays, lists, sound files, memory maps and generators of pairs."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from sktimbre._utils.notes import NotesOnDisk, note_shapes
from sktimbre._utils.validation import check_audio, check_note, check_pair, check_same_shape
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral.geometry import geometry_of
from sktimbre.storage.recordings import Recordings, left_on_disk
from sktimbre.storage.spectra import BLOCK


def checked_pair(X: Any, y: Any, sr: float, names: tuple[str, str] = ("X", "y"), **of_source: Any) -> tuple[Any, Any]:
    """Return checked sources and targets, in memory or as notes on disk; only the headers of sound files are read."""
    if y is None:
        raise AudioError(
            f"TimbreTransfer requires y to be passed, but the target {names[1]} is None: each source needs its target, unless "
            "X is a generator of pairs of both."
        )
    X, y = (left_on_disk(side, sr, name) for side, name in zip((X, y), names, strict=True))
    X = X if isinstance(X, Recordings) else check_audio(X, name=names[0], **of_source)
    y = y if isinstance(y, Recordings) else check_audio(y, name=names[1])
    if isinstance(X, Recordings) and isinstance(y, Recordings) and len(X) == len(y):
        for path, other, shape, other_shape in zip(X.paths, y.paths, X.shapes, y.shapes, strict=True):
            check_same_shape((shape, other_shape), (str(path), str(other)))
    check_pair(X, y, names)
    return X, y


def over_files(function: Callable[[list[np.ndarray]], Any], paths: Any, sr: float) -> list[np.ndarray]:
    """Return the results of a function that takes a list of notes for sound files, reading a block of files at a time."""
    notes = left_on_disk(paths, sr, "X")
    return [found for start in range(0, len(notes), BLOCK) for found in function(notes[start : start + BLOCK])]


def on_disk(pair: Any) -> bool:
    """Return True if pairs of notes are not in memory: notes on disk on either side, or a generator of pairs."""
    return isinstance(pair, Iterator) or any(isinstance(side, NotesOnDisk) for side in pair)


def check_on_disk(stft: Any, pair: Any, name: str) -> None:
    """Refuse a transform that is fitted on all notes at once, and notes that are too short for the transform."""
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
    """Return a function (n_samples, name) that raises an error for a note that is too short for the transform."""
    geometry = geometry_of(stft)
    return geometry.check_length if geometry else lambda n_samples, name: None


def checked_generator(
    pairs: Iterator[Any], y: Any, check_length: Callable[[int, str], None]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pairs of notes, checked one by one.

    Parameters
    ----------
    pairs : iterator of tuple of two arrays of shape (n_samples,)
        Sources and targets.
    y : None
        The argument y of `fit`, which must be None.
    check_length : callable
        Function (n_samples, name) that raises an error for a note that is too short.

    Raises
    ------
    AudioError
        An item is not a pair, its audio is invalid, or there are no pairs.
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
                f"Pair {number} of X is {type(pair).__name__}; a generator yields tuples (source, target) of audio."
            )
        names = f"The source of pair {number}", f"The target of pair {number}"
        source, target = (check_note(np.asarray(note), 1, name) for note, name in zip(pair, names, strict=True))
        check_same_shape((source.shape, target.shape), names)
        check_length(len(source), names[0])
        yield source, target
    if number < 0:
        raise AudioError("X is a generator that ended before its first pair of notes; it can be used only once.")
