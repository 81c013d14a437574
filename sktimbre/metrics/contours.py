"""Contours of pitch, compared frame by frame."""

from typing import Any

import numpy as np

from sktimbre._utils.checks import check_real
from sktimbre.exceptions import AudioError
from sktimbre.metrics.inputs import paired_audio, summarise
from sktimbre.metrics.pitch import check_f0_length, check_range, f0_curve

__all__ = ["pitch_jaccard_distance", "raw_pitch_accuracy"]


def raw_pitch_accuracy(
    y_true: Any,
    y_pred: Any,
    *,
    sr: float = 22050,
    fmin: float = 26.0,
    fmax: float = 4500.0,
    tolerance: float = 50.0,
    average: bool = True,
) -> float | np.ndarray:
    """Share of the voiced frames whose pitch is right, for melodies.

    Sensitive to wrong notes, wrong octaves and detuning beyond the tolerance; insensitive to timbre and level, so the source
    itself scores 1, and a recording that is transposed on purpose 0.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_notes, n_samples), or list of 1-D arrays
        Audio in [-1, 1] of one voice.
    sr : float
        Sample rate in Hz.
    fmin, fmax : float
        Range of the search in Hz, see `estimate_f0`.
    tolerance : float
        Largest deviation of a right pitch in cents.
    average : bool
        Whether to return the mean over recordings.

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        Between 0 and 1; higher is better. Frames that are voiced in ``y_true`` and not in ``y_pred`` are wrong.

    Raises
    ------
    AudioError
        The audio is empty, not finite, of the wrong rank, mismatched or too short, or a recording of ``y_true`` has no pitch.
    ParameterError
        A parameter is out of range.

    References
    ----------
    .. [1] G. E. Poliner et al., "Melody transcription from music audio: approaches and evaluation", IEEE Transactions on
       Audio, Speech, and Language Processing 15(4), 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import raw_pitch_accuracy
    >>> t = np.arange(22050) / 22050
    >>> y = np.sin(2 * np.pi * 440 * t)[np.newaxis]
    >>> raw_pitch_accuracy(y, 0.1 * y)
    1.0
    """
    tolerance = check_real(tolerance, "tolerance", 0, open_low=True, fix="50 cents are usual.")
    values = []
    for true, pred, voiced in _pitches(y_true, y_pred, sr, fmin, fmax):
        with np.errstate(invalid="ignore"):
            right = voiced[1] & (1200 * np.abs(np.log2(pred / true)) <= tolerance)
        values.append(float(np.mean(right[voiced[0]])))
    return summarise(values, average)


def pitch_jaccard_distance(
    y_true: Any,
    y_pred: Any,
    *,
    sr: float = 22050,
    fmin: float = 26.0,
    fmax: float = 4500.0,
    average: bool = True,
) -> float | np.ndarray:
    """Jaccard distance of the notes that sound, one semitone a frame, for melodies.

    The notes of both recordings are sets of pairs of frame and semitone; the distance is 1 minus the size of their
    intersection divided by that of their union. Sensitive to wrong notes, transposition, and notes that are missing or too
    long; insensitive to tuning within a quarter tone, timbre and level.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_notes, n_samples), or list of 1-D arrays
        Audio in [-1, 1] of one voice.
    sr : float
        Sample rate in Hz.
    fmin, fmax : float
        Range of the search in Hz, see `estimate_f0`.
    average : bool
        Whether to return the mean over recordings.

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        Between 0 and 1; lower is better.

    Raises
    ------
    AudioError
        The audio is empty, not finite, of the wrong rank, mismatched or too short, or a recording of ``y_true`` has no pitch.
    ParameterError
        A parameter is out of range.

    Notes
    -----
    Semitones are counted from the median tuning of ``y_true``, so that a recording between two semitones is not cut in two.

    References
    ----------
    .. [1] O. Cifka, A. Ozerov, U. Simsekli and G. Richard, "Self-supervised VQ-VAE for one-shot music style transfer", ICASSP,
       2021, with several pitches a frame.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import pitch_jaccard_distance
    >>> t = np.arange(22050) / 22050
    >>> y = np.sin(2 * np.pi * 440 * t)[np.newaxis]
    >>> pitch_jaccard_distance(y, y)
    0.0
    """
    values = []
    for true, pred, voiced in _pitches(y_true, y_pred, sr, fmin, fmax):
        with np.errstate(invalid="ignore"):
            semitones = [12 * np.log2(f0) for f0 in (true, pred)]
        # The mean direction on the circle of one semitone.
        turns = np.exp(2j * np.pi * semitones[0][voiced[0]])
        tuning = np.angle(turns.mean()) / (2 * np.pi)
        same = np.round(semitones[0] - tuning) == np.round(semitones[1] - tuning)
        both = np.count_nonzero(voiced[0] & voiced[1] & same)
        values.append(1 - both / (np.count_nonzero(voiced[0]) + np.count_nonzero(voiced[1]) - both))
    return summarise(values, average)


def _pitches(y_true, y_pred, sr, fmin, fmax):
    """Yield the pitch of both recordings of each pair in Hz, and which frames of each are voiced."""
    sr, fmin, fmax = check_range(sr, fmin, fmax)
    true, pred = paired_audio(y_true, y_pred)
    check_f0_length(true, sr, fmin, "y_true")
    for i, pair in enumerate(zip(true, pred, strict=True)):
        (a, _, voiced), (b, _, voiced_too) = (f0_curve(y, sr, fmin, fmax) for y in pair)
        if not voiced.any():
            raise AudioError(
                f"y_true[{i}] has no pitch between {fmin} and {fmax} Hz. Leave it out, or widen the range."
            )
        yield a, b, (voiced, voiced_too)
