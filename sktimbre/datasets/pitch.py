"""The pitch of a note by ear: the harmonic comb that fits its spectrum best."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft
from scipy.ndimage import percentile_filter
from scipy.sparse import csr_array, vstack

__all__ = ["LEAST_CLARITY", "HeardPitch", "hear_pitch"]

# Clarity above which a pitch is believed: white and low-pass noise stay below 0.16, 99 of 100 real notes are above 0.28.
LEAST_CLARITY = 0.2
# Seconds of a note that are analysed, and where they begin after its onset: long enough to resolve the partials of A0.
DURATION, DELAY = 0.743, 0.018
# Range of pitches and of partials in Hz; the piano has 27.5 to 4186.
LOWEST, HIGHEST = 25.0, 4600.0
LOWEST_PARTIAL, HIGHEST_PARTIAL = 20.0, 10900.0
RESOLUTION = 120  # pitches in an octave
PARTIALS = 30
# Coefficients of the stretch of partials by stiffness [2]_: none, and from low to the highest piano strings.
INHARMONICITY = (0.0, 1e-4, 3e-4, 1e-3, 4e-3)
# The noise floor is a low percentile over 1.6 octaves. A partial counts by its height above the floor, up to 40 dB, and less
# the further it is below the loudest partial; 50 dB below that it does not count.
FLOOR_PERCENTILE, FLOOR_OCTAVES, FLOOR_STEP = 40, 1.6, 4
HEIGHT, RANGE = 40.0, 50.0  # dB
# Weight of the n-th partial is n ** -0.6; the spectrum half-way between partials is subtracted with half of that.
DECAY, BETWEEN = 0.6, 0.5


class HeardPitch(NamedTuple):
    """A pitch as a MIDI number with a fraction, NaN for silence, and its clarity from 0 to 1."""

    midi: float
    clarity: float


def hear_pitch(y: np.ndarray, sr: float) -> HeardPitch:
    """Estimate the pitch of a single note.

    The spectrum is taken above its noise floor on a logarithmic axis of frequency and compared with combs of 30 partials,
    harmonic and stretched, for pitches ten cents apart. What lies half-way between partials counts against a comb, which
    excludes most lower octaves [1]_.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float
        Audio of one note; what comes before it may be quieter sound.
    sr : float
        Sample rate in Hz.

    Returns
    -------
    HeardPitch
        Below a clarity of 0.2 the pitch is not to be believed.

    References
    ----------
    .. [1] A. Camacho and J. Harris, "A sawtooth waveform inspired pitch estimator for speech and music", The Journal of the
       Acoustical Society of America 124(3), 2008.
    .. [2] H. Fletcher, E. D. Blackham and R. Stratton, "Quality of piano tones", The Journal of the Acoustical Society of
       America 34(6), 1962.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets.pitch import hear_pitch
    >>> t = np.arange(22050) / 22050
    >>> round(hear_pitch(np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 880 * t), 22050).midi)
    69
    """
    spectrum, n_fft = _spectrum(y, sr)
    if not spectrum.any():
        return HeardPitch(np.nan, 0.0)
    highest = min(HIGHEST_PARTIAL, 0.49 * sr)
    salience = _salience(spectrum, _grid(highest), sr / n_fft)
    norm = np.linalg.norm(salience)
    if norm == 0:
        return HeardPitch(np.nan, 0.0)
    pitches, combs = _combs(highest)
    scores = combs @ (salience / norm)
    best = int(np.argmax(scores))
    return HeardPitch(float(69 + 12 * (pitches[best % len(pitches)] - np.log2(440))), float(scores[best]))


def _spectrum(y, sr):
    """Return the magnitudes of the loud part of a note, and the length of the transform."""
    n = int(DURATION * sr)
    power = np.convolve(np.square(y, dtype=np.float64), np.ones(max(1, round(0.046 * sr))), "same")
    onset = int(np.argmax(power > 0.1 * power.max())) + round(DELAY * sr)
    part = y[onset : onset + n] if len(y) - onset > n // 4 else y[-n:]
    n_fft = scipy.fft.next_fast_len(2 * n, real=True)
    return np.abs(scipy.fft.rfft(part * np.hanning(len(part)), n_fft)), n_fft


@lru_cache(maxsize=4)
def _grid(highest):
    """Return the frequencies of the logarithmic axis, in octaves above 1 Hz."""
    return np.arange(np.log2(LOWEST_PARTIAL), np.log2(highest), 1 / RESOLUTION)


def _salience(spectrum, grid, bin_width):
    """Return how much each place on the logarithmic axis stands out of the noise floor."""
    decibels = 20 * np.log10(spectrum + 1e-9 * spectrum.max())
    level = np.interp(np.exp2(grid) / bin_width, np.arange(len(decibels)), decibels)
    low, high = (np.exp2(grid + side / (2 * RESOLUTION)) / bin_width for side in (-1, 1))
    # High places span several bins, of which the loudest counts.
    wide = high - low > 1
    edges = np.stack([low.astype(int), np.minimum(high.astype(int) + 1, len(decibels) - 1)], axis=1)[wide]
    level[wide] = np.maximum(level[wide], np.maximum.reduceat(decibels, edges.ravel())[::2])
    size = round(FLOOR_OCTAVES * RESOLUTION / FLOOR_STEP)
    floor = np.repeat(percentile_filter(level[::FLOOR_STEP], FLOOR_PERCENTILE, size), FLOOR_STEP)[: len(level)]
    return np.clip(level - floor, 0, HEIGHT) * np.clip((level - level.max() + RANGE) / RANGE, 0, 1)


@lru_cache(maxsize=4)
def _combs(highest):
    """Return the pitches, in octaves above 1 Hz, and their combs, one block of rows for each coefficient of stretch."""
    grid = _grid(highest)
    pitches = np.arange(np.log2(LOWEST), np.log2(min(HIGHEST, 0.97 * highest)), 1 / RESOLUTION)
    number = np.arange(1, PARTIALS + 1)
    weight = number**-DECAY
    rows = np.repeat(np.arange(len(pitches)), PARTIALS)

    def matrix(octaves, values):
        places = np.rint((pitches[:, np.newaxis] + octaves - grid[0]) * RESOLUTION).astype(int)
        inside = (places >= 0) & (places < len(grid))
        values = np.where(inside, values, 0)
        columns = np.where(inside, places, 0).ravel()
        return csr_array((values.ravel(), (rows, columns)), shape=(len(pitches), len(grid))), values

    combs = []
    for b in INHARMONICITY:
        on, values = matrix(np.log2(number * np.sqrt((1 + b * number**2) / (1 + b))), weight)
        between, _ = matrix(np.log2(number - 0.5), BETWEEN * weight)
        combs.append((on - between) / np.sqrt(np.sum(values**2, axis=1))[:, np.newaxis])
    return pitches, csr_array(vstack(combs))
