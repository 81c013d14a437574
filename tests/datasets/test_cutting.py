"""Recordings of several notes, cut into single ones."""

import numpy as np
import pytest

from sktimbre.audio import read_audio, write_audio
from sktimbre.datasets import load_notes, pair_files, pitch_from_name
from sktimbre.datasets.cutting import cut_notes
from sktimbre.datasets.scales import range_in_name
from sktimbre.exceptions import DatasetError, DatasetWarning

SR = 22050


@pytest.fixture
def scale(sound):
    def make(midi, gap=0.3, duration=0.5):
        return np.concatenate([np.r_[sound(m, duration), np.zeros(round(gap * SR))] for m in midi])

    return make


@pytest.mark.parametrize("gap", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("noise", [-90, -50])
def test_a_scale_is_cut_into_its_notes(scale, gap, noise):
    # A repeated note has a gap before it.
    midi = [60, 61, 63, 65, 65, 72] if gap else [60, 61, 63, 65, 72]
    y = np.r_[np.zeros(SR), scale(midi, gap)]
    y += 10 ** (noise / 20) * np.random.default_rng(0).normal(size=len(y))
    found = cut_notes(y, SR)
    assert [round(note.midi) for note in found] == midi
    for i, note in enumerate(found):
        assert note.start == pytest.approx(1 + i * (0.5 + gap), abs=0.05)


def test_vibrato_is_one_note_and_silence_is_none():
    t = np.arange(2 * SR) / SR
    vibrato = np.sin(2 * np.pi * 440 * t + 2 * np.sin(2 * np.pi * 6 * t))
    assert [round(note.midi) for note in cut_notes(vibrato, SR)] == [69]
    assert cut_notes(np.zeros(SR), SR) == []
    assert cut_notes(vibrato[:100], SR) == []
    assert cut_notes(np.random.default_rng(0).normal(size=2 * SR), SR) == []


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("Flute.nonvib.ff.C4B4.aiff", (60, 71)),
        ("BbClar.ff.Bb3B3.aiff", (58, 59)),
        ("x_C4_B4.wav", None),
        ("x.C4.wav", None),
        ("x.B4C4.wav", None),
    ],
)
def test_ranges_in_names(tmp_path, name, limits):
    assert range_in_name(tmp_path / name) == limits


def test_files_of_several_notes_are_loaded_note_by_note(scale, tmp_path):
    for name, low in (("Flute.ff.C4E4", 60), ("Flute.ff.C5D5", 72)):
        y = scale(range(low, low + (5 if low == 60 else 3)))
        write_audio(tmp_path / f"{name}.wav", np.r_[np.zeros(2000), y], SR)
    notes = load_notes(tmp_path, duration=0.4)
    assert notes.pitches.tolist() == [60, 61, 62, 63, 64, 72, 73, 74]
    assert len(notes.audio) == 8
    assert notes.names[0] == "Flute.ff.C4E4.wav"
    # The onset stays 10 ms behind the beginning.
    assert np.abs(notes.audio[:, :150]).max() < 0.02
    assert np.abs(notes.audio[:, 250:2000]).max(axis=1).min() > 0.1


def test_a_range_with_other_notes_is_told(scale, tmp_path):
    write_audio(tmp_path / "C4E4.wav", scale([60, 61, 63, 64, 80]), SR)
    with pytest.warns(DatasetWarning, match="4 notes sound like notes from C4 to E4, which are 5"):
        notes = load_notes(tmp_path)
    assert notes.pitches.tolist() == [60, 61, 63, 64]
    (tmp_path / "C4E4.wav").unlink()
    write_audio(tmp_path / "C6E6.wav", scale([60, 61]), SR)
    write_audio(tmp_path / "C5.wav", scale([72], gap=0), SR)
    with pytest.warns(DatasetWarning, match="has no note that sounds like one from C6 to E6"):
        load_notes(tmp_path)
    with pytest.raises(DatasetError, match="no usable notes"):
        load_notes([tmp_path / "C6E6.wav"])


def test_a_table_keeps_the_parts(scale, tmp_path):
    from sktimbre.datasets.table import to_csv

    write_audio(tmp_path / "C4D4.wav", scale([60, 61, 62]), SR)
    write_audio(tmp_path / "x.Db4.wav", scale([61], gap=0), SR)
    pairs = pair_files([tmp_path / "C4D4.wav"], [tmp_path / "x.Db4.wav"])
    assert pairs.source_sounds[0].start == pytest.approx(0.75, abs=0.02)
    table = tmp_path / "table.csv"
    table.write_text(to_csv(note.row("source") for note in pairs.source_notes))
    again = pair_files([tmp_path / "C4D4.wav"], [tmp_path / "x.Db4.wav"], source_pitches=table)
    assert again.source_sounds == pairs.source_sounds
    table.write_text("file,pitch,start,end\nC4D4.wav,61,2,1\n")
    with pytest.raises(DatasetError, match=r"C4D4\.wav goes from 2 to 1 s"):
        load_notes([tmp_path / "C4D4.wav"], pitches=table)


@pytest.mark.parametrize("instrument", ["flute", "clarinet"])
def test_scales_of_real_notes(notes_folder, tmp_path, instrument):
    files = {pitch_from_name(file): file for file in (notes_folder / instrument).iterdir()}
    for low, name in ((60, "C4B4"), (72, "C5B5")):
        parts = [np.zeros(SR)]
        for midi in range(low, low + 12):
            parts += [read_audio(files[midi], SR)[0], np.zeros(SR)]
        y = np.concatenate(parts)
        y = 0.9 * y + 1e-3 * np.random.default_rng(0).normal(size=len(y))
        write_audio(tmp_path / f"{instrument}.{name}.aiff", y, SR)
    assert load_notes(tmp_path).pitches.tolist() == list(range(60, 84))
