"""Playing of different music on two instruments, as pairs of notes."""

import warnings

import numpy as np
import pytest

from sktimbre.audio import read_audio, write_audio
from sktimbre.datasets import cut_recording, load_recordings
from sktimbre.datasets.tracking import track_pitch
from sktimbre.exceptions import AudioFileError, DatasetError, DatasetWarning, ParameterError
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
    assert notes.seconds["source_notes"] == pytest.approx(1.5, abs=0.15)
    assert notes.seconds["source"] == pytest.approx(1.5 + (2000 + 3 * 4000) / SR, abs=0.01)
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
    with pytest.raises(DatasetError, match=r"target: no notes are found in .*noise\.wav, which has no clear pitch"):
        load_recordings([low], [tmp_path / "noise.wav"])
    with pytest.raises(ParameterError, match="longest"):
        load_recordings([low], [high], longest=0.01)


def test_short_notes_and_glides_are_left_out_with_their_seconds(play, tmp_path):
    fast = [(60 + i % 2 * 4, 0.08, -10) for i in range(20)]
    a = play("a.wav", (60, 0.4, -10), *fast, (62, 0.4, -10))
    b = play("b.wav", (60, 0.4, -10), None, (62, 0.4, -10))
    with pytest.raises(DatasetError, match=r"source: no notes .* has only notes shorter than 0\.1 s"):
        load_recordings([play("fast.wav", *fast)], [b])
    notes = load_recordings([a], [b])
    assert notes.recordings[0]["notes"] == 2
    assert notes.recordings[0]["left_out"]["short"] == pytest.approx(1.6, abs=0.1)
    pitch = np.interp(np.arange(3 * SR) / SR, [0.5, 2.5], [60, 63])
    slow = np.sin(2 * np.pi * np.cumsum(440 * 2 ** ((pitch - 69) / 12)) / SR)
    write_audio(tmp_path / "glide.wav", np.r_[slow, np.zeros(SR), read_audio(b, SR)[0]], SR)
    notes = load_recordings([tmp_path / "glide.wav"], [b])
    assert sorted(notes.pitches.tolist()) == [60, 62]
    assert notes.recordings[0]["left_out"]["glides"] == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("softer", [0, 6])
def test_a_recording_of_two_voices_is_left_out(notes_folder, tmp_path, softer):
    gm = notes_folder.parent / "gm"
    if not gm.is_dir():
        pytest.skip(f"needs rendered performances: no folder {gm}")
    one, other = (
        read_audio(gm / instrument / "playing" / f"{name}.flac", SR, duration=12)[0]
        for instrument, name in (("flute", "GrandSpyReel"), ("clarinet", "FredWilsonsHornpipe"))
    )
    other *= 10 ** (-softer / 20) * np.std(one) / np.std(other)
    write_audio(tmp_path / "two.wav", 0.5 * (one + other), SR)
    write_audio(tmp_path / "one.wav", 0.5 * one, SR)
    with pytest.warns(DatasetWarning, match=r"two\.wav has several voices"):
        notes = load_recordings(
            [tmp_path / "one.wav", tmp_path / "two.wav"], [gm / "clarinet/melody/GreenSleevesJig.flac"]
        )
    assert {file.name for file in notes.source_files} == {"one.wav"}
    assert set(notes.recordings[1]["left_out"]) <= {"polyphonic", "silent", "unpitched", "short"}


TUNE = [(60, 0.3, -10), (64, 0.3, -10), (62, 0.6, -10), (67, 0.3, -10), (64, 0.3, -10), (65, 0.6, -10)]


def test_transitions_are_pairs_of_equal_intervals(play):
    a = play("a.wav", (60, 0.4, -10), (64, 0.4, -10), None, (67, 0.4, -10), (72, 0.4, -10))
    b = play("b.wav", (61, 0.4, -20), (65, 0.4, -20), None, (70, 0.4, -20), (72, 0.4, -20))
    notes = load_recordings([a], [b], same_piece=False)
    assert notes.pitches[notes.transitions].tolist() == [64]
    i = int(np.flatnonzero(notes.transitions)[0])
    for y in (notes.source[i], notes.target[i]):
        midi = track_pitch(y).midi
        n = len(midi) // 2
        assert np.nanmedian(midi[: n - 3]) == pytest.approx(60, abs=0.2)
        assert np.nanmedian(midi[n + 3 :]) == pytest.approx(64, abs=0.2)


def test_takes_of_one_piece_are_aligned(play, tmp_path):
    a = play("a/one.wav", *TUNE)
    play("a/other.wav", *TUNE[::-1], (72, 0.4, -10))
    slow = [(midi + 0.3, 1.6 * seconds, -20) for midi, seconds, _ in TUNE]
    b = play("b/zwei.wav", None, None, *slow[:4], None, *slow[4:])
    notes = load_recordings(tmp_path / "a", tmp_path / "b", same_piece=None)
    assert notes.takes == [(a, b)]
    taken = np.array([file.name == "one.wav" for file in notes.source_files])
    assert notes.recordings[1]["takes"] == []
    assert taken.sum() < len(taken)  # notes of the other recording are paired by likeness
    with pytest.warns(DatasetWarning, match=r"1 sound file left out: other\.wav has no partner"):
        notes = load_recordings(tmp_path / "a", tmp_path / "b", same_piece=True)
    assert set(notes.source_files) == {a}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is left for likeness
        load_recordings([a], [b])
    chosen = ~notes.transitions
    order = np.argsort(notes.source_times[chosen][:, 0])
    assert notes.pitches[chosen][order].tolist() == [midi for midi, *_ in TUNE]
    onset = 2000 / SR
    times = np.array([notes.source_times[chosen][order, 0], notes.target_times[chosen][order, 0]]) - onset
    expected = np.cumsum([0, *(seconds for _, seconds, _ in TUNE[:-1])])
    rests = np.array([8000, 8000, 8000, 8000, 12000, 12000]) / SR
    np.testing.assert_allclose(times, [expected, 1.6 * expected + rests], atol=0.04)
    # A rest in one take is no transition.
    assert notes.pitches[notes.transitions].tolist() == [62, 64, 65, 67]
    # The targets are at the pitches of the sources.
    pitch = 69 + 12 * np.log2(estimate_f0([notes.target[i] for i in np.flatnonzero(chosen)], sr=SR) / 440)
    np.testing.assert_allclose(pitch, notes.pitches[chosen], atol=0.1)


def test_several_takes_of_a_source_count_once_and_are_named(play):
    a, b, c = (play(f"{name}.wav", *TUNE) for name in "abc")
    notes = load_recordings([a], [b, c])
    assert notes.takes == [(a, b), (a, c)]
    assert [row["takes"] for row in notes.recordings] == [[b, c], [a], [a]]
    assert notes.recordings[0]["paired"] == 2 * len(TUNE)
    assert notes.seconds["paired"] == pytest.approx(notes.seconds["source_notes"])


@pytest.mark.parametrize("interval", [7, -1.01])
def test_transposed_takes_are_told(play, interval):
    a, b = play("a.wav", *TUNE), play("b.wav", *[(midi + interval, *rest) for midi, *rest in TUNE])
    which = "7 semitones higher" if interval == 7 else "1 semitone lower"
    with pytest.warns(DatasetWarning, match=rf"paired by likeness: b\.wav is a\.wav {which}\. .*same_piece=False"):
        assert load_recordings([a], [b]).takes == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_recordings([a], [b], same_piece=False)


def test_pitches_are_rounded_in_the_tuning_of_a_side(play):
    pitches = [60.46, 62.52, 64.44, 62.45, 60.53, 64.48]
    a = play("a.wav", *[(midi, 0.3, -10) for midi in pitches])
    notes = load_recordings([a], [play("b.wav", *[(midi, 0.3, -10) for midi in (60, 62, 64)])], transitions=False)
    assert notes.pitches.tolist() == [60, 60, 62, 62, 64, 64]
    assert [row.pitch for row in notes.source_notes] == [60, 62, 64, 62, 60, 64]
    assert notes.missing == []


def test_faults_of_recordings_are_told(play, tmp_path):
    a, b = play("a.wav", *TUNE), play("b.wav", *TUNE)
    y = read_audio(a, SR)[0]
    write_audio(tmp_path / "opposite.wav", np.stack([y, -y]), SR)
    with pytest.raises(
        DatasetError, match=r"opposite\.wav, which is silent when its channels, of opposite phase, are mixed"
    ):
        load_recordings([tmp_path / "opposite.wav"], [b])
    with pytest.warns(DatasetWarning, match=r"opposite\.wav is silent when its channels"):
        assert set(load_recordings([a, tmp_path / "opposite.wav"], [b]).source_files) == {a}
    write_audio(tmp_path / "clipped.wav", np.clip(4 * y, -0.5, 0.5), SR)
    with pytest.warns(DatasetWarning, match=r"1 recording clipped, but used: clipped\.wav"):
        load_recordings([tmp_path / "clipped.wav"], [b])


def test_a_file_is_cut_once_as_long_as_its_content_stays(play, monkeypatch):
    from sktimbre.datasets import cutfiles, load_pairs

    cut: list[int] = []
    monkeypatch.setattr(cutfiles, "cut_recording", lambda y, sr: cut.append(len(y)) or cut_recording(y, sr))
    a, b = play("a.wav", *TUNE, (61, 0.31, -10)), play("b.wav", *TUNE, (61, 0.32, -10))
    first = load_pairs([a], [b])
    assert len(cut) == 2
    again = load_pairs([a], [b], sr=16000)
    assert len(cut) == 2
    np.testing.assert_array_equal(again.source_times, first.source_times)
    a.unlink()
    play("a.wav", *TUNE, (66, 0.31, -10))
    assert 66 in load_pairs([a], [b]).missing
    assert len(cut) == 3
    monkeypatch.setattr(cutfiles, "VERSION", "another")
    load_pairs([a], [b])
    assert len(cut) == 5


def test_folders_of_targets_are_refused(play, tmp_path):
    a = play("a/a.wav", *TUNE)
    with pytest.raises(DatasetError, match=r"target lists the folder .*a; pass one folder"):
        load_recordings([a], [tmp_path / "a", tmp_path / "a"])


def test_recordings_that_are_not_of_one_piece(play):
    a, other = play("a.wav", *TUNE), play("b.wav", *[(midi, 0.3, -10) for midi in (72, 71, 65, 60, 71, 60, 72, 65)])
    high = play("c.wav", *[(midi + 12, seconds, level) for midi, seconds, level in TUNE])
    assert load_recordings([a], [other]).takes == []
    with pytest.raises(
        DatasetError, match=r"are of one piece\. For recordings of different music use same_piece=False"
    ):
        load_recordings([a], [other], same_piece=True)
    with pytest.raises(DatasetError, match=r"c\.wav is a\.wav 12 semitones higher"):
        load_recordings([a], [high], same_piece=True)


def test_what_is_used_is_reported(play, tmp_path):
    play("a/tune.wav", *TUNE)
    play("b/tune.wav", (60, 0.5, -10), None, (64, 0.5, -10), None, (65, 0.5, -10), None, (67, 0.5, -10))
    (tmp_path / "b" / "broken.wav").write_bytes(b"RIFF")
    with pytest.warns(DatasetWarning, match=r"broken\.wav"):
        notes = load_recordings(tmp_path / "a", tmp_path / "b")
    assert notes.unpaired_target == [tmp_path / "b" / "broken.wav"]
    assert notes.gaps == [61, 62, 63, 66]
    assert notes.missing == [62]
    assert notes.seconds["source_notes"] == pytest.approx(2.4, abs=0.1)
    assert notes.seconds["target"] == pytest.approx(2 + (2000 + 12000) / SR, abs=0.01)
    [source, target] = notes.recordings
    assert (source["side"], source["notes"], source["paired"]) == ("source", 6, 5)
    assert target["left_out"]["silent"] == pytest.approx((2000 + 12000) / SR, abs=0.1)
    partners = {row.pitch: row.partner and row.partner.pitch for row in notes.source_notes}
    assert partners == {60: 60, 62: None, 64: 64, 65: 65, 67: 67}
    assert [row.reason for row in notes.source_notes if row.pitch == 62] == ["no note like it on the other side"]
    with pytest.raises(AudioFileError, match=r"broken\.wav"):
        load_recordings(tmp_path / "a", [tmp_path / "b" / "broken.wav"])


def test_real_takes_slowed_with_rubato(notes_folder, tmp_path):
    """One of two renditions of a melody is stretched piece by piece and begins later."""
    import librosa

    gm = notes_folder.parent / "gm"
    if not gm.is_dir():
        pytest.skip(f"needs rendered performances: no folder {gm}")
    name = "GreenSleevesJig.flac"
    y = read_audio(gm / "clarinet" / "melody" / name, SR)[0]
    rates = (0.7, 0.9, 0.6, 0.8, 1.1, 0.75)
    parts = [
        librosa.effects.time_stretch(part, rate=rate) for part, rate in zip(np.array_split(y, 6), rates, strict=True)
    ]
    write_audio(tmp_path / "slow.wav", np.concatenate([np.zeros(SR), *parts]), SR)
    notes = load_recordings([gm / "flute" / "melody" / name], [tmp_path / "slow.wav"], same_piece=True)
    edges = np.linspace(0, len(y) / SR, 7)
    slow = 1 + np.cumsum([0, *(len(part) / SR for part in parts)])
    deviations = np.interp(notes.source_times[:, 0], edges, slow) - notes.target_times[:, 0]
    assert len(notes.source) > 70  # of 42 notes and 41 transitions
    assert np.median(np.abs(deviations)) < 0.03
    assert np.mean(np.abs(deviations) < 0.08) > 0.9
