"""Align two recordings of one piece: dynamic time warping of their notes, which may be played at any tempo."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from sktimbre.datasets.cutting import CutNote

__all__ = ["Alignment", "align_notes", "find_interval", "match_takes"]

# Notes of a pair have equal pitches, or differ by this many semitones at most: instruments and players are tuned differently.
SAME = 0.6
# What a pair loses for each octave by which the durations differ from the ratio of the tempos, and at most.
RHYTHM, MOST_RHYTHM = 0.25, 0.5
# What a note without a partner costs, where a pair of equal notes counts 1.
UNPAIRED = 0.5
# Two recordings are of one piece if they agree at least this much: renditions of one tune agree by 0.67 or more, those of two
# tunes by -0.12 at most (benchmarks/alignment.py).
AGREEMENT = 0.35


class Alignment(NamedTuple):
    """Notes of two recordings that are the same note of a piece.

    Attributes
    ----------
    pairs : list of tuple of int
        Indices of notes of the first and of the second recording, increasing in both.
    agreement : float
        How alike the recordings are: 1 if they have the same notes in the same rhythm, 0 or less if they have nothing in
        common.
    """

    pairs: list[tuple[int, int]]
    agreement: float


def align_notes(a: Sequence[CutNote], b: Sequence[CutNote]) -> Alignment:
    """Align the notes of two recordings of one piece.

    Both may be played at any tempo that may change, begin at any time, and have notes that the other lacks. Pitches are
    compared, and durations beside the ratio of the mean tempos.

    Parameters
    ----------
    a, b : sequence of CutNote
        Notes of the two recordings, as `cut_notes` finds them.

    Returns
    -------
    Alignment

    Notes
    -----
    Dynamic time warping of sequences of notes in which notes may be left out [1]_.

    References
    ----------
    .. [1] M. Mongeau and D. Sankoff, "Comparison of musical sequences", Computers and the Humanities 24(3), 1990.

    Examples
    --------
    >>> from sktimbre.datasets.alignment import align_notes
    >>> from sktimbre.datasets.cutting import CutNote
    >>> fast = [CutNote(0.2 * i, 0.2 * i + 0.2, midi, -20, 0.9) for i, midi in enumerate((60, 62, 64, 60))]
    >>> slow = [CutNote(note.start * 2 + 1, note.end * 2 + 1, note.midi, -20, 0.9) for note in fast if note.midi != 62]
    >>> align_notes(fast, slow).pairs
    [(0, 0), (2, 1), (3, 2)]
    """
    if not a or not b:
        return Alignment([], 0.0)
    apart = np.abs(np.subtract.outer([note.midi for note in a], [note.midi for note in b]))
    lengths = [_durations(notes) for notes in (a, b)]
    rhythm = np.abs(np.subtract.outer(*(np.log2(each) - np.log2(each.sum()) for each in lengths)))
    gain = np.where(apart <= SAME, 1 - np.minimum(MOST_RHYTHM, RHYTHM * rhythm), -np.inf)
    pairs, total = _best_path(gain)
    return Alignment(pairs, total / max(len(a), len(b)))


def match_takes(a: Sequence[Sequence[CutNote]], b: Sequence[Sequence[CutNote]]) -> list[tuple[int, int, Alignment]]:
    """Find which recordings of two lists are of the same piece.

    Parameters
    ----------
    a, b : sequence of sequence of CutNote
        Notes of each recording.

    Returns
    -------
    list of tuple
        Indices of two recordings of one piece, sorted, and their alignment. Of several takes each has a partner.

    Examples
    --------
    >>> from sktimbre.datasets.alignment import match_takes
    >>> from sktimbre.datasets.cutting import CutNote
    >>> up = [CutNote(i, i + 1, midi, -20, 0.9) for i, midi in enumerate((60, 62, 64))]
    >>> down = [CutNote(i, i + 1, midi, -20, 0.9) for i, midi in enumerate((64, 62, 60))]
    >>> [(i, j) for i, j, _ in match_takes([up, down], [down, up, down])]
    [(0, 1), (1, 0), (1, 2)]
    """
    if not a or not b:
        return []
    found = [[align_notes(x, y) for y in b] for x in a]
    agreement = np.array([[each.agreement for each in row] for row in found])
    chosen = set(zip(*linear_sum_assignment(agreement, maximize=True), strict=True))
    # Takes that are left have the best of all partners.
    chosen |= {(i, agreement[i].argmax()) for i in set(range(len(a))) - {i for i, _ in chosen}}
    chosen |= {(agreement[:, j].argmax(), j) for j in set(range(len(b))) - {j for _, j in chosen}}
    return [(int(i), int(j), found[i][j]) for i, j in sorted(chosen) if agreement[i, j] >= AGREEMENT]


def find_interval(a: Sequence[CutNote], b: Sequence[CutNote]) -> int | None:
    """Return by how many semitones the second recording is a transposition of the first; None if it is of another piece.

    Parameters
    ----------
    a, b : sequence of CutNote
        Notes of the two recordings.

    Returns
    -------
    int or None
        From -24 to 24.
    """
    found: dict[float, int] = {}
    for by in range(-24, 25):
        moved = [note._replace(midi=note.midi - by) for note in b]
        if _most_agreement(a, moved) >= AGREEMENT:
            found.setdefault(align_notes(a, moved).agreement, by)
    return found[max(found)] if found and max(found) >= AGREEMENT else None


def _most_agreement(a, b):
    """Return what `align_notes` may find at most, by the pitches in any order."""
    pitches = [sorted(note.midi for note in notes) for notes in (a, b)]
    i = j = n_pairs = 0
    while i < len(a) and j < len(b):
        apart = pitches[0][i] - pitches[1][j]
        n_pairs += abs(apart) <= SAME
        i += apart <= SAME
        j += apart >= -SAME
    return (n_pairs - UNPAIRED * (len(a) + len(b) - 2 * n_pairs)) / max(len(a), len(b), 1)


def _durations(notes):
    """Return the time from each note to the next; rests count as a part of the note, up to its own length."""
    starts, ends = np.array([(note.start, note.end) for note in notes]).T
    own = np.maximum(ends - starts, 1e-3)
    return np.clip(np.r_[starts[1:], ends[-1]] - starts, own, 2 * own)


def _best_path(gain):
    """Return the pairs of the path of the largest sum of gains less the costs of notes without a partner, and this sum."""
    n, m = gain.shape
    unpaired = UNPAIRED * np.arange(m + 1)
    total = np.empty((n + 1, m + 1))
    total[0] = -unpaired
    for i in range(n):
        best = np.maximum(total[i] - UNPAIRED, np.r_[-np.inf, total[i, :-1] + gain[i]])
        # Leaving out notes of the second recording: the largest of all earlier sums less the cost of each note between.
        total[i + 1] = np.maximum.accumulate(best + unpaired) - unpaired
    pairs = []
    i, j = n, m
    while i and j:
        came_from = (total[i - 1, j - 1] + gain[i - 1, j - 1], total[i - 1, j] - UNPAIRED, total[i, j - 1] - UNPAIRED)
        step = int(np.argmax(came_from))
        i -= step != 2
        j -= step != 1
        if step == 0:
            pairs.append((i, j))
    return pairs[::-1], float(total[n, m])
