"""Level of a note, and faults that make a recording useless as a note."""

import numpy as np
import scipy.signal

from sktimbre.datasets.onset import find_onset
from sktimbre.datasets.pitch import LEAST_CLARITY, MISTAKABLE, hear_pitch

__all__ = ["FAR", "channel_faults", "far_levels", "note_faults", "note_level"]

# Notes as far as this from the median level of the others, in dB, are not of one set: pp and ff are about 30 dB apart.
FAR = 40.0
# The level is the median over ten blocks of 5 ms, of which clicks fill fewer than five.
BLOCK, BLOCKS = 0.005, 10
# A silent note peaks below this level in dBFS; the mix of antiphase channels is this much quieter than they are, in dB.
SILENT, ANTIPHASE = -80.0, 20.0
# A note is short if it stays within 50 dB of its level for less than a frame of 1024 samples at 22050 Hz.
SHORTEST, END = 1024 / 22050, 50.0
# Clipping: this many runs of so many equal samples at an extreme, which the wave leaves by more than -60 dB and four steps.
RUNS, RUN, LEAVES, STEPS = 3, 4, 1e-3, 4
# The averaged spectrum of noise stands out from its surroundings by less than this, in dB.
PEAK = 10.0
# A file of several notes: in pieces of this many seconds, or as many pieces, whose levels are within a range in dB, pitches of
# this clarity lie further apart than trills, in semitones, but by no interval by which ears are mistaken.
PIECE, PIECES, LOUD, SURE, APART = 0.4, 16, 20.0, 0.4, 2.5


def note_level(y: np.ndarray, sr: float) -> float:
    """Return the level of the loudest sustained part of a note, 50 ms.

    It is the largest median of the power of ten successive blocks of 5 ms, so that clicks do not count; neither does a
    constant offset.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float
        Audio of one note.
    sr : float
        Sample rate in Hz.

    Returns
    -------
    float
        RMS level in dBFS: 0 dB is a sine of full scale, as in AES17 [1]_. ``-inf`` for silence.

    References
    ----------
    .. [1] AES17-2020, "AES standard method for digital audio engineering: Measurement of digital audio equipment", Audio
       Engineering Society, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets.faults import note_level
    >>> round(note_level(0.1 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050), 22050))
    -20
    """
    return _decibels(2 * _sustained(_block_power(y, sr)))


def far_levels(levels: np.ndarray) -> np.ndarray:
    """Tell which notes are more than 40 dB louder or quieter than the median of the others.

    Parameters
    ----------
    levels : ndarray of shape (n_notes,), float
        Levels in dB; silent notes (NaN or infinite) are ignored.

    Returns
    -------
    ndarray of shape (n_notes,), bool

    Examples
    --------
    >>> from sktimbre.datasets.faults import far_levels
    >>> far_levels([-20, -23, -81, -45, -float("inf")])
    array([False, False,  True, False, False])
    """
    levels = np.asarray(levels, np.float64)
    far = np.zeros(levels.shape, bool)
    sound = np.flatnonzero(np.isfinite(levels))
    if len(sound) < 2:
        return far
    order = sound[np.argsort(levels[sound])]
    ordered, place = levels[order], np.arange(len(order))
    # The middle of the others, in which those above the note have moved down by one place.
    middle = [k + (k >= place) for k in ((len(order) - 2) // 2, (len(order) - 1) // 2)]
    far[order] = np.abs(ordered - ordered[np.array(middle)].mean(axis=0)) > FAR
    return far


def note_faults(channels: np.ndarray, sr: float, clarity: float | None = None) -> tuple[str, ...]:
    """Name what makes a recording useless as a note, or doubtful.

    Parameters
    ----------
    channels : ndarray of shape (n_channels, n_samples) or (n_samples,), float
        The recording, full scale -1 to 1, before its channels are mixed.
    sr : float
        Sample rate in Hz.
    clarity : float or None
        Clarity of the pitch as `hear_pitch` returns it; ``None`` measures it.

    Returns
    -------
    tuple of str
        Empty, or in this order:

        - "silent": no sample is above -80 dBFS. Nothing else is looked for.
        - "antiphase": the mix of the channels is 20 dB quieter than they are.
        - "clipped": at least three runs of four or more samples stay at an extreme that the wave reaches and leaves steeply.
        - "short": the sound lasts less than 46 ms.
        - "noise": no pitch is heard, and no partial stands out from the spectrum.
        - "several": pitches that are heard one after another are more than 2.5 semitones apart.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets.faults import note_faults
    >>> y = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    >>> note_faults(y, 22050), note_faults([y, -y], 22050), note_faults(np.clip(y, -0.8, 0.8), 22050)
    ((), ('antiphase',), ('clipped',))
    """
    channels = np.atleast_2d(np.asarray(channels))
    if channels.size:
        channels = channels - channels.mean(axis=1, keepdims=True)
    if not channels.size or np.abs(channels).max() < 10 ** (SILENT / 20):
        return ("silent",)
    faults, mix = list(channel_faults(channels)), channels.mean(axis=0)
    if "antiphase" in faults:
        mix = channels[np.argmax(np.mean(channels**2, axis=1))]
    note = mix[find_onset(mix, sr) :]
    if _seconds(note, sr) < SHORTEST:
        faults.append("short")
    clarity = hear_pitch(mix, sr).clarity if clarity is None else clarity
    if not clarity >= LEAST_CLARITY and _flat(note, sr):
        faults.append("noise")
    elif _several(note, sr):
        faults.append("several")
    return tuple(faults)


def channel_faults(channels: np.ndarray) -> tuple[str, ...]:
    """Name the faults of any recording, of one note or of several: "antiphase" and "clipped", as in `note_faults`.

    Parameters
    ----------
    channels : ndarray of shape (n_channels, n_samples), float
        The recording, full scale -1 to 1.
    """
    channels = channels - channels.mean(axis=1, keepdims=True)
    faults = []
    if np.mean(channels.mean(axis=0) ** 2) < np.mean(channels**2) * 10 ** (-ANTIPHASE / 10):
        faults.append("antiphase")
    if any(_clipped(y) for y in channels):
        faults.append("clipped")
    return tuple(faults)


def _block_power(y, sr):
    """Return the power of blocks of 5 ms, without the mean of the whole; the last one may be longer."""
    y = np.asarray(y, np.float64)
    if not y.size:
        return np.zeros(1)
    n = min(len(y), max(1, round(BLOCK * sr)))
    edges = np.arange(0, len(y) - n + 1, n)
    return np.add.reduceat((y - y.mean()) ** 2, edges) / np.diff(np.r_[edges, len(y)])


def _sustained(power):
    blocks = np.lib.stride_tricks.sliding_window_view(power, min(BLOCKS, len(power)))
    return float(np.median(blocks, axis=1).max())


def _decibels(power):
    # Less is the rounding of a constant offset.
    return 10 * float(np.log10(power)) if power > 1e-20 else -np.inf


def _seconds(note, sr):
    """Return the time from the onset to the last block that is not far below the level."""
    power = _block_power(note, sr)
    loud = np.flatnonzero(power > power.max() * 10 ** (-END / 10))
    return min(len(note) / sr, (loud[-1] + 1) * BLOCK) if len(loud) else 0.0


def _clipped(y):
    """Tell whether runs of equal samples at an extreme are too flat for the slopes at their sides."""
    steps = np.abs(np.diff(y))
    steps = steps[steps > 0]
    if not len(steps):
        return False
    leaves = max(LEAVES * np.abs(y).max(), STEPS * steps.min())
    runs = 0
    for side in (y, -y):
        edges = np.flatnonzero(np.diff(np.r_[False, side == side.max(), False]))
        starts, ends = edges[::2], edges[1::2]
        inside = (ends - starts >= RUN) & (starts > 0) & (ends < len(y))
        starts, ends = starts[inside], ends[inside]
        runs += int(np.sum(side.max() - np.minimum(side[starts - 1], side[ends]) > leaves))
    return runs >= RUNS


def _several(note, sr):
    """Tell whether pieces of a recording have different pitches."""
    n = max(round(PIECE * sr), -(-len(note) // PIECES))
    pieces = [note[start : start + n] for start in range(0, len(note) - n // 2, n)]
    powers = [np.mean(np.square(piece)) for piece in pieces]
    loud = [piece for piece, power in zip(pieces, powers, strict=True) if power > max(powers) * 10 ** (-LOUD / 10)]
    heard = [hear_pitch(piece, sr) for piece in loud] if len(loud) > 1 else []
    sure = [pitch.midi for pitch in heard if pitch.clarity > SURE]
    apart = [abs(midi - sure[0]) for midi in sure]
    return any(d > APART and min(abs(d - interval) for interval in MISTAKABLE) > 1 for d in apart)


def _flat(note, sr):
    """Tell whether no part of the averaged spectrum stands out from its half octave."""
    n = min(len(note), round(SHORTEST * 2 * sr))
    frequencies, power = scipy.signal.welch(note, sr, nperseg=n)
    grid = np.exp2(np.arange(np.log2(60), np.log2(min(10000, 0.45 * sr)), 1 / 48))
    level = 10 * np.log10(np.interp(grid, frequencies, power) + 1e-12 * power.max() + np.finfo(float).tiny)
    surroundings = scipy.signal.medfilt(np.pad(level, 12, mode="edge"), 25)[12:-12]
    return float((level - surroundings).max()) < PEAK
