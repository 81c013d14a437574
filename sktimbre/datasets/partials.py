"""Follow the partials of a pitch track: where a note is played again, and what else begins with a note."""

from typing import NamedTuple

import numpy as np

from sktimbre.datasets.tracking import BLOCK, FRAME, HOP, RATE, frames_of

__all__ = ["Partials", "follow_partials", "own_share"]

# Partials that are followed, and those that a note may have.
FOLLOWED, PARTIALS = 12, 60
# Largest change of a fundamental's frequency, relative to it, per second: a vibrato of 60 cents at 6 Hz.
FASTEST = 1.5
# Shifts in radians of the fundamental that are tried, up to one.
SHIFTS = np.linspace(-1, 1, 81)
# Power below which nothing is followed.
LEAST = 1e-8
# Frames of a note, after its attack, that are compared with those before it; an attack is noisy.
SETTLED, COMPARED, EARLIER, APART = 3, 90, 8, 2
# What grows is louder than before by this factor, so that noise does not grow.
LOUDER = 2.0
# Bins at each side of a partial that belong to it. Partials of strings are sharp; those of high piano strings, which have few,
# by so much, counted up to the eighth.
WIDE, INHARMONICITY, SHARPEST = 3, 1.5e-3, 8


class Partials(NamedTuple):
    """Power of the partials in dB, and how little they follow from the frames before, from 0 to about 2, of each frame."""

    level: np.ndarray
    novelty: np.ndarray


def follow_partials(y: np.ndarray, midi: np.ndarray) -> Partials:
    """Tell how far the partials of a pitch track go on as in the two frames before.

    The deviation in the complex domain, of amplitude and phase [1]_, finds notes that are played again under the release of
    the same note. Here a common shift in time of all partials, as vibrato causes it, does not count.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float
        The recording at 22050 Hz.
    midi : ndarray of shape (n_frames,), float
        Pitch as `track_pitch` returns it.

    Returns
    -------
    Partials

    References
    ----------
    .. [1] J. P. Bello, C. Duxbury, M. Davies and M. Sandler, "On the use of phase and energy for musical onset detection in
       the complex domain", IEEE Signal Processing Letters 11(6), 2004.
    """
    f0 = 440 * 2 ** ((np.nan_to_num(midi, nan=69.0) - 69) / 12)
    number = np.arange(1, FOLLOWED + 1)
    turns = np.exp(-1j * number[:, np.newaxis] * SHIFTS).astype(np.complex64)
    largest = 2 * np.pi * f0 * FASTEST * (HOP / RATE) ** 2
    level, novelty = np.empty(len(f0)), np.empty(len(f0))
    for first in range(0, len(f0), BLOCK):
        part = slice(first, min(len(f0), first + BLOCK))
        spectra = frames_of(y, first - 2, part.stop)
        bins = np.rint(f0[part, np.newaxis] * number * FRAME / RATE).astype(int)
        inside = bins < FRAME // 2 - 1
        places = (np.where(inside, bins, 1)[:, :, np.newaxis] + np.arange(-1, 2)).reshape(len(bins), -1)
        older, old, new = (
            np.take_along_axis(spectra[lag : lag + len(bins)], places, axis=1).reshape(*bins.shape, 3)
            * inside[:, :, np.newaxis]
            for lag in range(3)
        )
        expected = old**2 * np.conj(older) / np.maximum(np.abs(old) * np.abs(older), 1e-12)
        power = np.sum(np.abs(new) ** 2, axis=(1, 2))
        agreement = np.real(np.sum(new * np.conj(expected), axis=2) @ turns)
        agreement[np.abs(SHIFTS) > np.maximum(largest[part, np.newaxis], SHIFTS[41])] = -np.inf
        error = power + np.sum(np.abs(expected) ** 2, axis=(1, 2)) - 2 * agreement.max(axis=1)
        level[part] = 10 * np.log10(power + 1e-12)
        novelty[part] = np.sqrt(np.maximum(error, 0) / (power + LEAST))
    return Partials(level, np.minimum(novelty, 2))


def own_share(y: np.ndarray, first: int, last: int, midi: tuple[float, float]) -> tuple[float, float]:
    """Return how much of the power that begins with a note belongs to its partials.

    It is near 1 for one voice, even where earlier notes ring on: what rings does not grow.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float
        The recording at 22050 Hz.
    first, last : int
        First frame of the note, and the one after its last.
    midi : tuple of float
        Lowest and highest pitch of the note as fractional MIDI numbers; they differ where there is vibrato.

    Returns
    -------
    share : float
        From 0 to 1.
    growth : float
        Power that begins with the note, relative to that of all that sounds, from 0 to 1; little is known where little grows.
    """
    last = min(last, first + COMPARED)
    begin = max(0, first - EARLIER)
    power = np.abs(frames_of(y, begin, last)) ** 2
    power[:, :4] = 0
    settled = first + SETTLED if last - first > SETTLED + 2 else min(first + 1, last - 1)
    now = np.percentile(power[settled - begin :], 75, axis=0)
    before = power[: max(0, first - APART - begin)]
    grown = np.maximum(now - LOUDER * before.max(axis=0), 0) if len(before) else now
    total = grown.sum()
    if not total > 0:
        return 1.0, 0.0
    bins = np.arange(len(grown))
    low, high = (440 * 2 ** ((pitch - 69) / 12) * FRAME / RATE for pitch in midi)
    # Between two partials of a low note there is less room.
    wide = min(WIDE + 0.5, low / 4)
    numbers = np.arange(1, PARTIALS + 1)
    highest = numbers * np.sqrt(1 + INHARMONICITY * np.minimum(numbers, SHARPEST) ** 2) * high + wide
    # The lowest partial that may be as high as a bin.
    number = numbers[np.minimum(np.searchsorted(highest, bins), PARTIALS - 1)]
    own = (bins >= number * low - wide) & (bins <= highest[number - 1])
    return float(grown[own].sum() / total), float(total / now.sum())
