"""PairAugmenter: more pairs of notes out of few, drawn anew in every epoch."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from sktimbre.autoencoder.data.pairs import frames_together
from sktimbre.autoencoder.data.pitch import pair_pitches
from sktimbre.spectral.log_magnitudes import scaled, transposed

__all__ = ["PairAugmenter", "Variations", "loudness_envelope"]

# Targets that are mixed into one at most, twice as many as a chromatic scale has within the default smoothing. Of more, so
# many are drawn each time: a variation costs the same however many notes there are, and what is learnt is still their mean.
MOST_MIXED = 16


class PairAugmenter(BaseEstimator):
    """How variations of pairs of notes are drawn: transposed, smoothed over neighbouring pitches, with other dynamics.

    All of it happens on log-magnitude spectra, for a fraction of what training costs: transposing by stretching the
    frequency axis comes closer to resampling the sound than successive frames of one note are to each other
    (``benchmarks/timbre.py --transposition``). ``benchmarks/tuning.py`` shows how near the means of neighbours are to notes
    that are not among them. Nothing is drawn from where one note of a pair has begun to end before the other.

    Parameters
    ----------
    n_frames : int or None, default=16
        Longest variation; of longer notes pieces are taken from anywhere. Frames of one note are much alike: short pieces of
        many notes teach more in the time than long ones of few. None takes whole notes.
    semitones : float, default=1.2
        Largest transposition up or down; where notes are smoothed and the next lies further than twice that, half-way to it,
        so that every pitch between training notes is heard while training. 0 keeps pitches.
    smoothing : float, default=3.5
        Semitones over which notes stand for their neighbours: a variation has the source of a note so near, transposed to
        its pitch, and the mean of all targets so near, weighted by nearness, each transposed to where these are tuned in the
        mean beside their sources. Then a network learns what neighbouring notes have in common, not what tells a training
        note from the next. Between notes that lie further apart it is as far as they do. Of more than 16 such notes, 16 are
        drawn for each variation. 0 keeps each source with its own target, as is right where one pitch was recorded in several
        ways. Notes without a clear pitch keep their own.
    dynamics : float in [0, 1], default=0.3
        Probability of another loudness: a swell, and at times a tremolo, a late attack or an early end, drawn over both notes.
    joining : float in [0, 1], default=0.05
        Probability that another pair takes over in the middle of a note, as in a phrase.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.autoencoder.data.augmentation import PairAugmenter, Variations
    >>> S = np.ones((2, 129, 40), np.float32)
    >>> source, target = Variations(PairAugmenter(n_frames=24), (S, S)).draw(0, np.random.default_rng(0))
    >>> source.shape
    (129, 24)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_frames": [Interval(Integral, 1, None, closed="left"), None],
        "semitones": [Interval(Real, 0, 12, closed="both")],
        "smoothing": [Interval(Real, 0, 12, closed="both")],
        "dynamics": [Interval(Real, 0, 1, closed="both")],
        "joining": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, n_frames=16, semitones=1.2, smoothing=3.5, dynamics=0.3, joining=0.05):
        self.n_frames = n_frames
        self.semitones = semitones
        self.smoothing = smoothing
        self.dynamics = dynamics
        self.joining = joining


class Variations:
    """Variations of given pairs, as a `PairAugmenter` says.

    Parameters
    ----------
    augmenter : PairAugmenter
        How.
    pairs : tuple of two sequences of ndarray of shape (n_frequencies, n_frames), float32
        Sources and targets.
    """

    def __init__(self, augmenter: PairAugmenter, pairs: tuple[Sequence[np.ndarray], Sequence[np.ndarray]]):
        augmenter._validate_params()
        self.augmenter = augmenter
        self.sources, self.targets = pairs
        lengths, found = [], []
        for pair in zip(*pairs, strict=True):
            lengths.append(frames_together(*pair))
            found.append(pair_pitches(*pair) if augmenter.smoothing else (np.nan, np.nan))
        self.n_frames = np.array(lengths)
        self.pitches, self.target_pitches = 12 * np.log2(found).T  # in semitones
        self.heard = np.unique(self.pitches[np.isfinite(self.pitches)])

    def draw(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return a variation of one pair.

        Parameters
        ----------
        index : int
            The pair.
        rng : numpy.random.Generator
            Decides.

        Returns
        -------
        source, target : ndarray of shape (n_frequencies, at most n_frames), float32
        """
        source, target = self._piece(index, rng)
        if rng.random() < self.augmenter.joining:
            then = self._piece(int(rng.integers(len(self.sources))), rng)
            at, end = int(rng.integers(0, source.shape[1] + 1)), min(source.shape[1], then[0].shape[1])
            source, target = (
                np.concatenate([a[:, :at], b[:, at:end]], axis=1) if at < end else a
                for a, b in zip((source, target), then, strict=True)
            )
        return source, target

    def _piece(self, index, rng):
        how, longest = self.augmenter, int(self.n_frames[index])
        n_frames = min(longest, how.n_frames or longest)
        # As if pieces could hang over both ends by half: else the first frames, the attack, would be in hardly any of them.
        beyond = n_frames // 2
        start = int(np.clip(rng.integers(-beyond, longest - n_frames + beyond + 1), 0, longest - n_frames))
        here = slice(start, start + n_frames)
        shift = self._shift(self.pitches[index], rng)
        pitch = self.pitches[index] + shift
        near, weights, tuning = self._neighbours(pitch, here.stop, rng)
        if len(near):
            other = int(rng.choice(near, p=weights))
            source = transposed(self.sources[other][:, here], 2 ** ((pitch - self.pitches[other]) / 12))
            # From its own pitch each, not from its source's: partials of the mean that do not fall together are weak and beat.
            shifts = pitch + tuning - self.target_pitches[near]
            target = sum(
                weight * transposed(self.targets[i][:, here], 2 ** (by / 12))
                for i, by, weight in zip(near, shifts, weights.tolist(), strict=True)
            )
        else:
            source, target = (
                transposed(side[index][:, here], 2 ** (shift / 12)) for side in (self.sources, self.targets)
            )
        if rng.random() < how.dynamics:
            gain = loudness_envelope(n_frames, rng)
            source, target = scaled(source, gain), scaled(target, gain)
        return source, target

    def _shift(self, pitch, rng):
        most = self.augmenter.semitones
        if not most:
            return 0.0
        below, above = self._around(pitch, "left"), self._around(pitch, "right")
        return rng.uniform(-max(most, below / 2), max(most, above / 2))

    def _neighbours(self, pitch, stop, rng):
        """Return notes near a pitch that last to frame ``stop``, their weights, and how far targets lie above sources there.

        Weights add up to 1. The distance is a mean over all that are near, also where few of many are drawn.
        """
        # Without a pitch, as where nothing is smoothed, nearness is NaN, and no note is near.
        width = max(self.augmenter.smoothing, self._around(pitch, "right"))
        nearness = 1 - np.abs(self.pitches - pitch) / width
        near = np.flatnonzero((nearness > 0) & (self.n_frames >= stop))
        if not len(near):
            return near, np.zeros(0), 0.0
        tuning = np.average((self.target_pitches - self.pitches)[near], weights=nearness[near])
        if len(near) > MOST_MIXED:
            near = rng.choice(near, MOST_MIXED, replace=False)
        return near, nearness[near] / nearness[near].sum(), tuning

    def _around(self, pitch, side):
        """Return the distance of the notes on either side of a pitch; of a note's own, on that ``side``. Beyond all, 0."""
        i = np.searchsorted(self.heard, pitch, side)
        return self.heard[i] - self.heard[i - 1] if 0 < i < len(self.heard) else 0.0


def loudness_envelope(n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return factors for the frames of a note: a swell, and at times a tremolo, a late attack, an early end; 1 at most.

    Parameters
    ----------
    n_frames : int
        Frames, at least one.
    rng : numpy.random.Generator
        Decides.

    Returns
    -------
    ndarray of shape (n_frames,), float32, positive
    """
    frames = np.arange(n_frames)
    points = rng.normal(0, 6, int(rng.integers(2, 5)))
    decibels = np.interp(frames, np.linspace(0, max(1, n_frames - 1), len(points)), points)
    if rng.random() < 0.4:  # a tremolo of about two to ten hertz
        period = rng.uniform(4, 20)
        decibels += rng.uniform(1, 6) * np.sin(2 * np.pi * (frames / period + rng.random()))
    for order in (frames, frames[::-1]):
        if rng.random() < 0.2:
            silent = rng.integers(0, n_frames // 2 + 1)
            decibels -= 60 * np.clip((silent - order) / rng.integers(1, 8), 0, 1)
    return (10 ** ((decibels - decibels.max()) / 20)).astype(np.float32)
