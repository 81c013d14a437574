"""Levels of the harmonics of notes, and the distance of these levels, which does not depend on tuning."""

from typing import Any

import numpy as np

from sktimbre._utils.checks import check_real, check_whole
from sktimbre.exceptions import AudioError
from sktimbre.metrics.inputs import paired_audio, summarise
from sktimbre.metrics.pitch import check_f0_length, estimate_f0
from sktimbre.spectral import stft

__all__ = ["harmonic_distance", "harmonic_levels"]

WINDOW = 0.19  # seconds; long enough to resolve the harmonics of notes of 30 Hz and above
SEMITONE = 2 ** (1 / 12) - 1
FMIN, FMAX = 26.0, 4500.0  # Hz, as in `estimate_f0`


def harmonic_distance(
    y_true: Any,
    y_pred: Any,
    *,
    sr: float = 22050,
    n_harmonics: int = 12,
    floor: float = 60.0,
    average: bool = True,
) -> float | np.ndarray:
    """Distance of the levels of the harmonics in dB, each note's harmonics at its own pitch.

    Sensitive to the instrument; insensitive to tuning, level, noise and phase, and to how a note rises and falls: levels are
    means over the note. A note that is played a semitone off has no distance for it: report `f0_error` as well.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_notes, n_samples), or list of 1-D arrays
        Audio of single notes in [-1, 1].
    sr : float
        Sample rate in Hz.
    n_harmonics : int
        Number of harmonics, as far as they lie below half the sample rate in both sounds.
    floor : float
        Level to which weaker harmonics are raised, in dB below the strongest; above 0.
    average : bool
        Whether to return the mean over notes.

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        Root mean square of the differences in dB, 0 or more; lower is better. A prediction without pitch gets ``floor``.

    Raises
    ------
    AudioError
        The audio is empty, not finite, of the wrong rank, mismatched or too short, or a note of ``y_true`` has no pitch.
    ParameterError
        A parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import harmonic_distance
    >>> t = np.arange(22050) / 22050
    >>> def tone(f0, second): return 0.3 * (np.sin(2 * np.pi * f0 * t) + second * np.sin(4 * np.pi * f0 * t))[np.newaxis]
    >>> 13 < harmonic_distance(tone(440, 1.0), tone(450, 0.1), n_harmonics=2) < 15  # levels of 0, 0 and of 0, -20 dB
    True
    """
    sr = check_real(sr, "sr", 0, open_low=True, fix="It is in Hz.")
    n_harmonics = check_whole(n_harmonics, "n_harmonics", 1, fix="12 are usual.")
    floor = check_real(floor, "floor", 0, open_low=True, fix="60 dB are usual.")
    true, pred = paired_audio(y_true, y_pred)
    check_f0_length(true, sr, FMIN, "y_true")
    pitches = [estimate_f0(side, sr=sr, fmax=min(FMAX, sr / 2)) for side in (true, pred)]
    values = []
    for i, (t, p, f0_true, f0_pred) in enumerate(zip(true, pred, *pitches, strict=True)):
        if not np.isfinite(f0_true):
            raise AudioError(f"y_true[{i}] has no pitch. Leave the note out.")
        if not np.isfinite(f0_pred):
            values.append(floor)
            continue
        a, b = (np.maximum(harmonic_levels(y, f0, sr, n_harmonics), -floor) for y, f0 in ((t, f0_true), (p, f0_pred)))
        values.append(float(np.sqrt(np.nanmean((a - b) ** 2))))
    return summarise(values, average)


def harmonic_levels(y: np.ndarray, f0: float, sr: float, n_harmonics: int) -> np.ndarray:
    """Return the levels of the first harmonics in dB relative to the strongest; NaN above half the sample rate.

    All are NaN if ``f0`` is not finite.
    """
    levels = np.full(n_harmonics, np.nan)
    if not np.isfinite(f0):
        return levels
    n_fft = 2 ** int(np.ceil(np.log2(WINDOW * sr)))
    power = np.mean(np.abs(stft(y, n_fft, n_fft // 4)) ** 2, axis=-1)
    for k in range(1, n_harmonics + 1):
        centre = k * f0 * n_fft / sr
        # Half a semitone to both sides, at least the main lobe of the window, at most half the distance of harmonics.
        width = min(max(0.5 * SEMITONE * centre, 2.0), 0.5 * f0 * n_fft / sr)
        first, last = int(np.ceil(centre - width)), int(np.floor(centre + width))
        if last >= len(power):
            break
        levels[k - 1] = 10 * np.log10(max(power[first : last + 1].max(), np.finfo(np.float32).tiny))
    return levels - np.nanmax(levels)
