"""Tables of pitches as spreadsheets and people write them."""

import os
import subprocess
import sys

import pytest

from sktimbre.datasets import load_notes, pair_files
from sktimbre.exceptions import DatasetError

NOTES = {"x 1.wav": 60, "x 2.wav": 62, "x 3.wav": 64}
ROWS = [("File", " pitch"), *NOTES.items()]


@pytest.fixture
def folder(library, tmp_path):
    return library(tmp_path / "notes", NOTES)


def written(tmp_path, rows, separator=",", end="\n", encoding="utf-8", first=""):
    text = first + "".join(separator.join(map(str, row)) + end for row in rows)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    return tmp_path / "t.csv"


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"end": "\r\n", "encoding": "utf-8-sig"},
        {"separator": ";", "end": "\r\n"},
        {"separator": "\t", "encoding": "utf-16"},
        {"separator": ";", "first": "sep=;\n"},
    ],
)
def test_as_spreadsheets_write_them(folder, tmp_path, how):
    assert load_notes(folder, pitches=written(tmp_path, ROWS, **how)).pitches.tolist() == [60, 62, 64]


@pytest.mark.parametrize("pitch", ["60.0", "60,", "C4", " 60 "])
def test_ways_to_write_a_pitch(folder, tmp_path, pitch):
    rows = [("file", "pitch"), ("x 1.wav", pitch), ("notes\\x 2.wav", 62), ("notes/x 3.wav", 64)]
    assert load_notes(folder, pitches=written(tmp_path, rows, ";")).pitches.tolist() == [60, 62, 64]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([*ROWS, ("x 1.wav", 61)], r"two pitches for x 1\.wav: 60 and 61"),
        ([("side", "file"), ("source", "x 1.wav")], r"Its header has side, file"),
        ([("file", "pitch")], "then a line for each file"),
        ([("file", "pitch"), ("y.wav", 60)], r"Its first file is y\.wav; looked for .*x 1\.wav"),
        ([("file", "pitch"), ("x 1.wav", "60.5")], "must be a MIDI number"),
    ],
)
def test_refusals_say_what_was_read(folder, tmp_path, rows, words):
    with pytest.raises(DatasetError, match=words):
        load_notes(folder, pitches=written(tmp_path, rows))


def test_other_encodings_are_refused(folder, tmp_path):
    with pytest.raises(DatasetError, match="not in UTF-8; save it"):
        load_notes(folder, pitches=written(tmp_path, [*ROWS, ("Flöte.wav", 60)], encoding="latin-1"))


def test_a_name_in_two_folders_is_refused(library, tmp_path):
    library(tmp_path / "a", {"p/C4.wav": 60, "f/C4.wav": 60})
    table = written(tmp_path, [("file", "pitch"), ("C4.wav", 60)])
    with pytest.raises(DatasetError, match=r"C4\.wav may be .*C4\.wav or .*C4\.wav; write files with their folders"):
        pair_files(tmp_path / "a", tmp_path / "a", source_pitches=table, recursive=True)


def test_lines_of_the_other_side_are_for_the_other_side(library, tmp_path):
    """Both folders have the same names, with other pitches."""
    a, b = library(tmp_path / "a", {"1.wav": 60, "2.wav": 62}), library(tmp_path / "b", {"1.wav": 62, "2.wav": 60})
    rows = [("side", "file", "pitch"), ("source", "1.wav", 60), ("source", "2.wav", 62), ("target", "1.wav", 62)]
    table = written(tmp_path, [*rows, ("target", "2.wav", 60)])
    pairs = pair_files(a, b, source_pitches=table, target_pitches=table)
    assert [(x.name, y.name) for x, y in zip(pairs.source_files, pairs.target_files, strict=True)] == [
        ("1.wav", "2.wav"),
        ("2.wav", "1.wav"),
    ]


def test_velocities_are_whole_numbers(folder, tmp_path):
    lines = [("file", "pitch", "velocity"), *((name, pitch, "64.0") for name, pitch in NOTES.items())]
    found = pair_files(folder, folder, source_pitches=written(tmp_path, lines), target_pitches=NOTES)
    assert {note.tokens.kinds["velocity"] for note in found.source_notes} == {"64"}
    lines[2] = ("x 2.wav", 62, "soft")
    with pytest.raises(DatasetError, match=r"x 2.wav has the velocity 'soft'; write a number, such as 64"):
        pair_files(folder, folder, source_pitches=written(tmp_path, lines), target_pitches=NOTES)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_not_utf8_are_written_and_read(library, tmp_path):
    folder = library(tmp_path / "a", {"C4.wav": 60, "D4.wav": 62})
    os.rename(folder / "D4.wav", os.fsencode(folder) + b"/fl\xfbte.D4.wav")
    table = tmp_path / "t.csv"
    command = ["-m", "sktimbre", "pairs", folder, library(tmp_path / "b", {"C4.wav": 60}), "--csv", table]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    assert load_notes(folder, pitches=table).pitches.tolist() == [60, 62]
