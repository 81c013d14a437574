"""Playing of different music on two instruments, as pairs of notes."""

import numpy as np
import pytest

from sktimbre.audio import write_audio
from sktimbre.datasets import load_recordings
from sktimbre.exceptions import DatasetError, ParameterError
from sktimbre.metrics import estimate_f0

SR = 22050


@pytest.fixture
def play(sound, tmp_path):
    """Write a recording of (MIDI number, seconds, level) one after the other; None is a rest."""

    def write(name, *notes):
        parts = [np.zeros(2000)]
        for note in notes:
            parts.append(np.zeros(4000) if note is None else sound(*note))
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        write_audio(file, np.concatenate(parts), SR)
        return file

    return write


def test_each_note_has_the_target_that_is_most_like_it(play):
    a = play("a.wav", (60, 0.3, -10), None, (64, 0.6, -30), None, (64, 0.3, -10), None, (80, 0.3, -10))
    b = play("b.wav", (64, 0.3, -20), None, (64, 0.6, -40), None, (60.5, 0.4, -20))
    notes = load_recordings([a], [b])
    assert notes.pitches.tolist() == [60, 64, 64]
    np.testing.assert_allclose(notes.target_times[:, 0] - 2000 / SR, [1.26, 0.48, 0.0], atol=0.06)
    assert notes.missing == [80]
    assert notes.seconds["source"] == pytest.approx(1.5, abs=0.15)
    for x, y in zip(notes.source, notes.target, strict=True):
        assert len(x) == len(y)
    # The target was half a semitone higher.
    pitch = 69 + 12 * np.log2(estimate_f0([notes.target[0], notes.source[0]], sr=SR) / 440)
    np.testing.assert_allclose(pitch, 60, atol=0.1)


def test_repeated_likeness_uses_all_targets(play):
    a = play("a.wav", *[(60, 0.3, -10), None] * 4)
    b = play("b.wav", (60, 0.3, -10), None, (60.2, 0.3, -10))
    notes = load_recordings([a], [b])
    starts = [start for start, _ in notes.target_times.tolist()]
    assert sorted(starts.count(start) for start in set(starts)) == [2, 2]


def test_long_notes_are_cut_and_folders_are_searched(play, tmp_path):
    play("a/one.wav", (60, 1.5, -10))
    play("c/two.wav", (62, 0.4, -10))
    play("b/three.wav", (60, 1.5, -10), None, (62, 1.0, -10))
    notes = load_recordings([tmp_path / "a", tmp_path / "c"], tmp_path / "b", longest=0.5)
    assert [file.name for file in notes.source_files] == ["one.wav", "two.wav"]
    assert [len(y) / SR for y in notes.source] == pytest.approx([0.5, 0.4], abs=0.03)


def test_what_cannot_be_paired_is_told(play, tmp_path):
    low, high = play("low.wav", (48, 0.5, -10)), play("high.wav", (72, 0.5, -10))
    with pytest.raises(
        DatasetError, match=r"source \(C3 to C3\) is within 1.5 semitones of one of the target \(C5 to C5\)"
    ):
        load_recordings([low], [high])
    write_audio(tmp_path / "noise.wav", np.random.default_rng(0).normal(0, 0.1, SR), SR)
    with pytest.raises(DatasetError, match=r"target: no notes are found in a list of 1 files"):
        load_recordings([low], [tmp_path / "noise.wav"])
    with pytest.raises(ParameterError, match="longest"):
        load_recordings([low], [high], longest=0.01)
