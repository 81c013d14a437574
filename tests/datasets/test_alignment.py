"""Two recordings of one piece: which notes are the same, at any tempo."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktimbre.datasets.alignment import AGREEMENT, RHYTHM, UNPAIRED, align_notes, find_interval, match_takes
from sktimbre.datasets.cutting import CutNote

PITCHES = st.lists(st.integers(60, 64), min_size=1, max_size=5)


def notes(pitches, seconds=None, start=0.0):
    """Return notes one after the other."""
    ends = start + np.cumsum([0.25] * len(pitches) if seconds is None else seconds)
    starts = [start, *ends[:-1]]
    return [CutNote(a, b, float(midi), -20.0, 0.9) for a, b, midi in zip(starts, ends, pitches, strict=True)]


def warped(played, time):
    return [note._replace(start=time(note.start), end=time(note.end)) for note in played]


def tune(seed, n=60):
    rng = np.random.default_rng(seed)
    return notes(rng.choice([60, 62, 64, 65, 67, 69, 71, 72], n), rng.choice([0.125, 0.25, 0.5], n))


def best_of_all(a, b):
    """Return the best sum of all alignments of notes of equal length."""
    best = -np.inf
    for k in range(min(len(a), len(b)) + 1):
        for i in combinations(range(len(a)), k):
            for j in combinations(range(len(b)), k):
                if all(abs(a[x].midi - b[y].midi) < 0.6 for x, y in zip(i, j, strict=True)):
                    # Notes of equal length differ by the ratio of the whole lengths.
                    rhythm = min(0.5, RHYTHM * abs(np.log2(len(a) / len(b))))
                    best = max(best, k * (1 - rhythm) - UNPAIRED * (len(a) + len(b) - 2 * k))
    return best


@given(PITCHES, PITCHES)
def test_no_alignment_is_better(a, b):
    a, b = notes(a), notes(b)
    found = align_notes(a, b)
    assert found.agreement * max(len(a), len(b)) == pytest.approx(best_of_all(a, b))
    assert all(abs(a[i].midi - b[j].midi) < 0.6 for i, j in found.pairs)
    for (i, j), (k, m) in zip(found.pairs, found.pairs[1:], strict=False):
        assert i < k
        assert j < m


@given(st.integers(0, 1000), st.floats(0.3, 3), st.floats(0, 0.4), st.floats(0, 5))
def test_tempo_rubato_and_offset_change_nothing(seed, slower, rubato, offset):
    played = tune(seed, 30)
    # Faster and slower in turn, within 2 s.
    other = warped(played, lambda t: offset + slower * (t + rubato * np.sin(np.pi * t) / np.pi))
    assert align_notes(played, other).pairs == [(i, i) for i in range(30)]


def test_notes_that_are_missing_or_added_have_no_partner():
    played = tune(0)
    other = played[:10] + notes([61, 63], start=played[10].start)[:2] + played[13:]
    pairs = align_notes(played, other).pairs
    assert [pair for pair in pairs if pair[0] in (10, 11, 12) or pair[1] in (10, 11)] == []
    assert pairs[-1] == (59, 58)


def test_takes_are_found_whatever_their_order():
    tunes = [tune(seed) for seed in range(5)]
    slow = [warped(played, lambda t: 1.5 * t) for played in tunes]
    found = match_takes([tunes[0], tunes[3], tunes[4]], [slow[3], slow[1], slow[0], slow[3]])
    assert [(i, j) for i, j, _ in found] == [(0, 2), (1, 0), (1, 3)]
    assert match_takes([], [slow[0]]) == []
    assert match_takes([[]], [slow[0]]) == []


@given(PITCHES, PITCHES)
def test_no_interval_is_overlooked(a, b):
    a, b = notes(a), notes(b)
    agreement = {by: align_notes(a, [n._replace(midi=n.midi - by) for n in b]).agreement for by in range(-24, 25)}
    best = max(agreement, key=agreement.get)
    assert find_interval(a, b) == (best if agreement[best] >= AGREEMENT else None)


def test_the_interval_of_a_transposed_take():
    played = tune(1)
    assert find_interval(played, [note._replace(midi=note.midi - 12.2) for note in played]) == -12
    assert find_interval(played, tune(2)) is None
    assert align_notes(played, tune(2)).agreement < AGREEMENT / 2
