import json

import numpy as np
import pytest

from sktimbre import load, save
from sktimbre.audio import write_audio


def told(sktimbre, file):
    result = sktimbre("info", file, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_sound(sktimbre, tones, tmp_path):
    time = np.arange(11025) / 22050
    write_audio(
        tmp_path / "a.flac",
        np.stack([0.5 * np.cos(2 * np.pi * 441 * time), 0 * time]),
        22050,
    )
    facts = told(sktimbre, tmp_path / "a.flac")
    assert [facts[k] for k in ("sr", "channels", "n_samples", "format", "subtype")] == [
        22050,
        2,
        11025,
        "FLAC",
        "PCM_16",
    ]
    assert facts["duration"] == 0.5
    assert facts["peak"] == pytest.approx(20 * np.log10(0.5), abs=0.01)
    # A sine's RMS lies 3 dB below its peak, and one of two channels is silent.
    assert facts["rms"] == pytest.approx(20 * np.log10(0.25), abs=0.01)
    assert facts["f0"] == pytest.approx(441, abs=0.1)
    assert facts["note"] == "A4"
    assert facts["cents"] == pytest.approx(1200 * np.log2(441 / 440), abs=0.3)
    shown = sktimbre("info", tmp_path / "a.flac").stdout
    assert "-6.0 dBFS" in shown
    assert "A4 +4 cents" in shown


@pytest.mark.parametrize("y", [np.zeros(8000), np.zeros(10)])
def test_silence_and_short_sounds_have_no_pitch(sktimbre, tmp_path, y):
    write_audio(tmp_path / "a.wav", y, 8000)
    facts = told(sktimbre, tmp_path / "a.wav")
    assert facts["peak"] is facts["rms"] is facts["f0"] is facts["note"] is None
    assert "silence" in sktimbre("info", tmp_path / "a.wav").stdout


def test_music_has_a_range_of_pitches(sktimbre, tones, tmp_path):
    notes = [sum(tones(1.0, 8000, midi=midi + above)[0] / 4 for above in (0, 12, 19, 24)) for midi in (60, 64, 67)]
    write_audio(tmp_path / "a.wav", np.concatenate(notes), 8000)
    facts = told(sktimbre, tmp_path / "a.wav")
    assert (facts["f0"], facts["note"], facts["lowest"], facts["highest"]) == (None, None, "C4", "G4")
    assert "C4 to G4" in sktimbre("info", tmp_path / "a.wav").stdout


def test_model(sktimbre, fitted):
    facts, model = told(sktimbre, fitted.path), load(fitted.path)
    network = model.autoencoder_
    assert facts["parameters"] == fitted.printed["parameters"] == network.n_parameters_
    assert facts["bytes"] == fitted.path.stat().st_size
    assert facts["held_out_pitches"] == fitted.printed["held_out_pitches"]
    assert sorted(facts["training_pitches"] + facts["held_out_pitches"]) == [60, 62, 64, 65, 67, 69]
    assert facts["held_out_error"] == network.history_["val_reconstruction_error"][-1]
    assert facts["epochs"] == 2
    field = model.receptive_field_
    assert facts["receptive_field"] == {"milliseconds": field.milliseconds, "hertz": field.hertz}
    assert facts["real_time_factor"] > 0
    assert facts["versions"]
    assert facts["settings"]["TimbreAutoencoder"]["filters"] == 2
    assert facts["settings"]["GriffinLimInverter"]["n_fft"] == 128
    shown = sktimbre("info", fitted.path).stdout
    assert "TimbreAutoencoder filters" in shown
    assert "TimbreAutoencoder depth" not in shown
    assert "Receptive field" in shown


def test_settings_of_the_conversion(sktimbre, fitted, tmp_path):
    save(load(fitted.path).set_params(transpose=-12, mix=0.5), tmp_path / "low.sktimbre")
    settings = told(sktimbre, tmp_path / "low.sktimbre")["settings"]["TimbreTransfer"]
    assert (settings["transpose"], settings["mix"], settings["amount"]) == (-12, 0.5, 1.0)
    shown = sktimbre("info", tmp_path / "low.sktimbre").stdout
    assert "TimbreTransfer transpose" in shown
    assert "TimbreTransfer amount" not in shown


def test_model_without_network(sktimbre, unchanging):
    facts = told(sktimbre, unchanging)
    assert facts["architecture"] == "IdentityBaseline"
    assert facts["epochs"] is facts["receptive_field"] is facts["training_pitches"] is None


def test_other_files(sktimbre, tmp_path):
    (tmp_path / "a.txt").write_text("no sound")
    result = sktimbre("info", tmp_path / "a.txt")
    assert result.exit_code == 1
    assert "a.txt" in result.stderr
    assert sktimbre("info", tmp_path / "missing").exit_code == 1


def test_training_is_forgotten_when_fitted_anew(fitted):
    from sktimbre.cli.comparison import trained_on
    from sktimbre.datasets import make_paired_notes

    model = load(fitted.path)
    assert trained_on(model) is not None
    notes = make_paired_notes(2, duration=0.3, sr=8000)
    model.set_params(autoencoder__epochs=1, autoencoder__validation_split=0.0).fit(notes.source, notes.target)
    assert trained_on(model) is None
