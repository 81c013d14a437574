"""Checks of audio and spectra that every room shares: they run before any work and name what is wrong."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from sktimbre._utils.notes import NotesOnDisk, note_shapes
from sktimbre.exceptions import AudioError

Batch = np.ndarray | list[np.ndarray]
Notes = Batch | NotesOnDisk

# Float audio lies in [-1, 1]. Whole numbers beyond the range of 8 bits can only be raw PCM, which must be scaled first.
LARGEST_INTEGER = 128


def is_ragged(X: Any) -> bool:
    """Tell whether X is a list of arrays (one per note) rather than one array.

    A list whose elements are numpy arrays is ragged even when their lengths agree, so that what goes in as a list comes
    out as a list; nested lists of numbers are an array, as everywhere in scikit-learn, unless their lengths differ.
    """
    if isinstance(X, np.ndarray):
        return X.dtype == object and X.ndim == 1 and len(X) > 0 and all(isinstance(x, np.ndarray) for x in X)
    if not isinstance(X, list | tuple) or not X:
        return False
    if all(isinstance(x, np.ndarray) and x.ndim > 0 for x in X):
        return True
    return all(isinstance(x, list | tuple) for x in X) and len({len(x) for x in X}) > 1


def check_audio(X: Any, *, name: str = "X", estimator: Any = None, reset: bool = True) -> Batch:
    """Return audio as float32: an array (n_notes, n_samples), or a list of 1-D arrays where a list came in.

    Parameters
    ----------
    X : array-like of shape (n_notes, n_samples), or list of 1-D arrays
        Audio, usually in [-1, 1].
    name : str
        How errors call it.
    estimator : estimator or None
        If given, ``n_features_in_`` and feature names are set (``reset=True``) or compared on it.
    reset : bool
        Whether this is ``fit``.

    Returns
    -------
    ndarray of shape (n_notes, n_samples) or list of 1-D ndarray, float32

    Raises
    ------
    AudioError
        Empty, not finite, of the wrong rank, or raw integer samples.
    TypeError
        Sparse or not numeric.
    """
    return _check(X, 2, "(n_notes, n_samples)", name, estimator, reset)


def check_spectra(S: Any, *, name: str = "S", estimator: Any = None, reset: bool = True) -> Batch:
    """Return spectra as float32: an array (n_notes, n_frequencies, n_frames), or a list of 2-D arrays.

    Parameters and errors are those of `check_audio`; all notes must have the same number of frequencies.
    """
    checked = _check(S, 3, "(n_notes, n_frequencies, n_frames)", name, estimator, reset)
    if isinstance(checked, list) and len(sizes := {len(s) for s in checked}) > 1:
        raise AudioError(
            f"{name} has notes with {sorted(sizes)} frequencies; all spectra of one call need the same n_fft. "
            "Compute them with one LogSTFT."
        )
    return checked


def check_pair(X: Notes, y: Notes, names: tuple[str, str] = ("X", "y")) -> None:
    """Raise `AudioError` unless source and target hold the same number of notes of the same shapes."""
    if len(X) != len(y):
        raise AudioError(
            f"{names[0]} has {len(X)} notes and {names[1]} has {len(y)}: sources and targets are pairs, one target for "
            "each source. sktimbre.datasets.load_paired_notes pairs two folders by pitch."
        )
    for i, shapes in enumerate(zip(note_shapes(X), note_shapes(y), strict=True)):
        check_same_shape(shapes, (f"{names[0]}[{i}]", f"{names[1]}[{i}]"))


def check_same_shape(shapes: tuple[tuple[int, ...], tuple[int, ...]], names: tuple[str, str]) -> None:
    """Raise `AudioError` unless the two notes of a pair have the same shape."""
    if shapes[0] != shapes[1]:
        raise AudioError(
            f"{names[0]} has shape {shapes[0]} and {names[1]} has shape {shapes[1]}: the two notes of a pair need the same "
            "length. Cut or pad both, as load_paired_notes(..., duration=2.0) does."
        )


def _check(X: Any, ndim: int, shape: str, name: str, estimator: Any, reset: bool) -> Any:
    if isinstance(X, NotesOnDisk):
        for i, x in enumerate(X):
            check_note(x, ndim - 1, f"{name}[{i}]")
        if estimator is not None:
            _check_features((len(X), *X.shapes[0]), estimator, reset)
        return X
    if is_ragged(X):
        checked = [check_note(np.asarray(x), ndim - 1, f"{name}[{i}]") for i, x in enumerate(X)]
        if estimator is not None and ndim == 3:
            _check_features((len(checked), *checked[0].shape), estimator, reset)
        return checked
    if X is None:
        raise AudioError(f"{name}: Expected array-like (array or non-string sequence), got None; wanted is {shape}.")
    options = {"dtype": np.float32, "ensure_2d": False, "allow_nd": True, "order": "C"}
    _refuse_pcm(X, name)
    try:
        # numpy warns of infinities, in the data or too large for float32, before scikit-learn refuses them.
        with np.errstate(invalid="ignore", over="ignore"):
            if estimator is None:
                array = check_array(X, input_name=name, **options)
            else:
                array = validate_data(estimator, X, reset=reset, **options)
    except ValueError as error:
        raise AudioError(f"{name}: {error}") from None
    if array.ndim != ndim:
        missing = f"Reshape your data: one note is {name}[np.newaxis]."
        hint = missing if array.ndim < ndim else "Mix channels to mono first."
        raise AudioError(
            f"Expected {ndim}D array, got {array.ndim}D array instead: {name} has shape {array.shape}, "
            f"wanted is {shape}. {hint}"
        )
    if 0 in array.shape:
        raise AudioError(
            f"Found array with {array.shape[1]} feature(s) (shape={array.shape}) while a minimum of 1 is required: "
            f"{name} is empty, wanted is {shape}."
        )
    if estimator is not None:
        _check_features(array.shape, estimator, reset)
    return array


def _check_features(shape: tuple[int, ...], estimator: Any, reset: bool) -> None:
    """Audio of any length may follow audio of another, but one sample each is a signal that stands upright."""
    n_features = shape[1]
    if reset:
        estimator.n_features_in_ = n_features
        return
    expected = getattr(estimator, "n_features_in_", n_features)
    if n_features != expected and (n_features == 1 or len(shape) == 3):
        what = (
            "frequencies"
            if len(shape) == 3
            else "sample in each note; a single clip is X[np.newaxis], not X[:, np.newaxis]"
        )
        raise AudioError(
            f"X has {n_features} features, but {type(estimator).__name__} is expecting {expected} features as input: "
            f"shape {shape} means {n_features} {what}."
        )


def check_note(x: np.ndarray, ndim: int, name: str) -> np.ndarray:
    """Return one note as float32, or raise the errors of `check_audio`."""
    _refuse_pcm(x, name)
    if x.ndim != ndim:
        raise AudioError(
            f"{name} has shape {x.shape}; each note of a list has {ndim} dimension{'s'[: ndim - 1]}. "
            "Mix channels to mono first."
        )
    if x.size == 0:
        raise AudioError(f"{name} is empty (shape {x.shape}); leave the note out or record it again.")
    if x.dtype.kind not in "fiub" and x.dtype != object:
        raise AudioError(f"{name} has dtype {x.dtype}; audio is real numbers in [-1, 1].")
    try:
        with np.errstate(over="ignore"):
            x = np.ascontiguousarray(x, np.float32)
    except (TypeError, ValueError) as error:
        raise AudioError(f"{name} is not numeric: {error}") from None
    if not np.isfinite(x).all():
        raise AudioError(
            f"{name} contains NaN or infinity at index {int(np.argmin(np.isfinite(x).ravel()))}; repair the recording."
        )
    return x


def _refuse_pcm(X: Any, name: str) -> None:
    dtype = getattr(X, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "iu" and np.size(X):
        peak = max(abs(int(np.max(X))), abs(int(np.min(X))))
        if peak > LARGEST_INTEGER:
            raise AudioError(
                f"{name} holds integers up to {peak} ({dtype}); audio is float in [-1, 1]. Divide by the full scale "
                "(32768 for 16 bits) or read the file with sktimbre.audio.read_audio."
            )


def as_list(X: Sequence[Any] | np.ndarray) -> list[np.ndarray]:
    """Return the notes of a batch as a list."""
    return [np.asarray(x) for x in X]
