"""Slides in a pitch track: where one held pitch slides into another, and how far a note glides."""

import numpy as np
import scipy.ndimage

from sktimbre.datasets.tracking import HOP, RATE

__all__ = ["find_slides", "glide"]

# Semitones between two held pitches that are two notes.
STEP = 0.7
# A pitch is held if it stays within so many semitones for at least 0.1 s, or its mean over a period of vibrato does.
HELD, HELD_FRAMES = 0.2, round(0.1 * RATE / HOP)
VIBRATO_FRAMES = round(0.18 * RATE / HOP)
# Frames of a held pitch, at most, that are compared with the next one.
COMPARED = 24


def find_slides(pitch: np.ndarray) -> list[int]:
    """Return the frames at which a pitch slides from one held pitch to another: the middle of each slide.

    Parameters
    ----------
    pitch : ndarray of shape (n_frames,), float
        Pitch of each frame as a fractional MIDI number, without gaps.

    Returns
    -------
    list of int
        Increasing; empty where there is one held pitch, with or without vibrato, or a glide that is held nowhere.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets.slides import find_slides
    >>> find_slides(np.interp(np.arange(100), [40, 60], [60.0, 62.0]))
    [51]
    """
    mean = scipy.ndimage.uniform_filter1d(pitch, VIBRATO_FRAMES, mode="nearest")
    held = _held(pitch) | _held(mean)
    edges = np.flatnonzero(np.diff(np.r_[False, held, False]))
    slides = []
    before: tuple[int, int] | None = None
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if before is not None:
            old = np.median(mean[max(before[0], before[1] - COMPARED) : before[1]])
            new = np.median(mean[start : min(end, start + COMPARED)])
            if abs(new - old) > STEP:
                between = pitch[before[1] : start + 1]
                slides.append(before[1] + int(np.argmax(np.abs(between - new) < np.abs(between - old))))
            else:
                start = before[0]
        before = (start, end)
    return [int(i) for i in slides]


def glide(pitch: np.ndarray) -> float:
    """Return by how many semitones a note glides from its beginning to its end, as if in a straight line.

    It is twice the difference of the medians of both halves, to which short scoops and vibrato add nothing.

    Parameters
    ----------
    pitch : ndarray of shape (n_frames,), float
        Pitch of each frame as a fractional MIDI number, without gaps.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets.slides import glide
    >>> round(glide(np.linspace(60, 63, 50)), 1)
    3.1
    """
    middle = len(pitch) // 2
    return 2 * float(np.median(pitch[middle:]) - np.median(pitch[: max(1, middle)]))


def _held(pitch):
    """Return True for each frame of a window in which the pitch stays where it is."""
    if len(pitch) < HELD_FRAMES:
        return np.zeros(len(pitch), bool)
    windows = np.lib.stride_tricks.sliding_window_view(pitch, HELD_FRAMES)
    steady = np.ptp(windows, axis=1) < HELD
    held = np.zeros(len(pitch), bool)
    for offset in range(HELD_FRAMES):
        held[offset : offset + len(steady)] |= steady
    return held
