"""Cut a recording of one voice into notes, at silences, changes of pitch and repeated attacks."""

import itertools
from typing import NamedTuple

import numpy as np
import scipy.ndimage

from sktimbre._utils.checks import check_real
from sktimbre._utils.validation import check_numbers
from sktimbre.datasets.faults import note_level
from sktimbre.datasets.partials import follow_partials, own_share
from sktimbre.datasets.slides import find_slides, glide
from sktimbre.datasets.tracking import FRAME, HOP, RATE, track_pitch
from sktimbre.exceptions import AudioError

__all__ = ["Cut", "CutNote", "LeftOut", "cut_notes", "cut_recording"]

# Silence is this far below the loudest frame, in dB.
SILENCE = 50.0
# Shortest note in frames (58 ms), and longest dip of the level that is no silence (35 ms).
SHORTEST, DIP = 5, 3
# Semitones from the median of the last 0.28 s to another note, and those of its jump from a frame to the next, at most two
# frames before: vibratos and glides are slower. What rises changes up to so many frames before that.
STEP, RECENT, JUMP, JUMP_FRAMES, EARLIER = 0.7, 24, 0.33, 3, 6
# After a pitch that moved by so many semitones, as in vibrato, the jump is larger.
WAVY, WAVY_JUMP = 0.5, 0.55
# A repeated note: novelty of the partials, absolute and relative to the median around, and dB by which they rise in 46 ms; or
# more novelty and a smaller rise.
NOVELTY, TIMES, AROUND, RISE, RISE_FRAMES = 0.2, 2.0, 43, 2.5, 4
MUCH, SMALL_RISE = 0.36, 1.2
# Share of the growing power that belongs to a note of one voice, if so much of its power grows, and to the notes within 1 s on
# both sides. Most of the notes within 2 s decide for each.
SHARE, GROWTH, SHARE_AROUND, SECONDS_AROUND, SECONDS_AMONG = 0.7, 0.3, 0.92, 1.0, 2.0


class CutNote(NamedTuple):
    """A note of a recording.

    Start and end in seconds, the median pitch as a fractional MIDI number, the level in dBFS as `note_level` measures it, the
    clarity of the pitch from 0 to 1, and by how many semitones the pitch glides from the start to the end.
    """

    start: float
    end: float
    midi: float
    level: float
    clarity: float
    glide: float = 0.0


class LeftOut(NamedTuple):
    """Start and end in seconds of what is left out, and why: "silent", "unpitched", "short" or "polyphonic".

    `load_recordings` also leaves out what "glides", and files whose channels are in "antiphase".
    """

    start: float
    end: float
    reason: str


class Cut(NamedTuple):
    """Notes of a recording and what is left out, both in the order of time; together they fill the recording."""

    notes: list[CutNote]
    left_out: list[LeftOut]


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
        In the order of time; parts that are silent, without a pitch or polyphonic are left out.

    Raises
    ------
    AudioError, ParameterError
        As in `cut_recording`.

    See Also
    --------
    cut_recording : Also tells what is left out, and why.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets.cutting import cut_notes
    >>> t = np.arange(11025) / 22050
    >>> y = np.concatenate([np.sin(2 * np.pi * f * t) for f in (440, 0, 440, 494)])
    >>> [round(note.midi) for note in cut_notes(y, 22050)]
    [69, 69, 71]
    """
    return cut_recording(y, sr).notes


def cut_recording(y: np.ndarray, sr: float) -> Cut:
    """Cut a recording of one voice into notes, and tell what is left out.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float
        The recording.
    sr : float
        Sample rate in Hz.

    Returns
    -------
    Cut
        With the fields ``notes`` and ``left_out``.

    Raises
    ------
    AudioError
        The recording is not of shape (n_samples,), or not finite.
    ParameterError
        The sample rate is not a number of Hz.

    Notes
    -----
    A note ends

    - where the level falls into silence or the pitch of `track_pitch` ends,
    - where the pitch leaves the median of the last 0.28 s by 0.7 semitones for 58 ms or longer, if it jumps by 0.33 semitones
      within 12 ms, or 0.55 in vibrato,
    - in the middle of a slide between two pitches that are held for 0.1 s; vibrato, and glides that are held nowhere, stay in
      a note,
    - where its partials do not go on as they did (`follow_partials`) and rise by 2.5 dB, or less where they
      are very different: the note is played again.

    Notes are polyphonic if less than 0.7 of the power that begins with one belongs to its partials (`own_share`), or less than
    0.92 within 1 s of it, or if most notes within 2 s of it are.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets.cutting import cut_recording
    >>> t = np.arange(22050) / 22050
    >>> cut = cut_recording(np.concatenate([np.sin(2 * np.pi * 440 * t), np.zeros(22050)]), 22050)
    >>> len(cut.notes), [part.reason for part in cut.left_out]
    (1, ['silent'])
    """
    from sktimbre.audio import resample

    y = check_numbers(y, "y", np.float32)
    if y.ndim != 1:
        raise AudioError(f"y has shape {y.shape}; it must be (n_samples,). Mix channels with sktimbre.audio.to_mono.")
    sr = check_real(sr, "sr", 1.0, fix="It is in Hz.")
    seconds = len(y) / sr
    if sr != RATE:
        y = resample(y, round(sr), RATE)
    if len(y) < FRAME or not np.abs(y).max() > 0:
        return Cut([], [LeftOut(0.0, seconds, "silent")] if len(y) else [])
    track = track_pitch(y)
    sounding = _sounding(y, len(track.midi))
    midi = _filled(np.where(sounding, track.midi, np.nan), sounding)
    parts, short = [], []
    for start, end in _runs(np.isfinite(midi)):
        cuts = [start + i for i in _steps(midi[start:end], track.early[start:end])]
        cuts = [
            i for a, b in itertools.pairwise([start, *cuts, end]) for i in (a, *(a + i for i in find_slides(midi[a:b])))
        ]
        whole, rest = _absorbed(list(itertools.pairwise([*cuts, end])))
        parts += whole
        short += rest
    polyphonic = _polyphonic(y, midi, parts)

    def time(frame):
        return min(float(frame) * HOP / RATE, seconds) if frame < len(midi) else seconds

    reasons = np.where(sounding, "unpitched", "silent").astype("U10")
    for a, b in short:
        reasons[a:b] = "short"
    notes = []
    for (a, b), left_out in zip(parts, polyphonic, strict=True):
        reasons[a:b] = "polyphonic" if left_out else ""
    for a, b in _played_again(
        y, midi, [part for part, left_out in zip(parts, polyphonic, strict=True) if not left_out]
    ):
        level = note_level(y[a * HOP : b * HOP], RATE)
        pitch, clarity = (float(np.median(values[a:b])) for values in (midi, track.clarity))
        notes.append(CutNote(time(a), time(b), pitch, level, clarity, glide(midi[a:b])))
    edges = np.r_[0, np.flatnonzero(reasons[1:] != reasons[:-1]) + 1, len(reasons)]
    spans = [LeftOut(time(a), time(b), str(reasons[a])) for a, b in itertools.pairwise(edges) if reasons[a]]
    return Cut(notes, [span for span in spans if span.end > span.start])


def _sounding(y, n_frames):
    """Return True for each frame that is no silence."""
    power = np.add.reduceat(np.square(y, dtype=np.float64), np.arange(0, len(y), HOP))
    power = np.pad(scipy.ndimage.uniform_filter1d(power, 2), (0, 1), mode="edge")[:n_frames]
    level = 10 * np.log10(power + 1e-12 * power.max())
    loud = level > level.max() - SILENCE
    return scipy.ndimage.binary_closing(loud, np.ones(DIP)) | loud


def _filled(midi, sounding):
    """Return the pitch with its short gaps filled by what is before them."""
    for start, end in _runs(np.isnan(midi) & sounding):
        if start and end - start <= DIP and end < len(midi):
            midi[start:end] = midi[start - 1]
    return midi


def _runs(mask):
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False]))
    return list(zip(edges[::2], edges[1::2], strict=True))


def _steps(pitch, early):
    """Return the frames at which the pitch of a part jumps to another."""
    jump = np.abs(np.diff(pitch, prepend=pitch[:1]))
    jump = scipy.ndimage.maximum_filter1d(jump, JUMP_FRAMES, origin=JUMP_FRAMES // 2)
    begin, found = 0, []
    for i in range(1, len(pitch)):
        ahead = pitch[i : i + SHORTEST]
        if i <= begin or not jump[i] > JUMP or len(ahead) < SHORTEST:
            continue
        recent = pitch[max(begin, i - RECENT) : i]
        if jump[i] < WAVY_JUMP and np.ptp(recent[: max(1, len(recent) - JUMP_FRAMES)]) > WAVY:
            continue
        centre = np.median(recent)
        if np.abs(ahead - centre).min() > STEP:
            # A note that begins under another is heard first in what rises.
            new = np.median(ahead)
            before = early[max(begin + 1, i - EARLIER) : i + 1]
            nearer = np.abs(before - new) < np.abs(before - centre)
            cut = i + 1 - len(before) + int(np.argmax(nearer)) if nearer.any() else i
            found.append(cut)
            begin = i
    return found


def _absorbed(parts):
    """Return the parts of a note's length and those that are shorter, unless a note follows, to whose attack they belong."""
    whole: list[tuple[int, int]] = []
    waiting = None
    for a, b in parts:
        start = a if waiting is None else waiting
        if b - a >= SHORTEST:
            whole.append((start, b))
            waiting = None
        else:
            waiting = start
    return whole, [] if waiting is None else [(waiting, parts[-1][1])]


def _played_again(y, midi, parts):
    """Return parts cut where their note is played again."""
    partials = follow_partials(y, midi)
    usual = scipy.ndimage.median_filter(partials.novelty, 2 * AROUND + 1)
    size = RISE_FRAMES + 1
    lowest = scipy.ndimage.minimum_filter1d(partials.level, size, origin=size // 2)
    highest = scipy.ndimage.maximum_filter1d(partials.level, size, origin=-(size // 2))
    least = np.where(highest - lowest > RISE, NOVELTY, np.where(highest - lowest > SMALL_RISE, MUCH, np.inf))
    again = partials.novelty > np.maximum(least, TIMES * usual)
    again &= partials.novelty >= scipy.ndimage.maximum_filter1d(partials.novelty, 2 * SHORTEST + 1)
    cut: list[tuple[int, int]] = []
    for a, b in parts:
        inner = [i for i in np.flatnonzero(again[a:b]) + a if a + SHORTEST <= i <= b - SHORTEST]
        cut += zip([a, *inner], [*inner, b], strict=True)
    return cut


def _polyphonic(y, midi, parts):
    """Tell which parts are not of one voice."""
    if not parts:
        return np.zeros(0, bool)
    shares = [own_share(y, a, b, tuple(np.percentile(midi[a:b], [10, 90]))) for a, b in parts]
    share, growth = np.array(shares).T
    frames = np.array(parts)
    middle, length = frames.mean(axis=1) * HOP / RATE, np.diff(frames, axis=1)[:, 0]
    distance = np.abs(middle[:, np.newaxis] - middle)
    near = (distance <= SECONDS_AROUND) * growth * np.minimum(length, 0.5 * RATE / HOP)
    # Where little grows, as if a frame of one voice were near, little is known.
    around = (near @ share + 1) / (near.sum(axis=1) + 1)
    found = ((share < SHARE) & (growth > GROWTH)) | (around < SHARE_AROUND)
    # A part is also polyphonic among others that are.
    among = (distance <= SECONDS_AMONG) * length
    return found | (among @ found > 0.5 * among.sum(axis=1))
