import json

import numpy as np
import pytest

from sktimbre import load, save
from sktimbre.audio import resample, write_audio
from sktimbre.datasets import load_paired_notes, name_of_pitch
from sktimbre.metrics import f0_error, log_spectral_distance, match_pitch, reconstruction_error


@pytest.fixture(scope="module")
def printed(sktimbre, fitted, notes):
    result = sktimbre("evaluate", fitted.path, notes.flute, notes.clarinet, "--duration=0.3", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def held_out(fitted, notes):
    """Return source and target of the note that the model was not trained on, the target at the pitch of the source."""
    pairs = load_paired_notes(notes.flute, notes.clarinet, sr=8000, duration=0.3)
    (chosen,) = np.flatnonzero(np.isin(pairs.pitches, fitted.printed["held_out_pitches"]))
    source, target = (side[[chosen]] for side in (pairs.source, pairs.target))
    return source, match_pitch(target, source, sr=8000, fmax=4000)


def test_numbers_are_the_metrics(printed, fitted, held_out):
    model = load(fitted.path)
    source, target = held_out
    audio = model.predict(source)
    S, T = model.stft_.transform(source), model.stft_.transform(target)
    mean = printed["mean"]
    assert mean["model"]["reconstruction_error"] == pytest.approx(-model.score(source, target), rel=1e-5)
    assert mean["identity"]["reconstruction_error"] == pytest.approx(reconstruction_error(T, S), rel=1e-5)
    assert mean["model"]["log_spectral_distance"] == pytest.approx(log_spectral_distance(target, audio), rel=1e-3)
    cents = f0_error(target, source, sr=8000, fmax=4000)
    assert mean["identity"]["f0_error"] == pytest.approx(cents, rel=1e-3)


def test_oracle_is_the_target_through_the_inverter(printed, fitted, held_out):
    model = load(fitted.path)
    source, target = held_out
    audio = model.inverter_.invert(model.stft_.transform(target), length=source.shape[1])
    oracle = printed["mean"]["phase oracle"]
    assert "reconstruction_error" not in oracle
    assert oracle["log_spectral_distance"] == pytest.approx(log_spectral_distance(target, audio), rel=1e-3)


def test_training_notes_are_left_out(printed, fitted):
    assert [note["pitch"] for note in printed["notes"]] == fitted.printed["held_out_pitches"]
    assert printed["training_notes"] == 5
    assert printed["warnings"] == []
    assert [name.rsplit("/", 1)[-1] for name in printed["unpaired"]] == ["flute.B4.wav"]


@pytest.fixture(scope="module")
def of_strangers(sktimbre, fitted, notes, tmp_path_factory):
    """Evaluate on the notes of a model that does not know what it was trained on."""
    model = load(fitted.path)
    del model.autoencoder_.trained_on_
    path = save(model, tmp_path_factory.mktemp("strange") / "m.sktimbre")
    return [
        sktimbre("evaluate", path, notes.flute, notes.clarinet, "--duration=0.3", *more) for more in ((), ("--json",))
    ]


def test_notes_have_their_own_numbers(of_strangers):
    printed = json.loads(of_strangers[1].stdout)
    assert [note["pitch"] for note in printed["notes"]] == [60, 62, 64, 65, 67, 69]
    each = [note["scores"]["model"]["reconstruction_error"] for note in printed["notes"]]
    assert np.mean(each) == pytest.approx(printed["mean"]["model"]["reconstruction_error"], rel=1e-5)


def test_tables(of_strangers):
    shown = of_strangers[0].stdout
    for part in ("identity", "f0 error, cents", "flute.C4.wav", "Unpaired files, left out"):
        assert part in shown
    # The means come last, where they are seen.
    assert shown.index("Mean of 6 notes") > shown.index("Unpaired files, left out") > shown.index("flute.C4.wav")


def test_training_notes_alone_are_used_with_a_warning(sktimbre, fitted, notes, tmp_path):
    held_out = fitted.printed["held_out_pitches"]
    for folder in (notes.flute, notes.clarinet):
        (tmp_path / folder.name).mkdir()
        for file in folder.iterdir():
            if "B4" not in file.name and all(name_of_pitch(pitch) not in file.name for pitch in held_out):
                (tmp_path / folder.name / file.name).write_bytes(file.read_bytes())
    result = sktimbre("evaluate", fitted.path, tmp_path / "flute", tmp_path / "clarinet", "--duration=0.3", "--json")
    printed = json.loads(result.stdout)
    assert len(printed["notes"]) == printed["training_notes"] == 5
    assert "trained on all of these notes" in printed["warnings"][0]


def test_silent_notes_are_left_out_by_name(sktimbre, fitted, notes, tmp_path):
    for folder in (notes.flute, notes.clarinet):
        (tmp_path / folder.name).mkdir()
        file = next(folder.glob("*.C4.*"))
        (tmp_path / folder.name / file.name).write_bytes(file.read_bytes())
        write_audio(tmp_path / folder.name / "D4.wav", np.zeros(4000), 8000)
    result = sktimbre("evaluate", fitted.path, tmp_path / "flute", tmp_path / "clarinet", "--duration=0.3", "--json")
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    (note,) = printed["notes"]
    assert note["scores"]["model"]["f0_error"] is not None
    assert [file.rsplit("/", 2)[1:] for file in printed["unpaired"]] == [["flute", "D4.wav"], ["clarinet", "D4.wav"]]
    assert sum("D4.wav is silent" in warning for warning in printed["warnings"]) == 2


def test_a_model_is_judged_at_the_pitch_that_it_has_learnt(sktimbre, fitted, notes, tmp_path):
    """The targets are 30 cents flat: a model that keeps the pitch of the source is not compared with that."""
    flat = tmp_path / "flat"
    flat.mkdir()
    pairs = load_paired_notes(notes.flute, notes.clarinet, sr=8000, duration=0.3)
    for file, y in zip(pairs.target_files, pairs.target, strict=True):
        write_audio(flat / file.name, resample(y, 8000, round(8000 * 2 ** (30 / 1200))), 8000)
    errors = {}
    for tuning in ("source", "target"):
        model = load(fitted.path)
        model.autoencoder_.tuning = tuning
        path = save(model, tmp_path / f"{tuning}.sktimbre")
        result = sktimbre("evaluate", path, notes.flute, flat, "--duration=0.3", "--json")
        errors[tuning] = json.loads(result.stdout)["mean"]["identity"]["f0_error"]
    assert errors["source"] < 5
    assert errors["target"] == pytest.approx(30, abs=5)
