"""Recordings of several notes, cut into single ones."""

import json

import numpy as np
import pytest

from sktimbre.audio import read_audio, write_audio
from sktimbre.datasets import load_notes, pair_files, pitch_from_name
from sktimbre.datasets.cutting import cut_notes, cut_recording
from sktimbre.datasets.scales import range_in_name
from sktimbre.datasets.tracking import track_pitch
from sktimbre.exceptions import AudioError, DatasetError, DatasetWarning, ParameterError

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


def voice(midi, partials=8):
    """Return partials of a pitch that is given for each sample, as a fractional MIDI number."""
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((midi - 69) / 12)) / SR
    return 0.3 * sum(np.sin(n * phase) / n for n in range(1, partials + 1))


def spans(cut, reason):
    return [(part.start, part.end) for part in cut.left_out if part.reason == reason]


@pytest.mark.parametrize("partials", [1, 8])
@pytest.mark.parametrize("midi", [48, 69, 81])
def test_vibrato_and_glides_stay_in_a_note_and_steps_do_not(midi, partials):
    t = np.arange(3 * SR) / SR
    bent = {
        "vibrato": midi + 0.6 * np.sin(2 * np.pi * 6 * t),
        "scoop": midi - np.interp(t, [0, 0.15], [2, 0]),
        "drift": midi + t,
        "glide": midi + 4 * t,
    }
    for (name, pitch), semitones in zip(bent.items(), (0, 0, 3, 12), strict=True):
        (note,) = cut_notes(voice(pitch, partials), SR)
        assert note.glide == pytest.approx(semitones, abs=0.2), name
    step = cut_notes(voice(midi + (t > 1.5), partials), SR)
    assert [note.midi for note in step] == pytest.approx([midi, midi + 1], abs=0.1)
    assert step[1].start == pytest.approx(1.5, abs=0.03)
    assert step[0].end == step[1].start


@pytest.mark.parametrize(
    ("semitones", "slide", "vibrato"),
    [(1, 0.03, 0), (1, 0.15, 0), (2, 0.08, 0), (2, 0.4, 0), (4, 0.15, 0), (12, 0.5, 0), (1, 0.1, 0.3), (2, 0.15, 0.4)],
)
def test_held_pitches_that_are_joined_by_a_slide_are_two_notes(semitones, slide, vibrato):
    t = np.arange(3 * SR) / SR
    pitch = 60 + np.interp(t, [1.5 - slide / 2, 1.5 + slide / 2], [0, semitones])
    found = cut_notes(voice(pitch + vibrato * np.sin(2 * np.pi * 5 * t)), SR)
    assert [note.midi for note in found] == pytest.approx([60, 60 + semitones], abs=0.15)
    assert found[1].start == pytest.approx(1.5, abs=0.06)
    assert max(abs(note.glide) for note in found) < 0.5


@pytest.mark.parametrize("slide", [0.05, 0.1, 0.2])
def test_a_slurred_scale_has_its_notes(slide):
    scale = np.repeat([60.0, 62, 64, 65, 67, 69, 71, 72], SR // 2)
    n = round(slide * SR)
    pitch = np.convolve(np.pad(scale, n, mode="edge"), np.ones(n) / n, "same")[n:-n]
    found = cut_notes(voice(pitch), SR)
    assert [round(note.midi) for note in found] == scale[:: SR // 2].tolist()
    np.testing.assert_allclose([note.start for note in found], np.arange(8) / 2, atol=0.04)


def test_a_pitch_track_follows_vibrato():
    t = np.arange(2 * SR) / SR
    midi = 69 + 0.6 * np.sin(2 * np.pi * 6 * t)
    track = track_pitch(voice(midi))
    # Frames of 93 ms flatten it.
    inner = slice(10, -10)
    assert np.abs(track.midi - midi[::256][: len(track.midi)])[inner].max() < 0.25
    assert np.ptp(track.midi[inner]) > 0.9


@pytest.mark.parametrize("gap", [0.03, 0.1])
def test_a_note_played_again_under_its_release(gap):
    def played(start, phase):
        t = np.arange(2 * SR) / SR - start
        envelope = np.minimum(t / 0.01, 1) * np.where(t < 0.5 - gap, 1, np.exp(-(t - 0.5 + gap) / 0.08))
        return np.where(t > 0, envelope, 0) * sum(np.sin(2 * np.pi * 440 * n * t + phase * n) / n for n in range(1, 6))

    found = cut_notes(played(0.2, 0) + played(0.7, 2), SR)
    assert [round(note.midi) for note in found] == [69, 69]
    assert [note.start for note in found] == pytest.approx([0.2, 0.7], abs=0.05)


def test_a_ringing_note_does_not_hide_the_next():
    # YIN hears D3, of which both are partials.
    t = np.arange(SR) / SR
    ringing = voice(np.full(SR, 74.0)) * np.where(t < 0.4, 1, np.exp(-(t - 0.4) / 0.15))
    found = cut_notes(ringing + np.where(t > 0.4, voice(np.full(SR, 69.0)), 0), SR)
    assert [round(note.midi) for note in found] == [74, 69]
    assert found[1].start == pytest.approx(0.4, abs=0.05)


def test_notes_and_what_is_left_out_fill_the_recording():
    rng = np.random.default_rng(0)
    silence, noise = np.zeros(SR), 0.1 * rng.normal(size=2 * SR)
    chord = sum(voice(np.full(3 * SR, midi)) for midi in (60.0, 64.3, 67.1, 71.4))
    y = np.r_[voice(np.full(SR, 69.0)), silence, noise, silence, chord, silence]
    cut = cut_recording(y, SR)
    ((start, end, midi, level, clarity, _),) = cut.notes
    assert (start, end) == pytest.approx((0, 1), abs=0.06)
    assert midi == pytest.approx(69, abs=0.05)
    # The sines of 0.3 / n.
    assert level == pytest.approx(10 * np.log10(0.09 * sum(1 / n**2 for n in range(1, 9))), abs=0.5)
    assert 0.5 < clarity <= 1
    for reason, begin, stop in (("unpitched", 2, 4), ("polyphonic", 5, 8)):
        covered = sum(min(b, stop) - max(a, begin) for a, b in spans(cut, reason) if a < stop and b > begin)
        assert covered > 0.9 * (stop - begin), reason
    edges = sorted([(note.start, note.end) for note in cut.notes] + [part[:2] for part in cut.left_out])
    assert edges[0][0] == 0
    assert edges[-1][1] == pytest.approx(9)
    assert [a for a, _ in edges[1:]] == pytest.approx([b for _, b in edges[:-1]])


@pytest.mark.parametrize("partials", [1, 4])
def test_tones_outside_of_the_range_have_no_pitch(partials):
    for midi in (28, 110, 115, 118):
        cut = cut_recording(voice(np.full(SR, midi + 0.3), partials if midi < 60 else 1), SR)
        assert (cut.notes, {part.reason for part in cut.left_out}) == ([], {"unpitched"}), midi
    for midi in (33, 108):
        assert [note.midi for note in cut_notes(voice(np.full(SR, midi), 2), SR)] == pytest.approx([midi], abs=0.35)


@pytest.mark.parametrize(
    ("y", "sr", "error", "words"),
    [
        (np.zeros((2, SR)), SR, AudioError, r"y has shape \(2, 22050\)"),
        (np.full(SR, np.nan), SR, AudioError, "y contains NaN at sample 0"),
        (np.full(SR, np.inf), SR, AudioError, "y contains infinity"),
        ("song.wav", SR, AudioError, "y"),
        *((np.zeros(SR), sr, ParameterError, "sr=") for sr in (0, -1, np.nan, "a", None)),
    ],
)
def test_what_is_no_recording(y, sr, error, words):
    with pytest.raises(error, match=words):
        cut_recording(y, sr)


def test_nothing_is_cut_from_noise_and_silence():
    rng = np.random.default_rng(0)
    white = rng.normal(size=2 * SR)
    for noise in (white, 1e-3 * white):
        assert cut_notes(noise, SR) == []
    assert cut_recording(np.zeros(SR), SR).left_out == [(0.0, 1.0, "silent")]
    assert cut_recording(np.zeros(0), SR) == ([], [])


@pytest.mark.parametrize("sr", [16000, 44100, 48000])
def test_seconds_are_those_of_the_recording(sr):
    t = np.arange(2 * sr) / sr
    y = np.where(t < 1, np.sin(2 * np.pi * 440 * t), np.sin(2 * np.pi * 330 * t))
    first, second = cut_notes(y, sr)
    assert (first.end, second.end) == pytest.approx((1, 2), abs=0.03)
    assert (first.midi, second.midi) == pytest.approx((69, 64.02), abs=0.05)


@pytest.fixture(scope="module")
def performances(notes_folder):
    """The folder of rendered performances, and their notes by name."""
    gm = notes_folder.parent / "gm"
    if not gm.is_dir():
        pytest.skip(f"needs rendered performances: no folder {gm}")
    return gm, json.loads((gm / "scores.json").read_text())


def right(found, truth):
    """Return the F-score of notes within 50 ms and half a semitone; every note counts once."""
    pairs = 0
    left = list(found)
    for onset, _, midi, _ in truth:
        match = next((n for n in left if abs(n.start - onset) <= 0.05 and abs(n.midi - midi) < 0.5), None)
        if match is not None:
            left.remove(match)
            pairs += 1
    return 2 * pairs / (len(found) + len(truth))


@pytest.mark.parametrize(
    ("instrument", "least"),
    [("flute", 0.95), ("clarinet", 0.98), ("violin", 0.85), ("trumpet", 0.97), ("guitar", 0.97), ("piano", 0.95)],
)
def test_melodies_are_cut_into_the_notes_of_their_score(performances, instrument, least):
    gm, scores = performances
    y, sr = read_audio(gm / instrument / "melody" / "MonogramHornpipe.flac", SR)
    y += 10 ** (-50 / 20) * np.random.default_rng(0).normal(size=len(y)).astype(np.float32)
    assert right(cut_notes(y, sr), scores["melody/MonogramHornpipe"]) >= least


@pytest.mark.parametrize("instrument", ["violin", "piano"])
def test_chorales_are_polyphonic(performances, instrument):
    gm, _ = performances
    cut = cut_recording(*read_audio(gm / instrument / "chorale" / "bwv276.flac", SR))
    kept = sum(note.end - note.start for note in cut.notes)
    assert kept < 0.1 * sum(b - a for a, b in spans(cut, "polyphonic"))


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
