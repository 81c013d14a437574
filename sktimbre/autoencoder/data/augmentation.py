"""PairAugmenter: random variations of pairs of notes, drawn anew in every epoch."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from sktimbre._utils.notes import note_shapes
from sktimbre.autoencoder.data.contours import loudness_envelope, release_rate
from sktimbre.autoencoder.data.level import level_of_magnitudes
from sktimbre.autoencoder.data.pairs import frames_together
from sktimbre.autoencoder.data.pitch import pair_pitches
from sktimbre.spectral.log_magnitudes import magnitudes, transposed

__all__ = ["PairAugmenter", "Variations", "filtered"]

# Largest number of targets in an average, twice as many as a chromatic scale has within the default smoothing. Of more
# neighbours, this many are drawn: the cost does not grow with the number of notes, and the network still learns their mean.
MOST_MIXED = 16
# Values of the parameters that earlier versions did not have.
FORMER = {"beyond": 0, "transitions": 0, "mixing": 0, "filtering": 0, "epoch_size": None}
# Default smoothing in semitones, and the number of notes of a pitch from which on there is none.
SMOOTHING, OFTEN = 1.5, 8
# Share of variations that lie beyond the lowest or the highest note.
OUTSIDE = 0.15
# Most notes that sound together.
MOST_VOICES = 4
# Shortest and longest notes of a phrase in frames, between which logarithms of durations are drawn uniformly.
SHORTEST, LONGEST = 4, 40
# Share of notes that end where the next begins, most frames between end and beginning of the others, share of rests.
LEGATO, APART_FRAMES, RESTS = 0.5, 3, 0.1
# Largest difference in dB between notes that follow each other.
SOFTER = 6.0
# Points of a random filter along the logarithm of frequency, and their standard deviation in dB.
FILTER_POINTS, FILTER_DB = 8, 6.0


class PairAugmenter(BaseEstimator):
    """Settings of random variations of pairs: transposed, smoothed over neighbouring pitches, with other dynamics.

    Variations are made from log-magnitude spectra, at a fraction of the cost of training: transposing by stretching the
    frequency axis differs less from resampling the audio than successive frames of a note differ from each other
    (``benchmarks/timbre.py --transposition``). ``benchmarks/tuning.py`` compares means of neighbouring notes with held-out
    notes. Frames after one note of a pair has begun to end before the other are not used.

    Parameters
    ----------
    n_frames : int or None, default=16
        Longest variation in frames; longer notes are cut into pieces at random positions. Frames of a note are alike, so
        short pieces of many notes teach more in the same time than long pieces of few. None takes whole notes.
    semitones : float, default=1.2
        Largest transposition up or down. With ``smoothing``, it is at least half the distance to the next note, so that every
        pitch between training notes occurs in training. 0 keeps pitches.
    beyond : float, default=15
        Largest distance in semitones below the lowest and above the highest note of about one variation in seven: music goes
        beyond the notes of a library. 0 keeps to the range.
    smoothing : float or None, default=None
        Semitones within which notes are neighbours, or the distance between two successive notes where it is larger. A
        variation pairs the source of a random neighbour, transposed to the pitch of the variation, with the mean of the
        targets of all neighbours. The mean is weighted by nearness, and each target is transposed to the mean tuning of
        these targets relative to their sources. The network then learns properties that neighbouring notes share, not
        those of single training notes. Of more than 16 neighbours, 16 are drawn for each variation. 0 keeps each source with
        its own target. None is 1.5, but 0 where most pitches have eight notes or more: in recordings of music each pitch is
        played in several ways (`benchmarks/playing.py`). Notes without a clear pitch are not smoothed.
    dynamics : float in [0, 1], default=0.3
        Probability of another loudness contour, the same for source and target: a swell, and at times a tremolo, a late
        attack or an early end.
    transitions : float in [0, 1], default=0.8
        Probability that other notes follow in the variation, as in a phrase, each from its beginning, with durations from 4 to
        40 frames. Half of the notes end where the next begins, the others up to three frames before or after, as notes of
        their instrument end: at the median rate of their releases in dB per frame. One in ten is followed by a rest.
    mixing : float in [0, 1], default=0.25
        Probability that up to three further variations sound together with the variation, as in a chord.
    filtering : float in [0, 1], default=0.5
        Probability of a random smooth filter on the source alone, as another room, microphone or instrument has.
    epoch_size : int or None, default=240
        Largest number of variations in an epoch of `TimbreAutoencoder.fit`, so that training does not take longer the more
        material there is. An epoch has one variation for each ``n_frames`` of the notes; of more, so many are drawn, others in
        each epoch. None takes all.

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
        "beyond": [Interval(Real, 0, 24, closed="both")],
        "smoothing": [Interval(Real, 0, 12, closed="both"), None],
        "dynamics": [Interval(Real, 0, 1, closed="both")],
        "transitions": [Interval(Real, 0, 1, closed="both")],
        "mixing": [Interval(Real, 0, 1, closed="both")],
        "filtering": [Interval(Real, 0, 1, closed="both")],
        "epoch_size": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        n_frames=16,
        semitones=1.2,
        beyond=15,
        smoothing=None,
        dynamics=0.3,
        transitions=0.8,
        mixing=0.25,
        filtering=0.5,
        epoch_size=240,
    ):
        self.n_frames = n_frames
        self.semitones = semitones
        self.beyond = beyond
        self.smoothing = smoothing
        self.dynamics = dynamics
        self.transitions = transitions
        self.mixing = mixing
        self.filtering = filtering
        self.epoch_size = epoch_size

    def __setstate__(self, state):
        # Pickles and files from before these parameters.
        super().__setstate__({**FORMER, **state})


class Variations:
    """Variations of given pairs, drawn with the settings of a `PairAugmenter`.

    Parameters
    ----------
    augmenter : PairAugmenter
        Settings.
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
            heard = augmenter.smoothing != 0 or augmenter.beyond
            found.append(pair_pitches(*pair) if heard else (np.nan, np.nan))
        self.n_frames = np.array(lengths)
        self._least_frames = min(
            augmenter.n_frames or 0, max((shape[1] for shape in note_shapes(self.sources)), default=0)
        )
        self.pitches, self.target_pitches = 12 * np.log2(found).T  # in semitones
        known = np.sort(self.pitches[np.isfinite(self.pitches)])
        self._ends = [int(np.flatnonzero(self.pitches == pitch)[0]) for pitch in known[[0, -1]]] if len(known) else None
        self.smoothing = augmenter.smoothing
        if self.smoothing is None:
            near = np.searchsorted(known, known + 0.5) - np.searchsorted(known, known - 0.5)
            self.smoothing = 0.0 if len(near) and np.median(near) >= OFTEN else SMOOTHING
        if not self.smoothing:
            self.pitches, self.target_pitches = np.full((2, len(lengths)), np.nan)
        self._known_pitches = np.unique(self.pitches[np.isfinite(self.pitches)])
        self._releases = tuple(map(release_rate, pairs)) if augmenter.transitions else (0.0, 0.0)

    def draw(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return a variation of one pair.

        Parameters
        ----------
        index : int
            Index of the pair.
        rng : numpy.random.Generator
            Source of random numbers.

        Returns
        -------
        source, target : ndarray of shape (n_frequencies, at most n_frames), float32
        """
        how = self.augmenter
        voices = [self._phrase(index, rng)]
        if rng.random() < how.mixing:
            voices += [self._phrase(self._any(rng), rng) for _ in range(rng.integers(1, MOST_VOICES))]
        source, target = (_together(side, [0] * len(side)) for side in zip(*voices, strict=True))
        if len(voices) > 1 and (together := level_of_magnitudes(source).max()):
            gain = np.float32(level_of_magnitudes(voices[0][0]).max() / together)
            source, target = source * gain, target * gain
        if rng.random() < how.filtering:
            source = filtered(source, rng)
        return np.log1p(source), np.log1p(target)

    def _any(self, rng):
        return int(rng.integers(len(self.sources)))

    def _phrase(self, index, rng):
        """Return the magnitudes of a piece of a note, or of notes that follow each other."""
        first = self._piece(index, rng)
        # Short notes are continued by others: from short pieces alone a network would not know the context in a recording.
        while first[0].shape[1] < self._least_frames:
            then = self._piece(self._any(rng), rng)
            first = tuple(
                np.concatenate([a, b], axis=1)[:, : self._least_frames] for a, b in zip(first, then, strict=True)
            )
        n_frames = first[0].shape[1]
        if n_frames < 2 or rng.random() >= self.augmenter.transitions:
            return first
        begins = int(rng.integers(1, min(n_frames, max(2, _duration(rng)))))
        notes, starts, ends, gains = [first], [0], [_end(begins, rng)], [0.0]
        while begins < n_frames:
            following = begins + _duration(rng)
            if rng.random() >= RESTS:
                notes.append(self._piece(self._any(rng), rng, n_frames - begins))
                starts.append(begins)
                ends.append(_end(following, rng))
                gains.append(rng.uniform(-SOFTER, SOFTER))
            begins = following
        return tuple(
            _together([_played(*note, rate) for note in zip(side, starts, ends, gains, strict=True)], starts)
            for side, rate in zip(zip(*notes, strict=True), self._releases, strict=True)
        )

    def _piece(self, index, rng, first=None):
        """Return the magnitudes of a variation of a part of a note; with ``first``, of its first so many frames."""
        how = self.augmenter
        outwards = self._outwards(rng)
        if self._ends and outwards:
            index = self._ends[int(outwards > 0)]
        longest = int(self.n_frames[index])
        n_frames = min(longest, first or how.n_frames or longest)
        # Starts are drawn up to half a piece beyond both ends and clipped: otherwise hardly any piece would have the attack.
        beyond = n_frames // 2
        start = int(np.clip(rng.integers(-beyond, longest - n_frames + beyond + 1), 0, longest - n_frames))
        start = 0 if first else start
        here = slice(start, start + n_frames)
        shift = outwards or self._shift(self.pitches[index], rng)
        pitch = self.pitches[index] + shift
        near, weights, tuning = self._neighbours(pitch, here.stop, rng)
        if len(near):
            other = int(rng.choice(near, p=weights))
            source = transposed(self.sources[other][:, here], 2 ** ((pitch - self.pitches[other]) / 12))
            # Each target is transposed from its own pitch: partials that do not coincide are weak in the mean, and beat.
            shifts = pitch + tuning - self.target_pitches[near]
            target = sum(
                weight * transposed(self.targets[i][:, here], 2 ** (by / 12))
                for i, by, weight in zip(near, shifts, weights.tolist(), strict=True)
            )
        else:
            source, target = (
                transposed(side[index][:, here], 2 ** (shift / 12)) for side in (self.sources, self.targets)
            )
        source, target = magnitudes(source), magnitudes(target)
        if rng.random() < how.dynamics:
            gain = loudness_envelope(n_frames, rng)
            source, target = source * gain, target * gain
        return source, target

    def _outwards(self, rng):
        """Return semitones beyond the lowest note (negative) or the highest note, or 0 for a variation within the range."""
        if not self.augmenter.beyond or self._ends is None or rng.random() >= OUTSIDE:
            return 0.0
        return rng.uniform(0, self.augmenter.beyond) * rng.choice([-1, 1])

    def _shift(self, pitch, rng):
        most = self.augmenter.semitones
        if not most:
            return 0.0
        below, above = self._distance(pitch, "left"), self._distance(pitch, "right")
        return rng.uniform(-max(most, below / 2), max(most, above / 2))

    def _neighbours(self, pitch, stop, rng):
        """Return the neighbours of a pitch that last to frame ``stop``, their weights, and the mean tuning of their targets.

        Weights sum to 1. The tuning (semitones above the sources) is a mean over all neighbours, even if only some are drawn.
        """
        # Without a pitch, or without smoothing, nearness is NaN and there are no neighbours.
        width = max(self.smoothing, self._distance(pitch, "right"))
        nearness = 1 - np.abs(self.pitches - pitch) / width
        near = np.flatnonzero((nearness > 0) & (self.n_frames >= stop))
        if not len(near):
            return near, np.zeros(0), 0.0
        tuning = np.average((self.target_pitches - self.pitches)[near], weights=nearness[near])
        if len(near) > MOST_MIXED:
            near = rng.choice(near, MOST_MIXED, replace=False)
        return near, nearness[near] / nearness[near].sum(), tuning

    def _distance(self, pitch, side):
        """Return the distance between the notes below and above a pitch; 0 below the lowest and above the highest note.

        At the pitch of a note, return its distance to the next note on the ``side``.
        """
        i = np.searchsorted(self._known_pitches, pitch, side)
        return self._known_pitches[i] - self._known_pitches[i - 1] if 0 < i < len(self._known_pitches) else 0.0


def filtered(M: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return magnitudes through a random smooth filter, with the level of their loudest frame unchanged.

    Parameters
    ----------
    M : ndarray of shape (n_frequencies, n_frames), float32
        Magnitudes.
    rng : numpy.random.Generator
        Source of random numbers.

    Returns
    -------
    ndarray of the shape of M, float32
    """
    octaves = np.log2(1 + np.arange(len(M)))
    decibels = np.interp(octaves, np.linspace(0, octaves[-1], FILTER_POINTS), rng.normal(0, FILTER_DB, FILTER_POINTS))
    out = M * (10 ** (decibels / 20)).astype(np.float32)[:, np.newaxis]
    before, after = level_of_magnitudes(M).max(), level_of_magnitudes(out).max()
    return out * np.float32(before / after) if after else out


def _duration(rng):
    """Return the number of frames of a note in a phrase."""
    return round(float(np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST)))))


def _end(begins, rng):
    """Return the frame in which a note ends before another that begins."""
    return begins if rng.random() < LEGATO else begins + int(rng.integers(-APART_FRAMES, APART_FRAMES + 1))


def _played(M, start, end, gain, rate):
    """Return a note with a gain in dB that begins at one frame and fades from another, by ``rate`` dB per frame."""
    after = np.maximum(np.arange(start, start + M.shape[1]) - end, 0)
    return M * (10 ** ((gain - rate * after) / 20)).astype(np.float32)


def _together(parts, starts):
    """Return the magnitudes of sounds that sound together, each from its frame, in as many frames as the first.

    The phases of two sounds are independent, so their powers are added; beats between near partials are left out.
    """
    if len(parts) == 1:
        return parts[0]
    power = np.zeros_like(parts[0])
    for part, start in zip(parts, starts, strict=True):
        end = min(power.shape[1], start + part.shape[1])
        power[:, start:end] += part[:, : end - start] ** 2
    return np.sqrt(power)
