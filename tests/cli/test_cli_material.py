"""Recordings of music on the command line: recognised, told, reported, learnt from."""

import json

import numpy as np
import pytest

from sktimbre.audio import write_audio
from sktimbre.datasets import make_paired_notes

SR = 8000
TUNES = {"a": [60, 64, 67, 64, 62, 65, 60], "b": [64, 60, 62, 67, 65, 62, 64, 60]}


@pytest.fixture(scope="module")
def playing(tmp_path_factory):
    """Folders of recordings: a flute's tune a, a clarinet's tune a, slower, and its tune b."""
    root = tmp_path_factory.mktemp("playing")
    for name, side, tune, seconds in (
        ("flute/one.wav", "source", "a", 0.3),
        ("clarinet/zwei.wav", "target", "a", 0.4),
        ("others/drei.wav", "target", "b", 0.3),
    ):
        notes = make_paired_notes(pitches=sorted(set(TUNES[tune])), duration=seconds, sr=SR, random_state=0)
        by_pitch = dict(zip(notes.pitches.tolist(), notes[side], strict=True))
        file = root / name
        file.parent.mkdir()
        write_audio(file, np.concatenate([np.zeros(SR // 10), *(by_pitch[p] for p in TUNES[tune])]), SR)
    return root


def printed(result):
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_the_material_is_recognised_and_can_be_told(sktimbre, playing):
    takes = printed(sktimbre("pairs", playing / "flute", playing / "clarinet", "--json"))
    assert takes["material"] == "same-piece"
    assert takes["takes"] == [[str(playing / "flute/one.wav"), str(playing / "clarinet/zwei.wav")]]
    assert [row["pitch"] for row in takes["notes"] if row["side"] == "source"] == TUNES["a"]
    assert [row["pitch"] for row in takes["notes"] if row["side"] == "target"] == TUNES["a"]
    other = printed(sktimbre("pairs", playing / "flute", playing / "others", "--json"))
    assert (other["material"], other["takes"]) == ("playing", [])
    told = printed(sktimbre("pairs", playing / "flute", playing / "clarinet", "--material", "playing", "--json"))
    assert (told["material"], told["takes"]) == ("playing", [])
    result = sktimbre("pairs", playing / "flute", playing / "others", "--material", "same-piece")
    assert result.exit_code == 1
    assert "No recordings of both sides are of one piece" in result.stderr


def test_pairs_of_recordings_are_shown_and_drawn(sktimbre, playing, tmp_path):
    result = sktimbre("pairs", playing / "flute", playing / "clarinet", "--rolls", tmp_path / "rolls")
    assert result.exit_code == 0, result.stderr
    for text in ("takes of one piece, aligned: 1", "Seconds of the source in pairs", "7", "C4 to G4"):
        assert text in result.stdout
    pictures = sorted(file.relative_to(tmp_path / "rolls").as_posix() for file in tmp_path.rglob("*.png"))
    assert pictures == ["source/one.wav.png", "target/zwei.wav.png"]
    again = sktimbre("pairs", playing / "flute", playing / "clarinet", "--rolls", tmp_path / "rolls")
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr


def test_one_pitch_is_told_as_one(sktimbre, tones, tmp_path):
    for side in ("a", "b"):
        write_audio(tmp_path / f"{side}.wav", tones(0.5, SR, midi=67), SR)
    shown = sktimbre("pairs", tmp_path / "a.wav", tmp_path / "b.wav", "--material", "playing")
    assert "1 pair of 1 pitch; 0 files without a partner." in shown.stdout
    assert "G4 to G4" not in shown.stdout
    assert "without none" not in shown.stdout


def test_options_that_the_material_does_not_have_are_refused(sktimbre, playing, notes, tmp_path):
    sides = (playing / "flute", playing / "clarinet")
    for arguments, message in (
        ((*sides, "--material", "playing", "--source-pitches", "heard"), "source_pitches='heard' is for single notes"),
        ((*sides, "--material", "music"), "'music'"),
        ((notes.flute, notes.clarinet, "--rolls", tmp_path / "rolls"), "these are single notes"),
    ):
        result = sktimbre("pairs", *arguments)
        assert result.exit_code == 2, result.stdout
        assert message in " ".join(result.stderr.split())
    assert not list(tmp_path.iterdir())


def test_pictures_are_checked_before_anything_is_written(sktimbre, playing, tmp_path):
    (tmp_path / "file").write_text("")
    told = sktimbre(
        "pairs", playing / "flute", playing / "others", "--rolls", tmp_path / "file/x", "--csv", tmp_path / "t.csv"
    )
    assert (told.exit_code, "is a file; give a folder" in " ".join(told.stderr.split())) == (2, True)
    sides = (playing / "flute", playing / "more/flute", "--to", playing / "others", "--rolls", tmp_path / "rolls")
    (playing / "more/flute").mkdir(parents=True, exist_ok=True)
    (playing / "more/flute/one.wav").write_bytes((playing / "flute/one.wav").read_bytes())
    told = sktimbre("pairs", *sides)
    assert told.exit_code == 0, told.stderr
    pictures = {file.relative_to(tmp_path / "rolls").as_posix() for file in tmp_path.rglob("*.png")}
    assert pictures == {"source/1-flute/one.wav.png", "source/2-flute/one.wav.png", "target/drei.wav.png"}
    told = sktimbre("pairs", *sides, "--csv", tmp_path / "t.csv")
    assert (told.exit_code, "--overwrite" in told.stderr) == (1, True)
    assert not (tmp_path / "t.csv").exists()


def test_music_that_is_no_material_is_named(sktimbre, playing, tmp_path):
    """Several voices, playing as single notes, and tunes among single notes."""
    t = np.arange(8 * SR) / SR
    chord = sum(np.sin(2 * np.pi * hertz * k * t) / k for hertz in (262, 334, 396, 509) for k in (1, 2, 3))
    for side in ("x", "y"):
        (tmp_path / side).mkdir()
        write_audio(tmp_path / side / f"{side}-chorale.wav", 0.1 * chord, SR)
    for arguments, words in (
        ((tmp_path / "x", tmp_path / "y"), "source: most files, such as x-chorale.wav, are music of several voices"),
        ((playing / "flute", playing / "others", "--material", "notes"), "one.wav sounds like a recording of music"),
        ((playing / "flute", playing / "others", "--pitches", "heard"), "recordings of music need material='playing'"),
    ):
        result = sktimbre("pairs", *arguments)
        assert words in " ".join(result.stderr.split())


def test_a_tune_among_single_notes_is_left_out_with_the_cure(sktimbre, playing, notes, tmp_path):
    for file in (*notes.flute.iterdir(), playing / "flute/one.wav"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    result = sktimbre("pairs", tmp_path, notes.clarinet, "--source-pitches", "heard")
    assert result.exit_code == 0, result.stderr
    assert "recordings of music need material='playing' (--material playing)" in " ".join(result.stderr.split())


def test_trimming_does_not_turn_off_the_recognition(sktimbre, fit, playing, notes, tmp_path):
    result = fit(playing / "flute", playing / "others", "-o", tmp_path / "m.sktimbre", "--dry-run", "--trim-db", 40)
    assert result.exit_code == 2
    assert "these are recordings of music. Leave out one of them" in " ".join(result.stderr.split())
    told = printed(
        fit(notes.flute, notes.clarinet, "-o", tmp_path / "m.sktimbre", "--dry-run", "--trim-db", 40, "--json")
    )
    assert told["material"] == "notes"


def test_a_model_learns_from_recordings(sktimbre, fit, playing, tmp_path):
    sides, model = (playing / "flute", playing / "clarinet"), tmp_path / "m.sktimbre"
    plan = printed(fit(*sides, "-o", model, "--dry-run", "--json"))
    assert plan["material"] == "same-piece"
    told = printed(fit(*sides, "-o", model, "--json"))
    assert told["material"] == "same-piece"
    assert told["notes"] == len(plan["pairs"]) == 7 + 6  # notes and transitions
    assert told["seconds"]["source"] == pytest.approx(2.2, abs=0.01)
    assert told["gaps"] == [61, 63, 66]
    assert set(told["errors"]) == {"model", "identity", "per-bin linear"}
    judged = printed(sktimbre("evaluate", model, *sides, "--json", "--duration", 0.3))
    assert judged["material"] == "same-piece"
    assert judged["training_notes"] + len(judged["notes"]) == 7
    shown = sktimbre("evaluate", model, *sides, "--duration", 0.3)
    assert "one.wav at " in " ".join(shown.stdout.split())
    page = printed(sktimbre("report", model, *sides, "-o", tmp_path / "page.html", "--json", "--duration", 0.3))
    assert set(page["pitches"]) == set(told["held_out_pitches"])


def test_notes_and_playing_are_paired(sktimbre, playing, notes):
    told = printed(sktimbre("pairs", notes.flute, playing / "others", "--json"))
    assert told["material"] == "playing"
    assert told["missing"] == [69, 71]


def test_the_table_of_notes_can_be_edited(sktimbre, playing, tmp_path):
    table = tmp_path / "pairs.csv"
    sides = (playing / "flute", playing / "clarinet")
    assert sktimbre("pairs", *sides, "--csv", table).exit_code == 0
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(line for line in lines[1:] if ",62," not in line)]))
    told = printed(sktimbre("pairs", *sides, "--pitches", table, "--json"))
    assert told["material"] == "notes"
    assert told["pitches"] == [60, 64, 65, 67]


def test_notes_of_recordings_are_told_with_their_places(sktimbre, playing, tmp_path):
    sides = (playing / "flute", playing / "clarinet")
    planned = printed(sktimbre("fit", *sides, "-o", tmp_path / "m.sktimbre", "--dry-run", "--json"))
    for pair in planned["pairs"]:
        for side in ("source", "target"):
            part = pair[side]
            assert part["duration"] == pytest.approx(part["end"] - part["start"])
    assert len({(pair["source"]["file"], pair["source"]["start"]) for pair in planned["pairs"]}) > 2
