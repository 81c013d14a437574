"""Notes at the pitch of other notes, so that a comparison of timbres does not measure how the instruments are tuned."""

from typing import Any

import numpy as np

from sktimbre._utils.validation import Batch, as_list, check_audio, check_pair
from sktimbre.audio import resample
from sktimbre.metrics.pitch import estimate_f0

__all__ = ["match_pitch"]

# Largest interval in semitones; beyond it one of the two pitches is taken for wrong.
WIDEST = 1.0


def match_pitch(y: Any, reference: Any, *, sr: float = 22050, fmin: float = 26.0, fmax: float = 4500.0) -> Batch:
    """Resample notes to the pitch of other notes, at most a semitone away.

    Instruments are tuned differently: the flute and the clarinet of the University of Iowa are 33 cents apart. A model that
    keeps the pitch of its source is compared with targets that are brought to this pitch.

    Parameters
    ----------
    y, reference : array of shape (n_notes, n_samples), or list of 1-D arrays
        Audio of single notes in [-1, 1].
    sr : float
        Sample rate in Hz.
    fmin, fmax : float
        Range of pitches in Hz, see `estimate_f0`.

    Returns
    -------
    ndarray of the shape of y or list of 1-D arrays of the lengths of y, float32
        Notes at the pitch of ``reference``, cut or padded with zeros at their ends to their own lengths. Notes without a clear
        pitch, or more than a semitone apart, are returned as they are.

    Raises
    ------
    AudioError
        The audio is empty, not finite, of the wrong rank, mismatched, or shorter than a window.
    ParameterError
        A parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import estimate_f0, match_pitch
    >>> t = np.arange(22050) / 22050
    >>> flat, reference = (np.sin(2 * np.pi * f * t)[np.newaxis] for f in (430, 440))
    >>> estimate_f0(match_pitch(flat, reference)).round(1)
    array([440.])
    """
    notes, others = check_audio(y, name="y"), check_audio(reference, name="reference")
    check_pair(notes, others, ("y", "reference"))
    pitches = [estimate_f0(side, sr=sr, fmin=fmin, fmax=fmax) for side in (others, notes)]
    with np.errstate(invalid="ignore"):
        ratios = pitches[0] / pitches[1]
        near = np.abs(12 * np.log2(ratios)) <= WIDEST  # a comparison with NaN is False
    matched = [
        _of_length(resample(note, round(sr * ratio), round(sr)), len(note)) if close else note
        for note, ratio, close in zip(as_list(notes), ratios, near, strict=True)
    ]
    return matched if isinstance(notes, list) else np.stack(matched)


def _of_length(y: np.ndarray, n_samples: int) -> np.ndarray:
    return np.pad(y[:n_samples], (0, max(0, n_samples - len(y))))
