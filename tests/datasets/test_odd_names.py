"""Names that mix spellings, stray files, renamings, takes by number, words that hide dynamics, files of several notes."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from sktimbre.audio import write_audio
from sktimbre.datasets import load_notes, name_of_pitch, pair_files
from sktimbre.datasets.tokens import tokens_of
from sktimbre.exceptions import DatasetError, DatasetWarning

SCALE = (60, 61, 63, 65, 66, 68, 70)
SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
LATIN = ("do", "dod", "re", "red", "mi", "fa", "fad", "sol", "sold", "la", "lad", "si")


def sharp(midi):
    return f"{SHARPS[midi % 12]}{midi // 12 - 1}"


def tracker(midi):
    return sharp(midi) if "#" in sharp(midi) else f"{sharp(midi)[0]}-{midi // 12 - 1}"


@pytest.mark.parametrize(
    "name",
    [
        tracker,
        lambda midi: f"fl_{LATIN[midi % 12]}{midi // 12 - 1}",
        lambda midi: f"FL_{name_of_pitch(midi).upper()}",
        lambda midi: f"flute{name_of_pitch(midi).lower()}ff",
        lambda midi: f"{sharp(midi)}Flute",
        lambda midi: f"{name_of_pitch(midi)}f1",
        lambda midi: f"{midi:03}{SHARPS[midi % 12][0]}",
        lambda midi: f"fl%20{sharp(midi).replace('#', '%23')}",
    ],
    ids=["tracker", "French", "capitals", "nothing between", "note first", "dynamic after", "number first", "percent"],
)
def test_each_file_is_read_in_its_own_spelling(library, tmp_path, name):
    library(tmp_path, {f"{name(midi)}.wav": midi for midi in SCALE})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_notes(tmp_path).pitches.tolist() == list(SCALE)


@pytest.mark.parametrize("stray", ["es2.wav", "H1.wav"])
def test_one_german_name_does_not_make_the_others_german(library, tmp_path, stray):
    names = {f"{sharp(midi).replace('#', 's')}.wav": midi for midi in (*SCALE, 71)}
    library(tmp_path, {**names, stray: {"es2.wav": 39, "H1.wav": 35}[stray]})
    assert load_notes(tmp_path).pitches.tolist() == sorted([*names.values(), {"es2.wav": 39, "H1.wav": 35}[stray]])


def test_numbers_of_takes_are_no_pitches_that_nobody_hears(library, tmp_path):
    # Take 3 is missing, so that the numbers do not count the files.
    for side, step in (("a", 1), ("b", 2)):
        library(tmp_path / side, {f"take {n}.wav": 60 + step * n for n in (1, 2, 4, 5, 6)})
    with pytest.raises(DatasetError, match=r"take 1\.wav has the MIDI number 1 and sounds like Db4"):
        pair_files(tmp_path / "a", tmp_path / "b")


def test_numbers_of_noises_are_used_with_a_word(tmp_path):
    for i in range(40, 45):
        write_audio(tmp_path / f"kick_{i}.wav", np.random.default_rng(i).uniform(-0.5, 0.5, 9000), 22050)
    with pytest.warns(
        DatasetWarning, match="no pitch is heard clearly enough to be compared with the numbers in the names"
    ):
        assert load_notes(tmp_path).pitches.tolist() == [40, 41, 42, 43, 44]


@pytest.mark.parametrize("rule", ["{} Horn in F", "Forte Studio {}", "{}_soft room", "{}-1", "ff_{}"])
@pytest.mark.parametrize("others", ["x_{}_v1", "x_{}_p"])
def test_a_word_in_all_names_hides_no_dynamic(library, tmp_path, rule, others):
    levels = {"p": -36, "f": -12}
    for side, names in (("a", rule.format("{}_{}")), ("b", others)):
        notes = {}
        for midi in SCALE[:4]:
            for dynamic, level in levels.items():
                # Loudness tells nothing.
                name = names.format(name_of_pitch(midi), dynamic)
                name = name if dynamic == "p" or side == "a" else name.replace("_v1", "_v2").replace("_p", "_f")
                notes[f"{name}.wav"] = {"midi": midi, "level": level if side == "a" else -level - 48}
        library(tmp_path / side, notes)
    pairs = pair_files(tmp_path / "a", tmp_path / "b")
    assert len(pairs.pitches) == 8
    for a, b in zip(pairs.source_sounds, pairs.target_sounds, strict=True):
        soft = next(note for note in pairs.source_notes if note.file == a.file).tokens.kinds["dynamic"] == "p"
        assert soft == any(word in b.name for word in ("_v1", "_p"))


def test_of_two_words_the_rarer_is_the_dynamic():
    assert tokens_of(Path("Horn in F pp C4.wav"), pitch=60, frequent={"f": 9, "pp": 3}).kinds == {"dynamic": "pp"}
    assert tokens_of(Path("pp Horn in F C4.wav"), pitch=60, frequent={"f": 9, "pp": 3}).kinds == {"dynamic": "pp"}
    assert tokens_of(Path("Harp_A3_f-1.wav"), pitch=57).kinds == {"dynamic": "f"}
    assert tokens_of(Path("EHarp A2 mf2.wav"), pitch=45).kinds == {"dynamic": "mf"}


def test_numbers_that_count_files_are_no_velocities(library, tmp_path):
    midi = range(60, 64)
    velocities = {40: -36, 127: -6}
    library(
        tmp_path / "a", {f"{sharp(m)}-{v}.wav": {"midi": m, "level": d} for m in midi for v, d in velocities.items()}
    )
    counted = [(m, v, d) for m in midi for v, d in velocities.items()]
    notes = {f"{38 + i}_{sharp(m)}_v{v}.wav": {"midi": m, "level": d} for i, (m, v, d) in enumerate(counted)}
    library(tmp_path / "b", notes)
    pairs = pair_files(tmp_path / "a", tmp_path / "b")
    assert len(pairs.pitches) == 8
    for a, b in zip(pairs.source_files, pairs.target_files, strict=True):
        assert b.stem.endswith(a.stem.split("-")[1])


def test_the_softest_layer_of_one_side_is_not_paired_with_the_loudest_of_the_other(library, tmp_path):
    library(tmp_path / "a", {"C4_v1.wav": 60, "C4_v4.wav": 60, "D4_v4.wav": 62, "E4_v1.wav": 64})
    library(tmp_path / "b", {"C4_v1.wav": 60, "C4_v2.wav": 60, "D4_v1.wav": 62, "E4_v1.wav": 64})
    pairs = pair_files(tmp_path / "a", tmp_path / "b")
    assert [file.name for file in pairs.target_files] == ["C4_v1.wav", "C4_v2.wav", "E4_v1.wav"]
    assert pairs.reasons[tmp_path / "a" / "D4_v4.wav"] == "no D4 of a similar dynamic, by its name, on the other side"


def several(sound, folder, name, midi):
    rest = np.zeros(4000, np.float32)
    write_audio(folder / name, np.concatenate([np.r_[sound(m, 0.6), rest] for m in midi]), 22050)


def test_a_file_of_several_notes_is_left_out_or_said(library, sound, tmp_path):
    library(tmp_path, {f"x_{name_of_pitch(midi)}.wav": midi for midi in SCALE})
    several(sound, tmp_path, "x_C5.wav", (72, 77))
    with pytest.warns(DatasetWarning, match=r"1 of 8 .*x_C5\.wav has several notes of different pitches"):
        assert load_notes(tmp_path).pitches.tolist() == list(SCALE)
    (tmp_path / "scales").mkdir()
    several(sound, tmp_path / "scales", "C4-F4.wav", range(60, 66))
    several(sound, tmp_path / "scales", "C5-F5.wav", range(72, 78))
    with pytest.warns(
        DatasetWarning, match=r"2 files, such as C4-F4\.wav, have several notes .* such as C4B4, are cut"
    ):
        load_notes(tmp_path / "scales")


def test_a_note_that_begins_late_is_heard(library, sound, tmp_path):
    library(tmp_path, {"x_C4.wav": 60, "x_D4.wav": 62})
    write_audio(tmp_path / "x_E4.wav", np.r_[np.zeros(31 * 8000), sound(64, sr=8000)], 8000)
    assert load_notes(tmp_path, sr=8000, duration=0.2).pitches.tolist() == [60, 62, 64]


def test_linked_folders_are_named(library, tmp_path):
    library(tmp_path / "a", {"C4.wav": 60, "D4.wav": 62})
    library(tmp_path / "more", {"E4.wav": 64})
    (tmp_path / "a" / "high").symlink_to(tmp_path / "more")
    with pytest.warns(DatasetWarning, match="high is a link to a folder, which is not followed"):
        load_notes(tmp_path / "a", recursive=True)


@pytest.mark.parametrize("octave", ["auto", 1])
def test_ranges_in_names_of_another_numbering(sound, tmp_path, octave):
    several(sound, tmp_path, "Flute.ff.C3E3.wav", range(60, 65))
    several(sound, tmp_path, "Flute.ff.F3A3.wav", range(65, 70))
    if octave == "auto":
        with pytest.warns(DatasetWarning, match=r"C3E3\.wav and the like sound 1 octave higher than their names say"):
            notes = load_notes(tmp_path)
    else:
        notes = load_notes(tmp_path, octave=octave)
    assert notes.pitches.tolist() == list(range(60, 70))


def test_ranges_in_names_that_are_wrong(sound, tmp_path):
    several(sound, tmp_path, "Flute.ff.C6E6.wav", (60, 62, 67))
    assert load_notes(tmp_path, pitches="heard").pitches.tolist() == [60, 62, 67]


@pytest.mark.parametrize("name", ["piano_{}", "Horn in F {}"])
def test_words_of_instruments_that_are_dynamics(library, tmp_path, name):
    """A piano is not soft, and a horn in F is not loud."""
    scale = dict(zip(("A4", "B4", "C5", "D5"), (69, 71, 72, 74), strict=True))
    library(tmp_path / "a", {f"flute_{n}_{'forte' if m % 2 else 'piano'}.wav": m for n, m in scale.items()})
    library(tmp_path / "b", {f"{name.format(n)}.wav": m for n, m in scale.items()})
    assert pair_files(tmp_path / "a", tmp_path / "b").pitches.tolist() == list(scale.values())


def test_es_is_e_flat_wherever_it_is_written(library, tmp_path):
    folder = library(tmp_path / "a", {"fl_D4_x.wav": 62, "fl_Es4_x.wav": 63, "fl_F4_x.wav": 65})
    table = tmp_path / "t.csv"
    table.write_text("file,pitch\nfl_D4_x.wav,D4\nfl_Es4_x.wav,Es4\nfl_F4_x.wav,F4\n")
    for pitches in (None, table, r"_(?P<note>[A-H]s?\d)_"):
        assert load_notes(folder, pitches=pitches).pitches.tolist() == [62, 63, 65]
    german = library(tmp_path / "b", {"fl_B4_x.wav": 70, "fl_H4_x.wav": 71, "fl_C5_x.wav": 72})
    assert load_notes(german, pitches=r"_(?P<note>[A-H]s?\d)_").pitches.tolist() == [70, 71, 72]


def test_the_name_that_contradicts_is_shown(library, tmp_path):
    library(tmp_path, {"flute.A4.wav": 69, "flute.B4.wav": 74})
    with pytest.raises(DatasetError, match=r"flute\.B4\.wav has the note name B4 and sounds like D5"):
        load_notes(tmp_path)


def test_long_files_have_their_duration(library, tmp_path):
    library(tmp_path, {"x_C4.wav": {"midi": 60, "duration": 40.0}, "x_D4.wav": 62})
    assert [note.duration for note in pair_files(tmp_path, tmp_path).source_notes] == pytest.approx(
        [40.0, 0.4], abs=1e-4
    )
