"""Checks of audio and spectra that all subpackages share."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sktimbre._utils.containers import is_paths, is_ragged, without_index
from sktimbre._utils.notes import NotesOnDisk, note_shapes
from sktimbre.exceptions import AudioError

Batch = np.ndarray | list[np.ndarray]
Notes = Batch | NotesOnDisk

# Audio is float in [-1, 1]; integers beyond the range of 8 bits must be raw PCM.
LARGEST_INTEGER = 128
# An array with at most MOST_CHANNELS columns and at least LEAST_SAMPLES rows is taken for soundfile's layout (n_samples,
# n_channels): as notes its rows would last 0.4 ms, as a recording its columns last at least 12 ms (at 22050 Hz). Arrays of
# scikit-learn's checks, of up to 200 rows of 1 to 8 numbers, pass.
MOST_CHANNELS, LEAST_SAMPLES = 8, 256
AXES = {"audio": ("sample",), "spectra": ("frequency", "frame")}
SHAPES = {"audio": "(n_notes, n_samples)", "spectra": "(n_notes, n_frequencies, n_frames)"}


def check_audio(X: Any, *, name: str = "X", estimator: Any = None, reset: bool = True) -> Batch:
    """Return audio as float32: an array (n_notes, n_samples), or a list of 1-D arrays if X is a list.

    Parameters
    ----------
    X : array-like of shape (n_notes, n_samples), or list, array of objects or Series of 1-D arrays
        Audio, usually in [-1, 1].
    name : str
        Name of the argument in errors.
    estimator : estimator or None
        Estimator of which ``n_features_in_`` and feature names are set (``reset=True``) or compared.
    reset : bool
        True in ``fit``.

    Returns
    -------
    ndarray of shape (n_notes, n_samples) or list of 1-D ndarray, float32

    Raises
    ------
    AudioError
        X is empty, not finite, of the wrong rank, raw integers, one recording of shape (n_samples, n_channels), file names
        or a generator.
    TypeError
        X is sparse or not numeric.
    """
    return _check(X, "audio", name, estimator, reset)


def check_spectra(S: Any, *, name: str = "X", estimator: Any = None, reset: bool = True) -> Batch:
    """Return spectra as float32: an array (n_notes, n_frequencies, n_frames), or a list of 2-D arrays.

    Parameters and errors are as in `check_audio`; all notes must have the same number of frequencies.
    """
    checked = _check(S, "spectra", name, estimator, reset)
    if isinstance(checked, list) and len(sizes := {len(s) for s in checked}) > 1:
        raise AudioError(
            f"{name} has notes with {sorted(sizes)} frequencies; all spectra of one call need the same n_fft. "
            "Compute them with one LogSTFT."
        )
    return checked


def check_pair(X: Notes, y: Notes, names: tuple[str, str] = ("X", "y")) -> None:
    """Raise `AudioError` unless source and target have the same number of notes of the same shapes."""
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


def check_note(x: np.ndarray, ndim: int, name: str) -> np.ndarray:
    """Return one note as float32, or raise the errors of `check_audio`."""
    kind = "audio" if ndim == 1 else "spectra"
    _refuse_pcm(x, name)
    if x.ndim != ndim:
        raise AudioError(
            f"{name} has shape {x.shape}; each note of a list has {ndim} dimension{'s'[: ndim - 1]}. {_mixing(x, kind, name)}"
        )
    if x.size == 0:
        raise AudioError(f"{name} is empty (shape {x.shape}); leave the note out or record it again.")
    if x.dtype.kind not in "fiub" and x.dtype != object:
        rule = "audio is real numbers in [-1, 1]" if kind == "audio" else "spectra are real numbers"
        raise AudioError(f"{name} has dtype {x.dtype}; {rule}.")
    try:
        with np.errstate(over="ignore"):
            x = np.ascontiguousarray(x, np.float32)
    except (TypeError, ValueError) as error:
        raise AudioError(f"{name} is not numeric: {error}") from None
    check_finite(x, name, AXES[kind])
    return x


def check_numbers(values: Any, name: str, dtype: Any = None, axes: Sequence[str] = AXES["audio"]) -> np.ndarray:
    """Return one array of finite numbers, of any shape, or raise `AudioError`.

    Parameters
    ----------
    values : array-like
        The numbers.
    name : str
        Name of the argument in the error.
    dtype : dtype or None
        Type of the result; ``None`` keeps float64 and converts other types to float32.
    axes : sequence of str
        Names of the last axes in the error.

    Returns
    -------
    ndarray
        Copied only if necessary.
    """
    refuse_names_and_generators(values, name)
    try:
        array = np.asarray(without_index(values))
        _refuse_pcm(array, name)
        if array.dtype.kind == "c" and np.dtype(dtype).kind != "c":
            raise AudioError(f"{name} holds complex numbers; audio is real. istft inverts complex spectra.")
        with np.errstate(over="ignore"):
            array = array.astype(dtype or (np.float64 if array.dtype == np.float64 else np.float32), copy=False)
    except AudioError:
        raise
    except (TypeError, ValueError) as error:
        raise AudioError(
            f"{name} is not one array of numbers ({error}). Pass notes of different lengths one by one."
        ) from None
    check_finite(array, name, axes)
    return array


def check_finite(array: np.ndarray, name: str, axes: Sequence[str] = AXES["audio"]) -> None:
    """Raise `AudioError`, which gives the position, if an array is not finite; ``axes`` are the names of its last axes."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.sum(array)):
            return
    finite = np.isfinite(array)
    if finite.all():  # only the sum overflows
        return
    where = [int(i) for i in np.unravel_index(np.argmin(finite), array.shape)]
    inner = [f"{axis} {i}" for axis, i in zip(axes[::-1], where[::-1], strict=False)][::-1]
    outer = "".join(f"[{i}]" for i in where[: len(where) - len(inner)])
    found = "NaN" if np.isnan(array[tuple(where)]) else "infinity, or what is too large for 32 bits,"
    raise AudioError(
        f"{name}{outer} contains {found} at {', '.join(inner) or 'its only place'}. Repair it, for instance with "
        "numpy.nan_to_num, or leave it out."
    )


def check_layout(shape: Sequence[int], name: str) -> None:
    """Raise `AudioError` if a shape is soundfile's layout (n_samples, n_channels) rather than (..., n_notes, n_samples)."""
    if len(shape) > 1 and shape[-1] <= MOST_CHANNELS and shape[-2] >= LEAST_SAMPLES:
        rows, columns = shape[-2:]
        fix = f"{name}.T" if len(shape) == 2 else f"numpy.swapaxes({name}, -2, -1)"
        raise AudioError(
            f"{name} has shape {tuple(shape)}: {rows} notes of {columns} sample{'s'[: columns - 1]}. If that is soundfile's "
            f"layout (n_samples, n_channels), pass {fix}, so that samples come last, or mix with sktimbre.audio.to_mono."
        )


def refuse_names_and_generators(X: Any, name: str) -> None:
    """Raise `AudioError` for file names, and for iterables other than sequences and arrays."""
    if isinstance(X, str | os.PathLike) or is_paths(X):
        raise AudioError(
            f"{name} holds names of files; give arrays of audio. Read them with sktimbre.audio.read_audio or "
            "sktimbre.datasets.load_notes. The methods fit, predict and score of TimbreTransfer take lists of files."
        )
    if (
        isinstance(X, Iterable)
        and not isinstance(X, Sequence)
        and not hasattr(X, "shape")
        and not hasattr(X, "__array__")
    ):
        listed = f"{name}.values()" if isinstance(X, Mapping) else name
        raise AudioError(
            f"{name} is of type {type(X).__name__}, not an array or a list of arrays. Pass list({listed})."
        )


def _check(X: Any, kind: str, name: str, estimator: Any, reset: bool) -> Any:
    refuse_names_and_generators(X, name)
    X = without_index(X)
    ndim = len(AXES[kind])
    checked: Notes
    shape: tuple[int, ...] | None
    if isinstance(X, NotesOnDisk):
        _check_layout_of(X, kind, name)
        for i, x in enumerate(X):
            check_note(x, ndim, f"{name}[{i}]")
        checked, shape = X, (len(X), *X.shapes[0])
    elif is_ragged(X):
        checked = [check_note(np.asarray(x), ndim, f"{name}[{i}]") for i, x in enumerate(X)]
        _check_layout_of(checked, kind, name)
        # The features of audio are its samples; the notes of a list may differ in their number.
        shape = (len(checked), *checked[0].shape) if kind == "spectra" else None
    else:
        checked = array = _check_array(X, kind, name, estimator, reset)
        _check_layout_of(checked, kind, name)
        shape = array.shape
    if estimator is not None and reset and not isinstance(checked, np.ndarray):
        forget_features(estimator)
    if estimator is not None and shape is not None:
        _check_features(shape, estimator, reset)
    return checked


def _check_array(X, kind, name, estimator, reset):
    # `sktimbre convert` does not need scikit-learn, whose import takes as long as the conversion.
    from sklearn.utils.validation import check_array, validate_data

    ndim, shape = 1 + len(AXES[kind]), SHAPES[kind]
    if X is None:
        raise AudioError(
            f"{name}: Expected array-like (array or non-string sequence), got None; the shape must be {shape}."
        )
    options = {"dtype": np.float32, "ensure_2d": False, "allow_nd": True, "order": "C", "ensure_all_finite": False}
    _refuse_pcm(X, name)
    try:
        # Values too large for float32 are refused below, so numpy's warning is not needed.
        with np.errstate(invalid="ignore", over="ignore"):
            if estimator is None:
                array = check_array(X, input_name=name, **options)
            else:
                array = validate_data(estimator, X, reset=reset, **options)
    except ValueError as error:
        raise AudioError(f"{name}: {error}") from None
    if array.ndim != ndim:
        missing = f"Reshape your data: one note is {name}[np.newaxis]."
        raise AudioError(
            f"Expected {ndim}D array, got {array.ndim}D array instead: {name} has shape {array.shape}, "
            f"the shape must be {shape}. {missing if array.ndim < ndim else _mixing(array, kind, name)}"
        )
    if 0 in array.shape:
        raise AudioError(
            f"Found array with {array.shape[1]} feature(s) (shape={array.shape}) while a minimum of 1 is required: "
            f"{name} is empty; the shape must be {shape}."
        )
    check_finite(array, name, AXES[kind])
    return array


def _check_layout_of(X: Notes, kind: str, name: str) -> None:
    if kind == "audio":
        n_samples = X.shape[1] if isinstance(X, np.ndarray) else max(shape[0] for shape in note_shapes(X))
        check_layout((len(X), n_samples), name)


def _mixing(x, kind, name):
    """Return the fix in the error for an array with too many dimensions."""
    if kind == "audio" and x.ndim == 2:
        as_read = x.shape[0] > x.shape[1]
        layout = "soundfile's (n_samples, n_channels)" if as_read else "(n_channels, n_samples)"
        return f"If that is {layout}, mix to mono: sktimbre.audio.to_mono({name}{'.T' if as_read else ''})."
    if kind == "audio":
        return "Mix channels to mono first, each note with sktimbre.audio.to_mono."
    return (
        f"Wanted is {SHAPES[kind]}, or a list of notes (n_frequencies, n_frames), as LogSTFT makes them of mono audio."
    )


def forget_features(estimator: Any) -> None:
    """Delete the number and names of features that an earlier fit set: notes of different lengths have none."""
    for name in ("n_features_in_", "feature_names_in_"):
        vars(estimator).pop(name, None)


def _check_features(shape: tuple[int, ...], estimator: Any, reset: bool) -> None:
    """Set ``n_features_in_``, or compare the number of features with it.

    Spectra need as many frequencies as in fit. Audio may have any length but one sample in each note, which is the shape
    (n_samples, 1) of a single clip.
    """
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


def _refuse_pcm(X: Any, name: str) -> None:
    """Raise `AudioError` for integers that are samples of a sound file: those of 8 or 16 bits, and large ones."""
    if isinstance(getattr(X, "dtype", None), np.dtype):
        array = X
    else:
        try:
            array = np.asarray(X)
        except ValueError:  # notes of different lengths, which are checked one by one
            return
    dtype = array.dtype
    if dtype.kind in "iu" and np.size(array):
        peak = max(abs(int(np.max(array))), abs(int(np.min(array))))
        if peak > (0 if dtype.itemsize <= 2 else LARGEST_INTEGER):
            raise AudioError(
                f"{name} holds integers up to {peak} ({dtype}); audio is float in [-1, 1]. Divide by the full scale "
                "(32768 for 16 bits) or read the file with sktimbre.audio.read_audio."
            )


def as_list(X: Sequence[Any] | np.ndarray) -> list[np.ndarray]:
    """Return the notes of a batch as a list."""
    return [np.asarray(x) for x in X]
