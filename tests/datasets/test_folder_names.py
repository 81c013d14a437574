"""Pitches in names, by the evidence of a folder: of real libraries, and of the smallest cases."""

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre.audio import write_audio
from sktimbre.datasets import load_notes, load_paired_notes, name_of_pitch
from sktimbre.datasets.names import pitch_part
from sktimbre.exceptions import DatasetError, DatasetWarning

# Folders whose names do not tell the pitch: several notes in a file, or numbers of takes.
NAMELESS = {"iowa-1997-scales", "good-sounds"}


def test_names_of_real_libraries(notes_folder):
    """Right but for the numbering of octaves, which names cannot tell."""
    libraries = json.loads((notes_folder.parent / "libraries.json").read_text())
    assert len(libraries) == 16
    for library in libraries:
        for side in ("a", "b"):
            names, truth = list(library[side]), [midi for midi, _ in library[side].values()]
            part, _ = pitch_part(names)
            if library["library"] in NAMELESS:
                assert part is None
                continue
            offsets = {part.values[i] - midi for i, midi in enumerate(truth)}
            assert len(offsets) == 1, library["library"]
            assert offsets.pop() % 12 == 0, library["library"]


@pytest.mark.parametrize(
    ("names", "midi"),
    [
        (["bass_009-013-025", "bass_009-013-100", "bass_009-015-075", "bass_009-014-050"], [13, 13, 15, 14]),
        (["Oboe_060_C3_100", "Oboe_064_E3_100", "Oboe_067_G3_100"], [60, 64, 67]),
        (["flute_60_f1", "flute_62_f1", "flute_64_f1"], [60, 62, 64]),
        (["A2", "As2", "B2"], [45, 46, 47]),
        (["A4v1", "A4v16", "D#4v8"], [69, 69, 63]),
        (["x_Csharp4", "x_Bflat4"], [61, 70]),
        (["B-1", "C0", "C#0"], [11, 12, 13]),
        (["C4-1", "D4-1"], [60, 62]),
        (["Fl_H3", "Fl_B3", "Fl_As3", "Fl_Cis4"], [59, 58, 56, 61]),
        (["Es4", "As4", "D4"], [63, 68, 62]),
        (["fl_do4", "fl_re#4", "fl_sol4"], [60, 63, 67]),
        (["MAPS_S0_M60_Ak", "MAPS_S0_M62_Ak"], [60, 62]),
        (["FluteC4", "FluteDb4"], [60, 61]),
        (["clarinet-61"], [61]),
        (["a4"], [69]),
        ([f"{i}" for i in range(60, 72)], list(range(60, 72))),
        (["01_C4", "02_D4", "03_E4"], [60, 62, 64]),
    ],
)
def test_smallest_cases(names, midi):
    part, _ = pitch_part([f"{name}.wav" for name in names])
    assert [part.values[i] for i in range(len(names))] == midi


@pytest.mark.parametrize(
    "names",
    [["01", "02", "03"], ["C4B4", "C5B5"], ["take"], ["C4_D4", "E4_F4"], ["0000", "0021"], ["v64_r1", "v127_r1"]],
)
def test_what_cannot_be_told(names):
    assert pitch_part([f"{name}.wav" for name in names])[0] is None


def sharp(midi):
    name = name_of_pitch(midi)
    return f"{name_of_pitch(midi - 1)[0]}#{name[2:]}" if "b" in name else name


STYLES = {"flats": name_of_pitch, "sharps": sharp, "number": lambda midi: f"{midi:03}"}
RULES = ("Flute.ff.{}.wav", "{}_v100_rr1.wav", "my flute {} (mezzo) 44100.flac")


@settings(max_examples=60, deadline=None)
@given(
    midi=st.lists(st.integers(40, 80), min_size=4, max_size=30, unique=True),
    style=st.sampled_from(sorted(STYLES)),
    rule=st.sampled_from(RULES),
    seed=st.integers(0, 99),
)
def test_a_stray_file_and_a_renaming_change_nothing(midi, style, rule, seed):
    names = [rule.format(STYLES[style](m)) for m in midi]
    part, _ = pitch_part(names)
    assert [part.values[i] for i in range(len(midi))] == midi
    mixed = random.Random(seed).sample(names, len(names))
    mixed.insert(seed % (len(midi) + 1), "key noise.wav")
    found = {mixed[i]: value for i, value in pitch_part(mixed)[0].values.items()}
    assert found == dict(zip(names, midi, strict=True))


def test_what_is_left_out_is_listed(tmp_path):
    for folder, names in (("a", ["C4", "D4", "E4", "F4", "breath"]), ("b", ["M60", "M62", "M64"])):
        (tmp_path / folder).mkdir()
        for name in names:
            write_audio(tmp_path / folder / f"{name}.wav", np.random.default_rng(0).uniform(-1, 1, 999), 8000)
    with pytest.warns(DatasetWarning, match=r"1 of 5 sound files are left out: breath.wav has no pitch in its name"):
        notes = load_notes(tmp_path / "a", sr=8000)
    assert notes.pitches.tolist() == [60, 62, 64, 65]
    assert [file.name for file in notes.left_out] == ["breath.wav"]
    with pytest.warns(DatasetWarning):
        pairs = load_paired_notes(tmp_path / "a", tmp_path / "b", sr=8000)
    assert pairs.pitches.tolist() == [60, 62, 64]
    assert [file.name for file in pairs.unpaired_source] == ["F4.wav", "breath.wav"]


def test_a_refusal_says_what_was_considered(tmp_path):
    for name in ("C4_D4", "E4_F4"):
        write_audio(tmp_path / f"{name}.wav", np.random.default_rng(0).uniform(-1, 1, 999), 8000)
    words = r"2 files, such as 'C4_D4.wav'.*note name \(60, 64\); note name \(62, 65\).*pitches="
    with pytest.raises(DatasetError, match=words):
        load_notes(tmp_path)
