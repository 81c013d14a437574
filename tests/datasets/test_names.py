"""Pitches in file names."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktimbre.datasets import pitch_from_name
from sktimbre.datasets.names import name_of_pitch
from sktimbre.exceptions import DatasetError


@pytest.mark.parametrize(
    ("name", "pitch"),
    [
        ("C4", 60),
        ("A4.flac", 69),
        ("A0.wav", 21),
        ("C8.WAV", 108),
        ("Flute.nonvib.ff.Bb4.stereo.aif", 70),
        ("Flute.nonvib.ff.Bb4", 70),
        ("Piano.mf.Db5.aiff", 73),
        ("EbClarinet.ff.A3.flac", 57),
        ("EbClarinet.ff.Eb4.flac", 63),
        ("BbClarinet.ff.Bb3.stereo.aif", 58),
        ("flute_A#4.wav", 70),
        ("flute A♯4.wav", 70),
        ("flute A♭4.wav", 68),
        ("flute_Cs4_025_forte_normal.mp3", 61),
        ("Cb4.wav", 59),
        ("B#3.wav", 60),
        ("a4.wav", 69),
        ("bb4.wav", 70),
        ("flute_A4_01.wav", 69),
        ("flute_A4_61.wav", 69),
        ("flute_A4_take_d1.wav", 69),
        ("A#4_Bb4.wav", 70),
        ("A4 (A4).wav", 69),
        ("clarinet-61.wav", 61),
        ("clarinet-061-01.wav", 61),
        ("02-60.wav", 60),
        (Path("C2/D3/flute_E4.wav"), 64),
        ("G9.wav", 127),
        ("Flöte_A4.wav", 69),
        ("fluteA4.wav", 69),
        ("flute_As4.wav", 70),
        ("flute_Es4.wav", 63),
        ("H4.wav", 71),
    ],
)
def test_pitch(name, pitch):
    assert pitch_from_name(name) == pitch


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("flute.wav", "no note name"),
        ("EbClarinet.ff.flac", "no note name"),
        ("Flute.nonvib.ff.B3B4.aiff", "no note name"),
        ("Flöeta4.wav", "no note name"),
        ("A440.wav", "no note name"),
        ("take_20.wav", "no note name"),
        ("take_109.wav", "no note name"),
        ("A9.wav", "no note name"),
        ("", "no note name"),
        ("A4_B4.wav", "note name (69); note name (71)"),
        ("a4_b4.wav", "note name (69); note name (71)"),
        ("flute_acoustic_002-077-100.wav", "MIDI number (77); MIDI number (100)"),
    ],
)
def test_no_pitch(name, words):
    with pytest.raises(DatasetError, match=re.escape(words)) as caught:
        pitch_from_name(name)
    assert repr(name) in str(caught.value)
    assert "pitches=" in str(caught.value)


@given(
    pitch=st.integers(12, 127),
    before=st.sampled_from(["", "flute.", "Eb-", "3_", "é "]),
    after=st.sampled_from(["", "_01", ".stereo", " (copy)", "-ff"]),
    suffix=st.sampled_from(["", ".wav", ".AIF", ".flac", ".mp3"]),
)
def test_names_and_pitches_are_inverse(pitch, before, after, suffix):
    assert pitch_from_name(f"{before}{name_of_pitch(pitch)}{after}{suffix}") == pitch


@given(st.text(max_size=30))
def test_any_text_gives_a_pitch_or_our_error(name):
    with suppress(DatasetError):
        assert 0 <= pitch_from_name(name) <= 127


def test_names_of_real_notes(notes_folder):
    pitches = {
        folder: sorted(pitch_from_name(file) for file in (notes_folder / folder).glob("*.flac"))
        for folder in ("flute", "clarinet", "piano")
    }
    assert pitches["flute"] == [*range(59, 98)]
    assert pitches["clarinet"] == [*range(55, 94)]
    assert sorted(set(pitches["piano"])) == [*range(21, 109)]
    assert len(pitches["piano"]) == 174
