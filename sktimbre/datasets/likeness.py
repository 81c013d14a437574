"""Pair notes of different music by likeness: pitch, length, loudness and place in the phrase."""

from collections.abc import Callable, Sequence

import numpy as np

from sktimbre.datasets.played import PlayedNote

__all__ = ["FARTHEST", "alike_notes", "alike_transitions"]

# Semitones to the farthest partner, which is resampled to the source's pitch.
FARTHEST = 1.5
# Semitones by which the intervals of two transitions may differ.
INTERVAL = 0.6
# Differences that cost as much as a semitone: length in octaves, level in dB, and whether another note precedes.
LENGTH, LEVEL, BEGINNING = 1.0, 8.0, 1.0
# Cost of each earlier use of a target note, so that all of them are learnt from.
USED = 0.25


def alike_notes(sources: Sequence[PlayedNote], targets: Sequence[PlayedNote]) -> list[tuple[int, int]]:
    """Return for each source the target that is most like it, at most 1.5 semitones from it.

    Parameters
    ----------
    sources, targets : sequence of PlayedNote
        Notes of both sides.

    Returns
    -------
    list of tuple of int
        Indices of source and target; sources without such a target are missing.
    """
    (length, lengths), (begins, begin) = (
        [np.array([value(note) for note in side]) for side in (sources, targets)]
        for value in (lambda note: np.log2(note.n_samples), lambda note: note.before is None)
    )
    return _cheapest(
        sources,
        targets,
        lambda i: np.abs(lengths - length[i]) / LENGTH + BEGINNING * (begin != begins[i]),
    )


def alike_transitions(sources: Sequence[PlayedNote], targets: Sequence[PlayedNote]) -> list[tuple[int, int]]:
    """Return for each source that follows another note the target that is most like it and follows one at its interval.

    Parameters and result are those of `alike_notes`.
    """
    interval, intervals = (np.array([note.interval for note in side]) for side in (sources, targets))
    # A comparison with NaN is False.
    return _cheapest(sources, targets, lambda i: np.where(np.abs(intervals - interval[i]) <= INTERVAL, 0.0, np.inf))


def _cheapest(
    sources: Sequence[PlayedNote], targets: Sequence[PlayedNote], more: Callable[[int], np.ndarray]
) -> list[tuple[int, int]]:
    """Return the pairs of least cost by pitches, by levels beside those of both sides, and by ``more`` of a source."""
    if not sources or not targets:
        return []
    (pitch, pitches), (level, levels) = (
        [np.array([value(note) for note in side]) for side in (sources, targets)]
        for value in (lambda note: note.midi, lambda note: note.cut.level)
    )
    levels = levels - np.median(levels)
    level = level - np.median(level)
    uses = np.zeros(len(targets))
    pairs = []
    for i in range(len(sources)):
        apart = np.abs(pitches - pitch[i])
        cost = apart + np.abs(levels - level[i]) / LEVEL + USED * uses + more(i)
        cost[apart > FARTHEST] = np.inf
        j = int(np.argmin(cost))
        if np.isfinite(cost[j]):
            uses[j] += 1
            pairs.append((i, j))
    return pairs
