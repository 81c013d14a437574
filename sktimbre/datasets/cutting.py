"""Cut a recording of one voice into notes, at silences, changes of pitch and repeated attacks."""

from typing import NamedTuple

import numpy as np
import scipy.ndimage

__all__ = ["CutNote", "cut_notes"]

# Rate in Hz at which a recording is analysed, hop and frame of the pitch track in samples, and its range in Hz.
RATE, HOP, FRAME = 22050, 256, 2048
LOWEST, HIGHEST = 55.0, 4200.0
# Silence is this far below the loudest frame, and at most so far above the quietest tenth of the frames, in dB.
SILENCE, NOISE = 45.0, 10.0
# Shortest note and shortest gap in seconds.
SHORTEST, GAP = 0.06, 0.03
# Semitones from the median of a note's beginning to another note: vibratos are narrower.
STEP = 0.7
# Seconds over which the pitch track is smoothed.
SMOOTH = 0.06
# A repeated note begins where the level, which fell by so many dB, rises again by as many, within 0.1 s.
DIP = 6.0
# YIN's aperiodicity, above which a frame has no pitch.
APERIODIC = 0.25


class CutNote(NamedTuple):
    """Start and end of a note in seconds, and its median pitch as a fractional MIDI number."""

    start: float
    end: float
    midi: float


def cut_notes(y: np.ndarray, sr: float) -> list[CutNote]:
    """Cut a recording of one voice into notes.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float
        The recording.
    sr : float
        Sample rate in Hz.

    Returns
    -------
    list of CutNote
        In the order of time; parts without a pitch are left out.

    Notes
    -----
    The pitch track is that of YIN [1]_, smoothed by a median of 60 ms. A note ends where the level falls into silence, where
    the pitch leaves its median by 0.7 semitones for longer than 60 ms, and where the level rises by 6 dB after a dip of 6 dB.

    References
    ----------
    .. [1] A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music", The Journal of the
       Acoustical Society of America 111(4), 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets.cutting import cut_notes
    >>> t = np.arange(11025) / 22050
    >>> y = np.concatenate([np.sin(2 * np.pi * f * t) for f in (440, 0, 440, 494)])
    >>> [round(note.midi) for note in cut_notes(y, 22050)]
    [69, 69, 71]
    """
    from sktimbre.audio import resample

    y = np.asarray(y, np.float32)
    if sr != RATE:
        y = resample(y, round(sr), RATE)
    if len(y) < FRAME or not np.abs(y).max() > 0:
        return []
    level = _level(y)
    pitch = _pitch_track(y)
    n = min(len(level), len(pitch))
    level, pitch = level[:n], pitch[:n]
    threshold = max(level.max() - SILENCE, min(np.percentile(level, 10) + NOISE, level.max() - 15))
    sounding = scipy.ndimage.binary_closing(level > threshold, np.ones(max(1, round(GAP * RATE / HOP))))
    sounding |= level > threshold
    notes = []
    for start, end in _runs(sounding):
        for a, b in _steps(pitch[start:end], level[start:end]):
            part = pitch[start + a : start + b]
            if (b - a) * HOP / RATE >= SHORTEST and np.isfinite(part).mean() > 0.5:
                notes.append(
                    CutNote((start + a) * HOP / RATE, min((start + b) * HOP, len(y)) / RATE, float(np.nanmedian(part)))
                )
    return notes


def _level(y):
    """Return the level in dB of each frame of two hops."""
    power = np.add.reduceat(np.square(y, dtype=np.float64), np.arange(0, len(y), HOP))
    power = scipy.ndimage.uniform_filter1d(power, 2)
    return 10 * np.log10(power + 1e-12 * power.max())


def _pitch_track(y):
    """Return the pitch of each frame as a fractional MIDI number, NaN where the frame is not periodic."""
    import librosa

    f0 = librosa.yin(y, fmin=LOWEST, fmax=HIGHEST, sr=RATE, frame_length=FRAME, hop_length=HOP)
    midi = 69 + 12 * np.log2(f0 / 440)
    midi[_aperiodicity(y, f0) > APERIODIC] = np.nan
    half = round(SMOOTH * RATE / HOP / 2)
    known = np.isfinite(midi)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(midi, half, constant_values=np.nan), 2 * half + 1)
    midi[known] = np.nanmedian(around[known], axis=1)
    return midi


def _aperiodicity(y, f0):
    """Return the power of the difference between a frame and itself one period later, beside the power of both."""
    lag = np.rint(RATE / f0).astype(int)
    padded = np.pad(y.astype(np.float64), (FRAME // 2, FRAME))
    found = np.empty(len(f0))
    for i, period in enumerate(lag):
        start = i * HOP
        # Three periods, or a quarter of the frame.
        size = max(3 * period, FRAME // 4)
        a, b = padded[start : start + size], padded[start + period : start + period + size]
        m = min(len(a), len(b))
        power = np.sum(a[:m] ** 2) + np.sum(b[:m] ** 2)
        found[i] = np.sum((a[:m] - b[:m]) ** 2) / power if power > 0 else 1.0
    return found


def _runs(mask):
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False]))
    return list(zip(edges[::2], edges[1::2], strict=True))


def _steps(pitch, level):
    """Yield begin and end of the notes in a sounding part."""
    patience = max(1, round(SHORTEST * RATE / HOP))
    window = round(0.1 * RATE / HOP)
    begin, i = 0, 0
    while i < len(pitch):
        known = pitch[begin:i][np.isfinite(pitch[begin:i])]
        centre = np.median(known[:40]) if len(known) else np.nan
        ahead = pitch[i : i + patience]
        left = np.isfinite(centre) and len(ahead) == patience and bool(np.all(~(np.abs(ahead - centre) <= STEP)))
        recent = level[max(begin, i - window) : i]
        # The lowest level of the last 0.1 s lies between two louder ones.
        low = int(np.argmin(recent)) if len(recent) else 0
        again = (
            len(recent) > 2
            and i - begin > patience
            and level[i] - recent[low] > DIP
            and recent[: low + 1].max() - recent[low] > DIP
        )
        if left or again:
            cut = i if left else max(begin, i - window) + low
            yield begin, cut
            begin = cut
            i = max(i, cut) + 1
            continue
        i += 1
    yield begin, len(pitch)
