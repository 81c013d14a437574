"""Recordings that leave the pitches that a model was trained on."""

import json
import warnings

import numpy as np
import pytest

from sktimbre.audio import AudioReader, write_audio
from sktimbre.cli.pitches import HeardPitches
from sktimbre.exceptions import PitchRangeWarning

SR = 8000


def melody(*pitches, seconds=1.0):
    """A note of each MIDI number, with five partials; None is silence."""
    time = np.arange(round(seconds * SR)) / SR
    notes = [
        np.zeros_like(time)
        if pitch is None
        else sum(0.1 / n * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * n * time) for n in range(1, 6))
        for pitch in pitches
    ]
    return np.concatenate(notes).astype(np.float32)


def said(y, known=(60, 65, 72), block_size=3001):
    heard = HeardPitches(SR)
    blocks = [y[np.newaxis, start : start + block_size] for start in range(0, len(y), block_size)]
    passed = list(heard.listen(blocks))
    np.testing.assert_array_equal(np.concatenate(passed, axis=1)[0], y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        heard.warn_outside(known, "a.wav")
    assert all(each.category is PitchRangeWarning for each in caught)
    return [str(each.message) for each in caught]


@pytest.mark.parametrize("block_size", [500, 3001, 100000])
def test_pitches_outside_are_told(block_size):
    (message,) = said(melody(60, 48, 72, 50), block_size=block_size)
    assert message.startswith(
        "a.wav leaves the pitches that the model was trained on (C4 to C5): 50% of what has a pitch is at C3 to D3."
    )
    (message,) = said(melody(80, None, 80))
    assert "all of it is at Ab5." in message


@pytest.mark.parametrize("pitches", [(60, 66, 72), (59.2, 72.8), (None,), (None, 65)])
def test_pitches_inside_are_not(pitches):
    assert said(melody(*pitches)) == []


def test_noise_has_no_pitch():
    assert said(np.random.default_rng(0).uniform(-0.5, 0.5, 5 * SR).astype(np.float32)) == []


def test_a_single_short_note():
    assert len(said(melody(48, seconds=0.3))) == 1
    assert said(melody(48, seconds=0.1)) == []


def test_a_moment_is_not_enough():
    assert said(melody(*10 * [65], 48, seconds=0.5)) == []
    assert said(melody(*250 * [65], 48, 48, seconds=0.5)) == []
    assert len(said(melody(*150 * [65], 48, 48, seconds=0.5))) == 1


def test_what_is_converted_counts(sktimbre, fitted, tmp_path):
    """The network works at the transposed pitches."""
    for name, pitches in (("low", (52, 54)), ("inside", (62, 64))):
        write_audio(tmp_path / f"{name}.wav", melody(*pitches), SR)

    def told(name, semitones):
        options = ["-o", tmp_path / "out", "--json", "--overwrite", "--transpose", semitones]
        return json.loads(sktimbre("convert", fitted.path, tmp_path / f"{name}.wav", *options).stdout)["warnings"]

    assert told("low", 12) == told("inside", 0) == []
    (message,) = told("inside", 12)
    assert "inside.wav, transposed by 12 semitones, leaves the pitches" in message
    assert "all of it is at D5 to E5. Train with such notes, or give another --transpose." in message


@pytest.mark.parametrize(
    ("pitches", "note"),
    [((60, 60.4, 60), True), ((60, 72, 72, 60), True), ((60, 62, 64, 60), False), ((60, None, 67, 67, 60), False)],
)
def test_a_note_and_music(pitches, note):
    """An octave is an estimate that is wrong; other intervals are music."""
    heard = HeardPitches(SR)
    heard.hear(melody(*pitches))
    assert heard.is_one_note() is note


def test_real_notes_are_single_notes(notes_folder):
    for file in sorted(notes_folder.glob("*/*.flac"))[::7]:
        with AudioReader(file, mono=True) as reader:
            heard = HeardPitches(reader.sr)
            for block in reader:
                heard.hear(block[0])
        assert heard.is_one_note(), file


def test_the_range_of_a_recording():
    heard = HeardPitches(SR)
    heard.hear(melody(60, None, 67, 64.3))
    assert heard.range() == pytest.approx((60, 67), abs=0.1)
    assert HeardPitches(SR).range() == (None, None)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_convert(sktimbre, fitted, tmp_path, n_jobs):
    for name, pitches in (("inside.wav", (62, 64)), ("outside.wav", (45, 47))):
        write_audio(tmp_path / name, melody(*pitches), SR)
    files = sorted(tmp_path.glob("*.wav"))
    result = sktimbre("convert", fitted.path, *files, "-o", tmp_path / "out", "--json", "--jobs", n_jobs)
    assert result.exit_code == 0, result.stderr
    (message,) = json.loads(result.stdout)["warnings"]
    assert message.startswith(f"{tmp_path / 'outside.wav'} leaves the pitches that the model was trained on (C4 to ")
    assert "all of it is at A2 to B2" in message


def test_model_without_a_record(sktimbre, unchanging, tmp_path):
    write_audio(tmp_path / "a.wav", melody(30), SR)
    result = sktimbre("convert", unchanging, tmp_path / "a.wav", "-o", tmp_path / "out", "--json")
    assert json.loads(result.stdout)["warnings"] == []
