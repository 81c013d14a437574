"""Track the pitch of one voice in a recording: combs on short frames, and the best path through their scores."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft

__all__ = ["HOP", "RATE", "PitchTrack", "frames_of", "track_pitch"]

# Rate in Hz at which a recording is analysed; frame and hop in samples; frames that are transformed at once.
RATE, FRAME, HOP, BLOCK = 22050, 2048, 256, 512
# Range of pitches in Hz, pitches in an octave, and the highest partial in Hz. Higher pitches, up to that partial, are followed
# so that they are not heard an octave lower, but count as unpitched.
LOWEST, HIGHEST, RESOLUTION, HIGHEST_PARTIAL = 48.0, 4400.0, 48, 8000.0
PARTIALS = 20
# Magnitudes are raised to this power, so that quiet partials count. Their rise within 58 ms (5 frames) is added 2.5 times.
POWER, RISE, RISE_FRAMES = 0.65, 2.5, 5
# The n-th partial has the weight n ** -0.8, and the spectrum half-way between partials minus this much of it.
DECAY, BETWEEN = 0.8, 0.5
# Width of a partial in bins, and relative to its frequency.
WIDTH, DETUNED = 1.2, 0.006
# Frames are normalised as if they were no quieter than this, relative to the loudest.
QUIETEST = 1e-3
# Scores that a path loses by a jump and by each step of a 48th octave, of which it takes three at most in a frame (4 semitones
# in 58 ms); the score of a frame without a pitch.
JUMP, STEP, STEPS, UNPITCHED = 0.5, 0.04, 3, 0.3
# The lowest pitches, in whose combs rumble collects, count as unpitched.
EDGE = 4
# Steps at each side of the path within which its pitch is refined.
NEAR = 3


class PitchTrack(NamedTuple):
    """Pitch of a recording every 256 samples at 22050 Hz.

    The pitch is a fractional MIDI number, NaN where there is none. ``early`` is the pitch of what rises, to a quarter of a
    semitone: it changes as soon as a note begins. The clarity is from 0 to 1.
    """

    midi: np.ndarray
    early: np.ndarray
    clarity: np.ndarray


def track_pitch(y: np.ndarray) -> PitchTrack:
    """Track the pitch of one voice.

    Magnitudes of short frames, and by how much they rise, are correlated with combs, as in `hear_pitch` [1]_; the rise favours
    a note that begins under the release of another. The pitch is the path of the largest sum of scores, where jumps have a
    cost, found by dynamic programming [2]_.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float
        The recording at 22050 Hz.

    Returns
    -------
    PitchTrack
        Of 1 + n_samples // 256 frames; the first one is centred on the first sample.

    References
    ----------
    .. [1] A. Camacho and J. Harris, "A sawtooth waveform inspired pitch estimator for speech and music", The Journal of the
       Acoustical Society of America 124(3), 2008.
    .. [2] B. Secrest and G. Doddington, "An integrated pitch tracking algorithm for speech systems", Proceedings of ICASSP,
       1983.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets.tracking import track_pitch
    >>> track = track_pitch(np.sin(2 * np.pi * 440 * np.arange(22050) / 22050))
    >>> round(float(np.median(track.midi)))
    69
    """
    scores = _scores(y)
    path = _best_path(scores)
    frames = np.arange(len(path))
    pitched = (path < np.searchsorted(_pitches(), 69 + 12 * np.log2(HIGHEST / 440))) & (path >= EDGE)
    place = np.where(pitched, path, 0)
    clarity = np.where(pitched, scores[frames, place], 0)
    midi = _refined(y, place)
    early = np.where(pitched, _pitches()[place], np.nan)
    return PitchTrack(np.where(pitched, midi, np.nan), early, np.clip(clarity, 0, 1))


def frames_of(y, first, last):
    """Return the complex spectra of frames first to last - 1, of shape (n, FRAME // 2 + 1); a sine of amplitude 1 has 0.5."""
    start, stop = first * HOP - FRAME // 2, (last - 1) * HOP + FRAME // 2
    part = np.pad(y[max(0, start) : max(0, stop)].astype(np.float32), (max(0, -start), max(0, stop - len(y))))
    frames = np.lib.stride_tricks.sliding_window_view(part, FRAME)[::HOP]
    return scipy.fft.rfft(frames * (np.hanning(FRAME) * (2 / FRAME)).astype(np.float32), axis=1)


def _pitches():
    octaves = np.arange(np.log2(LOWEST), np.log2(HIGHEST_PARTIAL), 1 / RESOLUTION)
    return 69 + 12 * (octaves - np.log2(440))


def _scores(y):
    """Return the correlation of each frame with the comb of each pitch."""
    n_frames = 1 + len(y) // HOP
    combs = _combs()
    scores = np.empty((n_frames, len(combs)), np.float32)
    loudest = np.empty(n_frames, np.float32)
    before = np.zeros((RISE_FRAMES, FRAME // 2 + 1), np.float32)
    for first in range(0, n_frames, BLOCK):
        last = min(n_frames, first + BLOCK)
        magnitudes = np.abs(frames_of(y, first, last)) ** np.float32(POWER)
        history = np.concatenate([before, magnitudes])
        before = history[-RISE_FRAMES:]
        weighted = magnitudes + RISE * np.maximum(magnitudes - history[: last - first], 0)
        scores[first:last] = weighted @ combs.T
        loudest[first:last] = np.linalg.norm(weighted, axis=1)
    least = max(float(loudest.max()) * QUIETEST**POWER, np.finfo(np.float32).tiny)
    scores /= np.maximum(loudest, least)[:, np.newaxis]
    return scores


@lru_cache(maxsize=1)
def _combs():
    """Return the weights of each frequency for each pitch, shape (n_pitches, FRAME // 2 + 1)."""
    frequencies = scipy.fft.rfftfreq(FRAME, 1 / RATE)
    bin_width = RATE / FRAME
    combs = []
    for midi in _pitches():
        f0 = 440 * 2 ** ((midi - 69) / 12)
        comb = np.zeros(len(frequencies))
        squares = 0.0
        for n in range(1, PARTIALS + 1):
            if n * f0 > HIGHEST_PARTIAL:
                break
            width = np.hypot(WIDTH * bin_width, DETUNED * n * f0)
            lobe = n**-DECAY * np.exp(-0.5 * ((frequencies - n * f0) / width) ** 2)
            squares += np.sum(lobe**2)
            width = min(width, f0 / 6)
            between = n**-DECAY * np.exp(-0.5 * ((frequencies - (n - 0.5) * f0) / width) ** 2)
            comb += lobe - BETWEEN * between
        combs.append(comb / np.sqrt(squares))
    return np.array(combs, np.float32)


def _refined(y, path):
    """Return the pitch of each frame near that of the path, without the rise, which favours where vibrato is about to go."""
    midi = np.empty(len(path))
    near = np.arange(-NEAR, NEAR + 1)
    combs = _combs()
    for first in range(0, len(path), BLOCK):
        part = path[first : first + BLOCK]
        scores = np.abs(frames_of(y, first, first + len(part))) ** np.float32(POWER) @ combs.T
        frames = np.arange(len(part))
        best = np.clip(part[:, np.newaxis] + near, 0, len(combs) - 1)
        best = best[frames, scores[frames[:, np.newaxis], best].argmax(axis=1)]
        inner = np.clip(best, 1, len(combs) - 2)
        low, top, high = (scores[frames, inner + side].astype(np.float64) for side in (-1, 0, 1))
        # The vertex of a parabola through a score and its neighbours.
        curve = low - 2 * top + high
        vertex = np.where(curve < 0, 0.5 * (low - high) / np.where(curve < 0, curve, -1), 0)
        midi[first : first + BLOCK] = _pitches()[inner] + np.clip(vertex, -0.5, 0.5) * 12 / RESOLUTION
    return midi


def _best_path(scores):
    """Return the number of the pitch in each frame, or the number of pitches where there is none."""
    n_frames, n_pitches = scores.shape
    steps = np.arange(-STEPS, STEPS + 1)
    cost = STEP * np.abs(steps)
    total = np.full(n_pitches + 2 * STEPS, -np.inf)
    inner = total[STEPS:-STEPS]
    inner[:] = scores[0]
    neighbours = np.lib.stride_tricks.sliding_window_view(total, 2 * STEPS + 1)
    places = np.arange(n_pitches)
    unpitched = UNPITCHED
    origin = np.empty((n_frames, n_pitches), np.int16)
    origin_unpitched = np.empty(n_frames, np.int16)
    for t in range(1, n_frames):
        reached = neighbours - cost
        step = reached.argmax(axis=1)
        best = reached[places, step]
        origin[t] = places + steps[step]
        top = int(inner.argmax())
        begins = unpitched - JUMP / 2
        jump, place = max((inner[top] - JUMP, top), (begins, n_pitches))
        origin[t, best < jump] = place
        ends = inner[top] - JUMP / 2
        unpitched, origin_unpitched[t] = max((unpitched, n_pitches), (ends, top))
        unpitched += UNPITCHED
        inner[:] = np.maximum(best, jump) + scores[t]
    path = np.empty(n_frames, int)
    place = n_pitches if unpitched > inner.max() else int(inner.argmax())
    for t in range(n_frames - 1, -1, -1):
        path[t] = place
        if t:
            place = origin_unpitched[t] if place == n_pitches else origin[t, place]
    return path
