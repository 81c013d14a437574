import json

import numpy as np
import pytest

from sktimbre import load, save
from sktimbre.audio import resample, write_audio
from sktimbre.datasets import load_paired_notes
from sktimbre.metrics import f0_error, log_spectral_distance, match_pitch, reconstruction_error


@pytest.fixture(scope="module")
def printed(sktimbre, fitted, notes):
    result = sktimbre("evaluate", fitted.path, notes.flute, notes.clarinet, "--duration=0.3", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_numbers_are_the_metrics(printed, fitted, notes):
    model = load(fitted.path)
    pairs = load_paired_notes(notes.flute, notes.clarinet, sr=8000, duration=0.3)
    audio = model.predict(pairs.source)
    # The model keeps the pitch of the source, so its targets are brought to that pitch.
    target = match_pitch(pairs.target, pairs.source, sr=8000, fmax=4000)
    S, T = model.stft_.transform(pairs.source), model.stft_.transform(target)
    mean = printed["mean"]
    assert mean["model"]["reconstruction_error"] == pytest.approx(-model.score(pairs.source, target), rel=1e-5)
    assert mean["identity"]["reconstruction_error"] == pytest.approx(reconstruction_error(T, S), rel=1e-5)
    assert mean["model"]["log_spectral_distance"] == pytest.approx(log_spectral_distance(target, audio), rel=1e-3)
    cents = f0_error(target, pairs.source, sr=8000, fmax=4000)
    assert mean["identity"]["f0_error"] == pytest.approx(cents, rel=1e-3)


def test_oracle_is_the_target_through_the_inverter(printed, fitted, notes):
    model = load(fitted.path)
    pairs = load_paired_notes(notes.flute, notes.clarinet, sr=8000, duration=0.3)
    target = match_pitch(pairs.target, pairs.source, sr=8000, fmax=4000)
    audio = model.inverter_.invert(model.stft_.transform(target), length=pairs.source.shape[1])
    oracle = printed["mean"]["phase oracle"]
    assert "reconstruction_error" not in oracle
    assert oracle["log_spectral_distance"] == pytest.approx(log_spectral_distance(target, audio), rel=1e-3)


def test_notes_have_their_own_numbers(printed):
    notes = printed["notes"]
    assert [note["pitch"] for note in notes] == [60, 62, 64, 65, 67, 69]
    each = [note["scores"]["model"]["reconstruction_error"] for note in notes]
    assert np.mean(each) == pytest.approx(printed["mean"]["model"]["reconstruction_error"], rel=1e-5)
    assert [name.rsplit("/", 1)[-1] for name in printed["unpaired"]] == ["flute.B4.wav"]


def test_tables(sktimbre, fitted, notes):
    result = sktimbre("evaluate", fitted.path, notes.flute, notes.clarinet, "--duration=0.3")
    assert result.exit_code == 0
    for part in ("Mean of 6 notes", "identity", "f0 error, cents", "flute.C4.wav", "Unpaired files, left out"):
        assert part in result.stdout


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
