"""Estimate the pitch of a note: the harmonic comb that fits its spectrum best."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft
from scipy.ndimage import percentile_filter, uniform_filter1d
from scipy.sparse import csr_array, vstack

__all__ = ["LEAST_CLARITY", "MISTAKABLE", "HeardPitch", "hear_pitch"]

# Least clarity of a reliable pitch: white, pink and low-pass noise stay below 0.19, 99 of 100 notes are above 0.29
# (benchmarks/pitch.py).
LEAST_CLARITY = 0.2
# Intervals in semitones between the pitch of a note and one that may be heard instead.
MISTAKABLE = (7, 12, 19, 24, 28, 31, 36)
# Seconds of a note that are analysed, enough to resolve the partials of A0, and their distance from the onset.
DURATION, DELAY = 0.743, 0.018
# Range of pitches and of partials in Hz; the pitches of the piano are 27.5 to 4186 Hz.
LOWEST, HIGHEST = 25.0, 4600.0
LOWEST_PARTIAL, HIGHEST_PARTIAL = 20.0, 10900.0
RESOLUTION = 120  # pitches in an octave
PARTIALS = 30
# Inharmonicity coefficients, from stiffness [2]_: none, then those of low to the highest piano strings.
INHARMONICITY = (0.0, 1e-4, 3e-4, 1e-3, 4e-3)
# The noise floor is a low percentile over 1.6 octaves. The weight of a partial grows with its height above the floor, up to
# 40 dB, and falls to zero at 50 dB below the loudest partial.
FLOOR_PERCENTILE, FLOOR_OCTAVES, FLOOR_STEP = 40, 1.6, 4
HEIGHT, RANGE = 40.0, 50.0  # dB
# The n-th partial has the weight n ** -0.6; the spectrum half-way between partials has minus half of that weight.
DECAY, BETWEEN = 0.6, 0.5


class HeardPitch(NamedTuple):
    """Pitch as a fractional MIDI number (NaN for silence), and clarity from 0 to 1."""

    midi: float
    clarity: float


def hear_pitch(y: np.ndarray, sr: float) -> HeardPitch:
    """Estimate the pitch of a single note.

    The spectrum, on a logarithmic frequency axis and above its noise floor, is correlated with combs of 30 partials,
    harmonic and inharmonic, for pitches ten cents apart. Combs have negative weights half-way between partials, which
    excludes most pitches that are octaves too low [1]_.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float
        Audio of one note; quieter sound may come before it.
    sr : float
        Sample rate in Hz.

    Returns
    -------
    HeardPitch
        The pitch is unreliable if its clarity is below 0.2.

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
    place = best % len(pitches)
    octaves = pitches[place]
    if 0 < place < len(pitches) - 1:
        # The vertex of a parabola through the best score and its neighbours.
        low, top, high = scores[best - 1 : best + 2]
        octaves += 0.5 * (low - high) / (low - 2 * top + high) / RESOLUTION if low - 2 * top + high < 0 else 0.0
    return HeardPitch(float(69 + 12 * (octaves - np.log2(440))), float(scores[best]))


def _spectrum(y, sr):
    """Return the magnitude spectrum of a note after its onset, and the length of the transform."""
    n = int(DURATION * sr)
    power = uniform_filter1d(np.square(y, dtype=np.float64), max(1, round(0.046 * sr)), mode="constant")
    onset = int(np.argmax(power > 0.1 * power.max())) + round(DELAY * sr)
    part = y[onset : onset + n] if len(y) - onset > n // 4 else y[-n:]
    n_fft = scipy.fft.next_fast_len(2 * n, real=True)
    return np.abs(scipy.fft.rfft(part * np.hanning(len(part)), n_fft)), n_fft


@lru_cache(maxsize=4)
def _grid(highest):
    """Return the frequencies of the logarithmic axis, in octaves above 1 Hz."""
    return np.arange(np.log2(LOWEST_PARTIAL), np.log2(highest), 1 / RESOLUTION)


def _salience(spectrum, grid, bin_width):
    """Return the weighted height above the noise floor at each frequency of the logarithmic axis."""
    decibels = 20 * np.log10(spectrum + 1e-9 * spectrum.max())
    level = np.interp(np.exp2(grid) / bin_width, np.arange(len(decibels)), decibels)
    low, high = (np.exp2(grid + side / (2 * RESOLUTION)) / bin_width for side in (-1, 1))
    # At high frequencies a step of the axis spans several bins; the loudest is used.
    wide = high - low > 1
    edges = np.stack([low.astype(int), np.minimum(high.astype(int) + 1, len(decibels) - 1)], axis=1)[wide]
    level[wide] = np.maximum(level[wide], np.maximum.reduceat(decibels, edges.ravel())[::2])
    size = round(FLOOR_OCTAVES * RESOLUTION / FLOOR_STEP)
    floor = np.repeat(percentile_filter(level[::FLOOR_STEP], FLOOR_PERCENTILE, size), FLOOR_STEP)[: len(level)]
    return np.clip(level - floor, 0, HEIGHT) * np.clip((level - level.max() + RANGE) / RANGE, 0, 1)


@lru_cache(maxsize=4)
def _combs(highest):
    """Return the pitches, in octaves above 1 Hz, and their combs, one group of rows for each inharmonicity."""
    grid = _grid(highest)
    first, last = (round(RESOLUTION * np.log2(f / LOWEST_PARTIAL)) for f in (LOWEST, min(HIGHEST, 0.97 * highest)))
    pitches = grid[first:last]
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
