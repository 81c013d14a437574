"""The most likely mistakes: each message says what is wrong and how to go on, and nothing is written."""

import pickle

import numpy as np
import pytest

from sktimbre.audio import write_audio

MISTAKES = {
    "one folder twice": (
        ["fit", "{flute}", "{flute}", "-o", "{new}"],
        2,
        ["SOURCE and TARGET are both", "give the notes of two instruments"],
    ),
    "source and target swapped": (
        ["evaluate", "{model}", "{clarinet}", "{flute}"],
        2,
        ["SOURCE and TARGET are swapped", "in the order that they had in `sktimbre fit`"],
    ),
    "folder without sound": (
        ["fit", "{empty}", "{flute}", "-o", "{new}"],
        1,
        ["holds no sound files", ".flac", "Check"],
    ),
    "folder of folders": (
        ["fit", "{outer}", "{flute}", "-o", "{new}"],
        1,
        ["Folders inside it", "give {outer}/inner, or recursive=True (--recursive)"],
    ),
    "no common pitch": (
        ["fit", "{low}", "{clarinet}", "-o", "{new}"],
        1,
        ["(MIDI 36 to 36)", "(MIDI 60 to 69)", "Check the folders and the pitches", "`sktimbre pairs`"],
    ),
    "names without pitches": (
        ["fit", "{unnamed}", "{clarinet}", "-o", "{new}"],
        1,
        ["tone.wav' does not tell the pitch", "--pitches heard"],
    ),
    "names that do not sound so": (
        ["fit", "{wrong}", "{clarinet}", "-o", "{new}"],
        1,
        ["F2.wav has the note name F2 and sounds like A4", "--pitches heard", "--misfits keep"],
    ),
    "recording before model": (
        ["convert", "{sound}", "{model}", "-o", "{new}"],
        1,
        ["is a sound file, but the first argument must be a model", "`sktimbre convert MODEL FILE -o FOLDER`"],
    ),
    "pickle for a model": (
        ["report", "{pickle}", "{flute}", "{clarinet}", "-o", "{new}"],
        1,
        ["is a pickle", "sktimbre.save"],
    ),
    "pickle to look at": (["info", "{pickle}"], 1, ["is a pickle", "sktimbre.save"]),
    "folder for a model": (["evaluate", "{flute}", "{clarinet}", "{model}"], 1, ["is a folder; give the model"]),
    "file for a folder": (
        ["convert", "{model}", "{sound}", "-o", "{model}"],
        2,
        ["is a file; give a folder to write to"],
    ),
    "folder for a file": (
        ["fit", "{flute}", "{clarinet}", "-o", "{empty}"],
        1,
        ["is a folder; give the name of a file in it"],
    ),
    "model exists": (["fit", "{flute}", "{clarinet}", "-o", "{model}"], 1, ["exists; pass --overwrite to replace it"]),
    "unknown format": (
        ["convert", "{model}", "{sound}", "-o", "{new}", "--format=flack"],
        2,
        ["--format flack", "choose one of wav,", "Did you mean flac?"],
    ),
    "mistyped architecture": (
        ["fit", "{flute}", "{clarinet}", "-o", "{new}", "--architecture=resdual"],
        2,
        ["--architecture=resdual", "Did you mean residual?"],
    ),
    "mistyped preset": (
        ["fit", "{flute}", "{clarinet}", "-o", "{new}", "--preset=drat"],
        2,
        ["--preset=drat is unknown; there are draft, quality, thesis. Did you mean draft?"],
    ),
    "folders with spaces": (
        ["fit", "{root}/My", "Samples", "{clarinet}", "-o", "{new}"],
        2,
        ["Names with spaces need quotes: '{root}/My Samples'"],
    ),
    "recording with spaces": (
        ["convert", "{model}", "{root}/Voice", "memo", "3.wav", "-o", "{new}"],
        1,
        ["Names with spaces need quotes: '{root}/Voice memo 3.wav'"],
    ),
    "sound file for the folder": (
        ["convert", "{model}", "{flute}", "-o", "{root}/out.wav"],
        2,
        ["out.wav is the name of one sound file; give a folder"],
    ),
    "folder in a file": (
        ["convert", "{model}", "{sound}", "-o", "{sound}/out", "--dry-run"],
        2,
        ["--output {sound}/out: {sound} is a file; give a folder to write to."],
    ),
    "folder without recordings": (
        ["convert", "{model}", "{empty}", "-o", "{new}"],
        1,
        ["holds no recordings", "Check the name."],
    ),
    "folder of folders of recordings": (["convert", "{model}", "{outer}", "-o", "{new}"], 1, ["--recursive"]),
    "mistyped option": (["fit", "{flute}", "{clarinet}", "-o", "{new}", "--architectur=unet"], 2, ["--architecture"]),
    "missing name": (["convert", "{new}", "{sound}", "-o", "{new}"], 1, ["does not exist; check the name"]),
}


@pytest.fixture(scope="module")
def places(notes, fitted, tones, tmp_path_factory):
    root = tmp_path_factory.mktemp("mistakes")
    found = {name: root / name for name in ("empty", "outer", "low", "unnamed", "wrong", "new")}
    (found["outer"] / "inner").mkdir(parents=True)
    for name in ("empty", "low", "unnamed", "wrong"):
        found[name].mkdir()
    found |= {"sound": root / "melody.wav", "pickle": root / "model.pkl"}
    for file in (
        found["outer"] / "inner" / "C4.wav",
        found["wrong"] / "F2.wav",
        found["unnamed"] / "tone.wav",
        found["sound"],
        root / "My Samples" / "C4.wav",
        root / "Voice memo 3.wav",
    ):
        file.parent.mkdir(exist_ok=True)
        write_audio(file, tones(0.4, 8000), 8000)
    write_audio(found["low"] / "C2.wav", tones(0.4, 8000, midi=36), 8000)
    found["pickle"].write_bytes(pickle.dumps({"weights": [1.0]}))
    return {**found, "root": root, "flute": notes.flute, "clarinet": notes.clarinet, "model": fitted.path}


@pytest.mark.parametrize("name", MISTAKES)
def test_message_says_how_to_go_on(sktimbre, places, name):
    arguments, code, parts = MISTAKES[name]
    result = sktimbre(*(argument.format(**places) for argument in arguments))
    assert (result.exit_code, result.stdout) == (code, "")
    assert all(part.format(**places) in result.stderr for part in parts), result.stderr
    assert not places["new"].exists()


def test_what_looks_like_a_mistake_but_works(sktimbre, fit, fitted, tones, tmp_path):
    """Notes of other durations, rates and numbers of channels; recordings shorter than a window of the transform."""
    for side, durations in (("flute", (0.2, 0.9)), ("clarinet", (0.5, 0.1))):
        (tmp_path / side).mkdir()
        for pitch, midi, duration in zip(("C4", "D4"), (60, 62), durations, strict=True):
            write_audio(tmp_path / side / f"{pitch}.wav", tones(duration, 11025, 2, midi), 11025)
    assert fit(tmp_path / "flute", tmp_path / "clarinet", "-o", tmp_path / "m.sktimbre").exit_code == 0
    write_audio(tmp_path / "short.wav", np.full(10, 0.1), 8000)
    assert sktimbre("convert", fitted.path, tmp_path / "short.wav", "-o", tmp_path / "out").exit_code == 0
