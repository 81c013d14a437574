"""Folders of notes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre.audio import read_audio, resample, write_audio
from sktimbre.datasets import load_notes, load_paired_notes, load_pairs
from sktimbre.datasets.onset import find_onset
from sktimbre.exceptions import AudioFileError, DatasetError, DatasetWarning, ParameterError

SR = 22050


def note(n, value=0.5, silence=0, midi=60, sr=SR):
    """A square wave, which has two values."""
    wave = np.where(440 * 2 ** ((midi - 69) / 12) * np.arange(n) / sr % 1 < 0.5, value, -value)
    return np.concatenate([np.zeros(silence), wave]).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    """Three notes of different lengths and rates, and things that are no notes."""
    folder = tmp_path / "flute"
    folder.mkdir()
    write_audio(folder / "flute.B4.wav", note(1200, 0.25, midi=71), SR)
    write_audio(folder / "flute.A4.stereo.aif", np.stack([note(2000, midi=69), np.zeros(2000)]), SR)
    write_audio(folder / "flute.C4.flac", note(4000, 0.125, sr=2 * SR), 2 * SR)
    (folder / "README.txt").write_text("about A4")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "._flute.A4.stereo.aif").write_bytes(b"resource fork")
    (folder / "more.wav").mkdir()
    return folder


def test_notes_as_a_list(folder):
    notes = load_notes(folder)
    assert notes.pitches.tolist() == [60, 69, 71]
    assert notes.pitches.dtype.kind == "i"
    assert notes.names == ["flute.C4.flac", "flute.A4.stereo.aif", "flute.B4.wav"]
    assert notes.files == [folder / name for name in notes.names]
    assert notes.sr == SR
    assert [len(y) for y in notes.audio] == [2000, 2000, 1200]
    assert all(y.dtype == np.float32 for y in notes.audio)
    np.testing.assert_array_equal(notes.audio[1], note(2000, 0.25, midi=69))
    np.testing.assert_array_equal(notes.audio[2], note(1200, 0.25, midi=71))
    np.testing.assert_array_equal(notes.audio[0], resample(note(4000, 0.125, sr=2 * SR), 2 * SR, SR))


def rates(folder, *each):
    """Write a note at each rate, a semitone higher each time."""
    folder.mkdir()
    for i, sr in enumerate(each):
        write_audio(folder / f"{60 + i}.wav", note(sr // 4, midi=60 + i, sr=sr), sr)
    return folder


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ((44100,) * 3, (48000,) * 3, 44100),
        ((44100, 8000, 44100), (48000,) * 3, 44100),  # not of the odd one
        ((44100,) * 3, (22050,) * 3, 22050),
        ((96000,) * 2, (96000,) * 2, 48000),  # nothing is heard above
        ((44100, 22050), (48000, 48000), 44100),  # as many of each: the higher one
    ],
)
def test_the_rate_of_the_files(tmp_path, source, target, expected):
    sides = rates(tmp_path / "a", *source), rates(tmp_path / "b", *target)
    pairs = load_paired_notes(*sides, sr=None, duration=0.2)
    assert pairs.sr == expected
    assert pairs.source.shape == pairs.target.shape == (len(target), round(0.2 * expected))
    assert load_pairs(*sides, sr=None, duration=0.2).sr == expected
    assert load_notes(sides[0], sr=None).sr == min(48000, max(source, key=lambda rate: (source.count(rate), rate)))


def test_notes_of_one_length(folder):
    notes = load_notes(str(folder), duration=1500 / SR)
    assert notes.audio.shape == (3, 1500)
    assert notes.audio.dtype == np.float32
    np.testing.assert_array_equal(notes.audio[2], np.r_[note(1200, 0.25, midi=71), np.zeros(300)])
    np.testing.assert_array_equal(notes.audio[1], note(1500, 0.25, midi=69))


@given(
    silence=st.integers(0, 2000),
    n=st.integers(4, 500),
    level=st.floats(-70, 0),
    trim_db=st.floats(6, 90),
    sr=st.sampled_from([8000, 22050]),
)
@settings(deadline=None)
def test_trim(tmp_path_factory, silence, n, level, trim_db, sr):
    """After digital silence, the first sample of a sudden sound is its onset, however short it is."""
    path = tmp_path_factory.mktemp("trim") / "A4.wav"
    y = note(n, 0.5, silence, midi=120) * np.float32(10 ** (level / 20))
    write_audio(path, y, sr, subtype="FLOAT")
    kept = min(silence, round(0.01 * sr))
    np.testing.assert_array_equal(
        load_notes([path], sr=sr, trim_db=trim_db, misfits="keep").audio[0], y[silence - kept :]
    )


def test_trim_by_level():
    """A slow attack begins where trim_db lets it; noise below a note is no sound at any trim_db."""
    t = np.arange(SR) / SR
    attack = np.sin(2 * np.pi * 440 * t) * np.minimum(t / 0.2, 1)
    y = np.r_[np.zeros(SR), attack]
    onsets = {trim_db: (find_onset(y, SR, trim_db) - SR) / SR for trim_db in (60, 30, 20, 15)}
    assert 0 <= onsets[60] < 0.003
    for trim_db in (30, 20, 15):
        assert onsets[trim_db] == pytest.approx(0.2 * 10 ** (-trim_db / 20), abs=0.002)
    y += 10 ** (-70 / 20) * np.random.default_rng(0).normal(size=len(y))
    assert abs(find_onset(y, SR, 90) - SR) < 0.01 * SR


def test_trim_after_room_tone(tmp_path):
    """Three seconds of noise 50 dB below the note, with an offset and a click, are cut like digital silence."""
    t = np.arange(SR) / SR
    y = np.r_[np.zeros(3 * SR), 0.5 * np.cos(2 * np.pi * 440 * t) * np.exp(-3 * t)]
    y += 0.02 + 0.5 * 10 ** (-50 / 20) * np.random.default_rng(0).normal(size=len(y))
    y[SR : SR + 50] += 0.4
    write_audio(tmp_path / "A4.wav", y, SR)
    assert len(load_notes(tmp_path).audio[0]) == pytest.approx(SR + 220, abs=22)
    assert len(load_notes(tmp_path, trim=False).audio[0]) == 4 * SR


def test_trim_is_an_option(tmp_path):
    write_audio(tmp_path / "A4.wav", note(1000, silence=5000, midi=69), SR)
    assert len(load_notes(tmp_path).audio[0]) == 1220
    assert len(load_notes(tmp_path, trim=False).audio[0]) == 6000
    assert len(load_paired_notes(tmp_path, tmp_path).source[0]) == 1220
    assert len(load_paired_notes(tmp_path, tmp_path, trim=False).source[0]) == 6000


@pytest.mark.parametrize(
    "pitches",
    [
        {"x1.wav": 70, "x2.wav": 60, "x3.wav": 65},
        [70, 60, 65],
        np.array([70, 60, 65]),
        lambda path: {"x1": 70, "x2": 60, "x3": 65}[path.stem],
    ],
)
def test_pitches_by_hand(tmp_path, pitches):
    for i in (1, 2, 3):
        write_audio(tmp_path / f"x{i}.wav", note(100 * i), SR)
    notes = load_notes(tmp_path, pitches=pitches)
    assert notes.pitches.tolist() == [60, 65, 70]
    assert [len(y) for y in notes.audio] == [200, 300, 100]


def test_a_list_of_files(folder):
    files = [folder / "flute.B4.wav", str(folder / "flute.A4.stereo.aif")]
    assert load_notes(files).pitches.tolist() == [69, 71]
    # The order is the one given, not that of the names.
    assert load_notes(files, pitches=[40, 41], misfits="keep").names == ["flute.B4.wav", "flute.A4.stereo.aif"]


def test_progress_goes_to_stderr(folder, capsys):
    load_notes(folder)
    assert capsys.readouterr() == ("", "")
    pytest.importorskip("tqdm")
    load_notes(folder, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err


def test_an_unreadable_note_is_named(folder):
    (folder / "flute.D4.wav").write_bytes(b"no sound" * 100)
    with pytest.warns(DatasetWarning, match=r"flute\.D4\.wav cannot be read"):
        assert len(load_notes(folder).pitches) == 3
    for how in ([folder / "flute.D4.wav", folder / "flute.B4.wav"], folder):
        with pytest.raises(AudioFileError, match=r"flute\.D4\.wav"):
            load_notes(how, misfits="raise")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"pitches": {"flute.B4.wav": 3}}, DatasetError, r"lacks 2 of 3 files, for instance 'flute\.A4\.stereo\.aif'"),
        ({"pitches": [1, 2]}, DatasetError, "pitches has 2 values for 3 files"),
        ({"pitches": [1, 2, 300]}, ParameterError, r"pitches\[2\]=300 must be a whole number from 0 to 127"),
        ({"pitches": lambda path: "A4"}, ParameterError, r"pitches\('flute\.A4\.stereo\.aif'\)='A4'"),
        ({"sr": 0}, ParameterError, "sr=0"),
        ({"duration": -1}, ParameterError, "duration=-1"),
        ({"duration": 1e-9}, ParameterError, "shorter than one sample"),
        ({"trim_db": -3}, ParameterError, "trim_db=-3"),
    ],
)
def test_refuses(folder, options, error, words):
    with pytest.raises(error, match=words):
        load_notes(folder, **options)


def test_bad_folders(folder, tmp_path):
    with pytest.raises(DatasetError, match="does not exist"):
        load_notes(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="is a file"):
        load_notes(folder / "flute.B4.wav")
    with pytest.raises(DatasetError, match=r"no sound files; looked for .*\.aif, "):
        load_notes(folder / "more.wav")
    with pytest.raises(DatasetError, match="empty list"):
        load_notes([])
    with pytest.raises(DatasetError, match="twice"):
        load_notes([folder / "flute.B4.wav"] * 2)


# --- pairs


@pytest.fixture
def pair(tmp_path):
    """Pitch 60 twice and once, 62 on both sides, 64 and 65 on one."""
    for name, length in {
        "s/C4.a": 100,
        "s/C4.b": 110,
        "s/D4": 120,
        "s/E4": 130,
        "t/C4": 200,
        "t/D4": 80,
        "t/F4": 90,
    }.items():
        path = tmp_path / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        write_audio(path, note(length), SR)
    return tmp_path / "s", tmp_path / "t"


def test_pairs(pair):
    s, t = pair
    notes = load_paired_notes(s, t)
    assert notes.pitches.tolist() == [60, 62]
    # Of two notes the longer one is more like the target's.
    assert notes.source_files == [s / "C4.b.wav", s / "D4.wav"]
    assert notes.target_files == [t / "C4.wav", t / "D4.wav"]
    assert notes.unpaired_source == [s / "C4.a.wav", s / "E4.wav"]
    assert notes.unpaired_target == [t / "F4.wav"]
    np.testing.assert_array_equal(notes.source[0], np.r_[note(110), np.zeros(90)])
    np.testing.assert_array_equal(notes.target[0], note(200))
    np.testing.assert_array_equal(notes.source[1], note(120))
    np.testing.assert_array_equal(notes.target[1], np.r_[note(80), np.zeros(40)])


def test_pairs_of_one_length(pair):
    notes = load_paired_notes(*pair, duration=100 / SR)
    assert notes.source.shape == notes.target.shape == (2, 100)


def test_pairs_with_pitches_by_hand(pair):
    s, t = pair
    notes = load_paired_notes(s, t, source_pitches=[1, 2, 3, 4], target_pitches={"C4.wav": 4, "D4.wav": 9, "F4.wav": 1})
    assert notes.pitches.tolist() == [1, 4]
    assert [f.name for f in notes.source_files + notes.target_files] == ["C4.a.wav", "E4.wav", "F4.wav", "C4.wav"]


def test_a_folder_with_itself(pair):
    notes = load_paired_notes(pair[0], pair[0])
    assert notes.pitches.tolist() == [60, 60, 62, 64]
    assert notes.unpaired_source == notes.unpaired_target == []


@given(
    source=st.lists(st.integers(0, 5), min_size=1, max_size=8),
    target=st.lists(st.integers(0, 5), min_size=1, max_size=8),
)
@settings(max_examples=20, deadline=None)
def test_nothing_is_lost_or_doubled(tmp_path_factory, source, target):
    folder = tmp_path_factory.mktemp("pairs")
    files = []
    for side, pitches in (("s", source), ("t", target)):
        files.append([folder / f"{side}{i}.wav" for i in range(len(pitches))])
        for file in files[-1]:
            write_audio(file, [0.5, -0.5], SR)
    try:
        notes = load_paired_notes(*files, source_pitches=source, target_pitches=target)
    except DatasetError:
        assert not set(source) & set(target)
        return
    assert sorted(notes.source_files + notes.unpaired_source) == sorted(files[0])
    assert sorted(notes.target_files + notes.unpaired_target) == sorted(files[1])
    for a, b, pitch in zip(notes.source_files, notes.target_files, notes.pitches, strict=True):
        assert source[files[0].index(a)] == target[files[1].index(b)] == pitch
    assert len(notes.pitches) == sum(min(source.count(p), target.count(p)) for p in set(source))


def test_no_pair_names_both_sides(pair):
    s, t = pair
    with pytest.raises(DatasetError, match=r"MIDI 1 to 4\).*MIDI 10 to 12\)") as caught:
        load_paired_notes(s, t, source_pitches=[1, 2, 3, 4], target_pitches=[10, 11, 12])
    assert str(s) in str(caught.value)
    assert str(t) in str(caught.value)


def test_errors_say_which_side(pair):
    with pytest.raises(DatasetError, match="target='nowhere'"):
        load_paired_notes(pair[0], "nowhere")
    with pytest.raises(DatasetError, match="target_pitches has 1 values"):
        load_paired_notes(*pair, target_pitches=[1])


def test_real_notes(notes_folder):
    notes = load_paired_notes(notes_folder / "flute", notes_folder / "clarinet", duration=0.5)
    assert notes.source.shape == notes.target.shape == (35, SR // 2)
    assert notes.pitches.tolist() == [*range(59, 94)]
    assert [len(notes.unpaired_source), len(notes.unpaired_target)] == [4, 4]
    y, _ = read_audio(notes.source_files[0], SR)
    assert np.abs(notes.source).max(axis=1).min() > 0.1
    assert np.abs(notes.source[0][:50]).max() <= np.abs(y).max()


@pytest.mark.parametrize(("given", "instead"), [({"longest": 0.3}, "duration="), ({"same_piece": True}, "material=")])
def test_options_that_load_pairs_has_by_other_names(tmp_path, given, instead):
    with pytest.raises(ParameterError, match=f"{next(iter(given))} is no parameter of load_pairs: give {instead}"):
        load_pairs(tmp_path, tmp_path, material="playing", **given)
