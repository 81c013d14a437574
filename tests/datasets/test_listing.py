"""Folders of notes: where pitches come from, what is left out, and what is said about it."""

import struct
import warnings

import numpy as np
import pytest

from sktimbre.audio import read_audio, write_audio
from sktimbre.datasets import load_notes, load_paired_notes, name_of_pitch, pair_files
from sktimbre.exceptions import DatasetError, DatasetWarning, ParameterError

SCALE = (60, 62, 64, 65, 67)


def named(midi, rule="flute.{}.wav"):
    return {rule.format(name_of_pitch(m)): m for m in midi}


def pitches_of(folder, **how):
    notes = load_notes(folder, **how)
    return dict(zip(notes.names, notes.pitches.tolist(), strict=True))


def test_names_that_sound_so_say_nothing(library, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pitches_of(library(tmp_path, named(SCALE))) == named(SCALE)


@pytest.mark.parametrize("octaves", [-2, -1, 1, 2])
def test_another_numbering_of_octaves_is_put_right(library, tmp_path, octaves):
    library(tmp_path, {name: midi + 12 * octaves for name, midi in named(SCALE).items()})
    with pytest.warns(DatasetWarning, match=rf"sound {abs(octaves)} octaves? {'higher' if octaves > 0 else 'lower'}"):
        found = pitches_of(tmp_path)
    assert found == {name: midi + 12 * octaves for name, midi in named(SCALE).items()}
    assert pitches_of(tmp_path, octave=0, misfits="keep") == named(SCALE)
    assert list(pitches_of(tmp_path, octave=octaves).values()) == [midi + 12 * octaves for midi in SCALE]


def test_a_transposing_instrument_is_refused_with_its_interval(library, tmp_path):
    library(tmp_path, {name: midi - 2 for name, midi in named(SCALE).items()})
    with pytest.raises(DatasetError, match=r"all notes sound 2 semitones lower .*--pitches heard"):
        load_notes(tmp_path)
    assert list(pitches_of(tmp_path, pitches="heard").values()) == [midi - 2 for midi in SCALE]
    assert pitches_of(tmp_path, misfits="keep") == named(SCALE)


def test_single_misfits_are_named_and_left_out_or_refused_or_kept(library, tmp_path):
    library(tmp_path, {**named(SCALE), "flute.B4.wav": 66})
    with pytest.warns(DatasetWarning, match=r"1 of 6 .* left out: flute.B4.wav sounds like Gb4, not B4"):
        notes = load_notes(tmp_path)
    assert notes.pitches.tolist() == list(SCALE)
    assert notes.left_out == {tmp_path / "flute.B4.wav": "sounds like Gb4, not B4"}
    with pytest.raises(DatasetError, match=r"flute\.B4\.wav sounds like Gb4"):
        load_notes(tmp_path, misfits="raise")
    assert pitches_of(tmp_path, misfits="keep")["flute.B4.wav"] == 71


def test_the_ear_decides_which_number_is_the_pitch(library, tmp_path):
    # Velocities and pitches look alike.
    notes = {f"x_{64 + i}_{60 + 2 * i}.wav": 60 + 2 * i for i in range(4)}
    assert pitches_of(library(tmp_path, notes)) == notes


@pytest.mark.parametrize(
    "name",
    [
        lambda midi: f"Flute {name_of_pitch(midi)[:-1]} {midi // 12 - 1} mf",
        lambda midi: f"Flute_{name_of_pitch(midi)[:-1]}-{midi // 12 - 1}",
        lambda midi: f"fl {midi // 12 - 1}{name_of_pitch(midi)[:-1]}",
        lambda midi: f"Fl{midi}v100",
        lambda midi: f"{sum(map(ord, str(midi)))}_flute_{midi + 12}_{127 - midi}",
    ],
)
def test_other_spellings_are_believed_if_they_sound_so(library, tmp_path, name):
    library(tmp_path, {f"{name(midi)}.wav": midi for midi in SCALE})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert list(pitches_of(tmp_path).values()) == list(SCALE)


def test_names_without_a_pitch_use_the_heard_one_if_asked(library, tmp_path):
    library(tmp_path, {f"take {'abcde'[i]}.wav": midi for i, midi in enumerate(SCALE)})
    with pytest.raises(DatasetError, match=r"do not tell the pitch.*pitches='heard', --pitches heard"):
        load_notes(tmp_path)
    assert list(pitches_of(tmp_path, pitches="heard").values()) == list(SCALE)


def test_heard_pitches_follow_the_tuning_of_the_folder(library, tmp_path):
    # 40 cents low, and one note 20 cents lower than the others.
    library(tmp_path, {f"{i}.wav": midi - (0.6 if i == 2 else 0.4) for i, midi in enumerate(SCALE)})
    assert list(pitches_of(tmp_path, pitches="heard").values()) == list(SCALE)


def test_silent_and_nameless_files_are_left_out_by_name(library, tmp_path):
    library(tmp_path, named(SCALE))
    write_audio(tmp_path / "flute.A4.wav", np.zeros(9000), 22050)
    y = np.sin(np.arange(9000) / 10)
    write_audio(tmp_path / "flute.B4.wav", np.stack([y, -y]), 22050)
    library(tmp_path, {"effect.wav": 80, "flute.C6.wav": {"midi": 84, "level": -75}})
    with pytest.warns(DatasetWarning, match="4 of 9 sound files are left out"):
        notes = load_notes(tmp_path)
    assert notes.pitches.tolist() == list(SCALE)
    reasons = {file.name: reason for file, reason in notes.left_out.items()}
    assert reasons["flute.A4.wav"] == "is silent"
    assert "opposite phase" in reasons["flute.B4.wav"]
    assert reasons["effect.wav"] == "has no pitch in its name"
    assert "dB quieter" in reasons["flute.C6.wav"]


def test_a_folder_of_silence_is_an_error(tmp_path):
    for name in named(SCALE):
        write_audio(tmp_path / name, np.zeros(9000), 22050)
    with pytest.raises(DatasetError, match=r"no usable notes: flute\.C4\.wav is silent"):
        load_notes(tmp_path)


def test_patterns_select_and_exclude(library, tmp_path):
    library(
        tmp_path, {**named(SCALE, "fl_ff_{}.wav"), **named(SCALE, "fl_PP_{}.wav"), **named(SCALE, "fl_ff_pizz_{}.wav")}
    )

    def names(match):
        with pytest.warns(DatasetWarning):
            return load_notes(tmp_path, match=match).names

    assert len(names("*_ff_*")) == 10
    assert names(["*_FF_*", "!*pizz*"]) == list(named(SCALE, "fl_ff_{}.wav"))
    assert names("!*ff*") == list(named(SCALE, "fl_PP_{}.wav"))
    with pytest.raises(DatasetError, match="no sound files that match"):
        load_notes(tmp_path, match="*_mf_*")
    for wrong in ([""], [], 0, np.array([]), ["!"], [3]):
        with pytest.raises(ParameterError, match="match="):
            load_notes(tmp_path, match=wrong)


def test_folders_inside(library, tmp_path):
    library(tmp_path, {"C4.wav": 60, "high/D5.wav": 74, "high/.hidden/E5.wav": 76})
    with pytest.warns(DatasetWarning, match=r"1 of 2 .*D5.wav is in a folder inside"):
        assert load_notes(tmp_path).names == ["C4.wav"]
    assert load_notes(tmp_path, recursive=True).names == ["C4.wav", "D5.wav"]


def test_copies_in_other_formats_count_once(library, tmp_path):
    library(tmp_path, {"A1.wav": 33, "A1.ogg": 33, "A1.mp3": 33, "C2.ogg": 36, "C2.mp3": 36})
    with pytest.warns(DatasetWarning, match="3 of 5"):
        notes = load_notes(tmp_path)
    assert notes.names == ["A1.wav", "C2.mp3"]
    assert notes.left_out[tmp_path / "A1.ogg"] == "is a copy of A1.wav"


def test_a_regular_expression(library, tmp_path):
    library(tmp_path, {f"x{midi}-99-{name_of_pitch(midi + 12)}.wav": midi for midi in SCALE})
    found = pitches_of(tmp_path, pitches=r"^x(?P<pitch>\d+)-")
    assert list(found.values()) == list(SCALE)
    with pytest.warns(DatasetWarning, match="1 octave lower"):
        assert list(pitches_of(tmp_path, pitches=r"-(?P<note>[A-G]b?\d)\.").values()) == list(SCALE)
    with pytest.raises(DatasetError, match="fits none of 5 names"):
        load_notes(tmp_path, pitches=r"y(?P<pitch>\d+)")
    with pytest.raises(ParameterError, match="not a regular expression"):
        load_notes(tmp_path, pitches=r"(?P<pitch>\d")


def test_a_table(library, tmp_path):
    folder = library(tmp_path / "notes", {f"{i}.wav": midi for i, midi in enumerate(SCALE)})
    table = tmp_path / "table.csv"
    table.write_text("file,pitch,dynamic\n0.wav,60,ff\nnotes/1.wav,D4,\n2.wav,,\nother.wav,64,\n")
    with pytest.warns(DatasetWarning, match="3 of 5"):
        notes = load_notes(folder, pitches=table)
    assert notes.pitches.tolist() == [60, 62]
    assert notes.notes[0].tokens.kinds == {"dynamic": "ff"}
    table.write_text("file,pitch\n0.wav,H9x\n")
    with pytest.raises(DatasetError, match=r"0.wav has the pitch 'H9x'"):
        load_notes(folder, pitches=table)
    table.write_text("name,midi\n0.wav,60\n")
    with pytest.raises(DatasetError, match="columns file and pitch"):
        load_notes(folder, pitches=str(table))
    with pytest.raises(DatasetError, match="cannot be read"):
        load_notes(folder, pitches=tmp_path / "none.csv")


def test_given_pitches_are_used_and_compared(library, tmp_path):
    library(tmp_path, named(SCALE))
    with pytest.warns(
        DatasetWarning, match=r"1 of 5 notes sound different from the given pitches: .*sounds like C4, not Db4"
    ):
        notes = load_notes(tmp_path, pitches=lambda file: named(SCALE)[file.name] + (file.name == "flute.C4.wav"))
    assert notes.pitches.tolist() == [61, 62, 64, 65, 67]
    with pytest.raises(DatasetError, match="sounds like C4"):
        load_notes(tmp_path, pitches=[65, 61, 62, 64, 67], misfits="raise")


def with_root(file, root):
    """Append a chunk with a root note to a WAV file."""
    data = file.read_bytes()
    chunk = struct.pack("<4sI9I", b"smpl", 36, 0, 0, 0, root, 0, 0, 0, 0, 0)
    file.write_bytes(data[:4] + struct.pack("<I", len(data) - 8 + len(chunk)) + data[8:] + chunk)


def test_root_notes_in_headers(library, tmp_path):
    library(tmp_path, {f"sample {'abcde'[i]}.wav": midi for i, midi in enumerate(SCALE)})
    for file, midi in zip(sorted(tmp_path.iterdir()), SCALE, strict=True):
        with_root(file, midi)
    assert list(pitches_of(tmp_path).values()) == list(SCALE)


def test_a_placeholder_in_all_headers_is_no_pitch(library, tmp_path):
    library(tmp_path, named(SCALE))
    for file in tmp_path.iterdir():
        with_root(file, 60)
    assert pitches_of(tmp_path) == named(SCALE)


@pytest.mark.parametrize("place", ["notes/map.sfz", "map.sfz"])
def test_maps_beside_and_above_the_samples(library, tmp_path, place):
    folder = library(tmp_path / "notes", {f"My Sample {i}.wav": midi for i, midi in enumerate(SCALE)})
    prefix = "" if "/" in place else "notes\\"
    regions = [
        f"<region> sample=my sample {i}.wav {'key' if i else 'lovel=1 pitch_keycenter'}={midi if i else 'c4'} // {i + 40}"
        for i, midi in enumerate(SCALE)
    ]
    lines = [f"<control> default_path={prefix}", "#define $LOW 3", "<global> ampeg_release=1"]
    # A region's own key counts, whatever it inherits.
    lines += ["<group> pitch_keycenter=60", *regions]
    (tmp_path / place).write_text("\n".join([*lines, "<region> sample=absent.wav key=1"]))
    assert list(pitches_of(folder).values()) == list(SCALE)


def test_what_is_heard_is_cached_by_content(library, tmp_path, monkeypatch):
    from sktimbre.datasets import listening

    library(tmp_path, named((70, 71, 72)))
    load_notes(tmp_path)
    monkeypatch.setattr(listening, "hear_note", None)
    (tmp_path / "flute.Bb4.wav").rename(tmp_path / "renamed.Bb4.wav")
    load_notes(tmp_path)
    library(tmp_path, named((73,)))
    with pytest.raises(TypeError):
        load_notes(tmp_path)


def test_a_cache_that_cannot_be_written_is_no_error(library, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKTIMBRE_DATA_HOME", str(tmp_path / "file"))
    assert pitches_of(library(tmp_path / "notes", named(SCALE))) == named(SCALE)


def test_the_table_of_all_files(library, tmp_path):
    library(tmp_path / "a", {**named(SCALE), "noise.wav": 90})
    library(tmp_path / "b", {"oboe_D4_f.wav": 62.2, "oboe_G4_f.wav": 67})
    with pytest.warns(DatasetWarning):
        pairs = pair_files(tmp_path / "a", tmp_path / "b")
    rows = {note.file.name: note for note in pairs.source_notes}
    assert len(rows) == 6
    assert rows["flute.D4.wav"].partner.file == tmp_path / "b" / "oboe_D4_f.wav"
    assert rows["flute.D4.wav"].reason == ""
    assert rows["flute.C4.wav"].reason == "no C4 on the other side"
    assert rows["noise.wav"].reason == "has no pitch in its name"
    row = pairs.target_notes[0].row("target")
    assert (row["pitch"], row["written"], row["dynamic"], row["side"]) == (62, 62, "f", "target")
    assert row["cents"] == pytest.approx(20, abs=8)
    assert row["level"] == pytest.approx(-21, abs=6)
    assert pairs.reasons[tmp_path / "a" / "noise.wav"] == "has no pitch in its name"


def test_options_of_each_side(library, tmp_path):
    library(tmp_path / "a", {f"{i}.wav": midi for i, midi in enumerate(SCALE)})
    library(tmp_path / "b", {name: midi + 12 for name, midi in named(SCALE).items()} | {"x_C2_pp.wav": 36})
    with pytest.warns(DatasetWarning):
        notes = load_paired_notes(
            tmp_path / "a",
            tmp_path / "b",
            source_pitches="heard",
            target_octave=0,
            target_match="flute*",
            misfits="keep",
            duration=0.1,
        )
    assert notes.pitches.tolist() == list(SCALE)
    y, sr = read_audio(notes.source_files[0])
    assert sr == notes.sr
    assert np.corrcoef(notes.source[0][:1000], y[:1000])[0, 1] > 0.99


def test_files_that_need_a_decoder_are_named(library, tmp_path, monkeypatch):
    library(tmp_path / "notes", named(SCALE))
    (tmp_path / "notes" / "flute.A4.m4a").write_bytes(b"compressed")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.warns(DatasetWarning, match=r"1 of 6 .*flute\.A4\.m4a needs ffmpeg to be read"):
        assert load_notes(tmp_path / "notes").pitches.tolist() == list(SCALE)
    (tmp_path / "alone").mkdir()
    (tmp_path / "notes" / "flute.A4.m4a").rename(tmp_path / "alone" / "flute.A4.m4a")
    with pytest.raises(DatasetError, match=r"flute\.A4\.m4a, need ffmpeg to be read\. Install it"):
        load_notes(tmp_path / "alone")


def test_octaves_are_for_written_pitches(library, tmp_path):
    library(tmp_path, named(SCALE))
    for pitches in ("heard", list(SCALE)):
        with pytest.raises(ParameterError, match="octave=1 is added to pitches that are written"):
            load_notes(tmp_path, pitches=pitches, octave=1)


def test_clipped_notes_are_named_and_used(library, sound, tmp_path):
    library(tmp_path, named(SCALE))
    write_audio(tmp_path / "flute.A4.wav", np.clip(4 * sound(69, level=0), -0.9, 0.9), 22050)
    with pytest.warns(DatasetWarning, match=r"1 of 6 notes are clipped, but used: flute\.A4\.wav is clipped"):
        assert 69 in load_notes(tmp_path).pitches


@pytest.mark.parametrize("octave", [np.empty(0, np.float32), np.zeros(2), "Auto", 0.5, None])
def test_octaves_that_are_no_number_are_refused(tmp_path, octave):
    with pytest.raises(ParameterError, match="octave"):
        load_notes(tmp_path, octave=octave)
