"""Exported models: the files alone give what the package gives."""

import copy
import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from scipy.io import wavfile
from sklearn.linear_model import Ridge
from typer.testing import CliRunner

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.autoencoder.graph.session import complete_model
from sktimbre.cli.app import app
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import PersistenceError
from sktimbre.metrics import log_spectral_distance


@pytest.fixture(scope="module")
def notes():
    return make_paired_notes(4, duration=0.7, random_state=0)


def network(**given):
    return TimbreAutoencoder(**{"filters": 4, "epochs": 2, "validation_split": 0, "random_state": 0, **given})


@pytest.fixture(
    scope="module",
    params=[
        ({}, {}, {}),
        ({"n_fft": 512, "hop_length": 128, "win_length": 400, "window": "hamming"}, {"filters": 3}, {"n_iter": 5}),
        pytest.param(
            (
                {},
                {"architecture": "dilated_residual", "normalize_level": False, "augment": False},
                {"algorithm": "fgla", "n_iter": 8},
            ),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["defaults", "other STFT", "thesis"],
)
def model(request, notes):
    stft, autoencoder, inverter = request.param
    transfer = TimbreTransfer(LogSTFT(**stft), network(**autoencoder), GriffinLimInverter(**inverter))
    return transfer.fit(notes.source, notes.target)


# Only what the page names may be imported.
ALONE = """
import sys, numpy as np
sys.path.insert(0, sys.argv[1])
import convert
from pathlib import Path
x = np.load(sys.argv[2])
settings = convert.json.loads((Path(sys.argv[1]) / "settings.json").read_text())
source = np.log1p(np.abs(convert.STFT(**settings["stft"]).spectra(x)))
np.savez(sys.argv[3], audio=convert.convert(x), network=convert.predicted(source, Path(sys.argv[1]), settings))
assert not {"sktimbre", "keras", "librosa", "sklearn", "onnx"} & set(sys.modules)
"""


def check_files_alone(model, notes, tmp_path):
    """Check that the files give the audio of predict, in a process that imports nothing else."""
    sktimbre.export(model, tmp_path / "exported")
    x = np.concatenate([notes.source[0], np.zeros(6000, np.float32), notes.source[2][:-333]])
    np.save(tmp_path / "x.npy", x)
    command = [sys.executable, "-c", ALONE, tmp_path / "exported", tmp_path / "x.npy", tmp_path / "y.npz"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    with np.load(tmp_path / "y.npz") as found:
        audio, spectra = found["audio"], found["network"]
    S = model.stft_.transform(x[np.newaxis])
    np.testing.assert_allclose(spectra, model.autoencoder_.predict(S)[0], atol=2e-3)
    expected = model.predict(x[np.newaxis])[0]
    assert audio.shape == expected.shape
    # Phases may differ by a turn here and there; what one hears may not.
    mine, theirs = model.stft_.transform(np.stack([audio, expected]))
    silence, _ = model.stft_.transform(np.stack([0 * audio, expected]))
    assert np.mean((mine - theirs) ** 2) < 0.02 * np.mean((silence - theirs) ** 2)
    assert log_spectral_distance(theirs[np.newaxis], mine[np.newaxis]) < 2.0
    assert np.abs(audio[len(notes.source[0]) + 4500 : len(notes.source[0]) + 5300]).max() < 1e-3


def test_the_files_alone_give_the_audio_of_predict(model, notes, tmp_path):
    check_files_alone(model, notes, tmp_path)


@pytest.fixture(scope="module")
def default(notes):
    return TimbreTransfer(autoencoder=network()).fit(notes.source, notes.target)


@pytest.mark.parametrize(
    "settings",
    [
        {"transpose": 7, "amount": 0.6, "keep_noise": 0.8},
        pytest.param({"transpose": -12, "noise": 0, "loudness": 0}, marks=pytest.mark.slow),
        {"mix": 0.4, "amount": 0.9},
        pytest.param({"amount": 0}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_so_do_those_with_other_settings(default, settings, notes, tmp_path):
    check_files_alone(copy.copy(default).set_params(**settings), notes, tmp_path)


def test_the_network_is_a_checked_model_with_its_weights(model, tmp_path):
    folder = sktimbre.export(model, tmp_path / "exported")
    proto = onnx.load(folder / "network.onnx")
    onnx.checker.check_model(proto, full_check=True)
    assert [value.name for value in (*proto.graph.input, *proto.graph.output)] == ["spectra", "output"]
    assert json.loads((folder / "settings.json").read_text())["sr"] == 22050
    page = (folder / "README.md").read_text()
    assert f"(notes, {model.stft_.geometry.n_frequencies}, frames, 1)" in page
    assert "{" not in page


def test_constants_that_are_mostly_zeros_are_stored_sparsely(default, tmp_path):
    network = default.autoencoder_.network_
    whole = complete_model(network.graph, network.weights, network.n_frequencies).SerializeToString()
    exported = (sktimbre.export(default, tmp_path / "exported") / "network.onnx").read_bytes()
    # The combs of the pitches have 2.9 MB, a fourteenth of which is not zero.
    assert len(exported) < len(whole) - 2_000_000
    x = 3 * np.random.default_rng(0).random((1, network.n_frequencies, 40, 1), np.float32)
    outputs = [onnxruntime.InferenceSession(data).run(None, {"spectra": x})[0] for data in (whole, exported)]
    np.testing.assert_array_equal(*outputs)


def test_the_program_converts_a_file(model, notes, tmp_path):
    folder = sktimbre.export(model, tmp_path / "exported")
    pcm = (notes.source[0] * 32767).astype(np.int16)
    wavfile.write(tmp_path / "in.wav", 22050, np.stack([pcm, pcm], axis=1))
    command = [sys.executable, folder / "convert.py", tmp_path / "in.wav", tmp_path / "out.wav"]
    subprocess.run(command, check=True, capture_output=True)
    sr, y = wavfile.read(tmp_path / "out.wav")
    assert (sr, len(y)) == (22050, len(pcm))
    assert 0.01 < np.abs(y).max() < 1.5
    # Of 8 bits samples are unsigned, around 128; silence is silence.
    wavfile.write(tmp_path / "in.wav", 22050, np.full(22050, 128, np.uint8))
    subprocess.run(command, check=True, capture_output=True)
    assert not wavfile.read(tmp_path / "out.wav")[1].any()
    wavfile.write(tmp_path / "in.wav", 44100, pcm)
    refused = subprocess.run(command, capture_output=True, text=True)
    assert "resample it to 22050 Hz" in refused.stderr


def test_what_cannot_be_exported_is_named(notes, tmp_path):
    X, y = notes.source, notes.target
    given = {
        "phase='estimate'": TimbreTransfer(autoencoder=network(), phase="source"),
        "a TimbreAutoencoder": TimbreTransfer(autoencoder=Ridge()),
        "center=True": TimbreTransfer(LogSTFT(center=False), autoencoder=network()),
        "init='pghi'": TimbreTransfer(autoencoder=network(), inverter=GriffinLimInverter(init="random")),
        "algorithm": TimbreTransfer(autoencoder=network(), inverter=GriffinLimInverter(algorithm="admm")),
    }
    for named, model in given.items():
        with pytest.raises(PersistenceError, match=named):
            sktimbre.export(model.fit(X, y), tmp_path / "exported")
    with pytest.raises(PersistenceError, match="LogSTFT cannot be exported"):
        sktimbre.export(LogSTFT(), tmp_path / "exported")
    assert not (tmp_path / "exported").exists()


def test_nothing_is_overwritten_without_being_asked(model, tmp_path):
    folder = tmp_path / "exported"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    with pytest.raises(PersistenceError, match=r"README.md exists; pass overwrite=True"):
        sktimbre.export(model, folder)
    assert [file.name for file in folder.iterdir()] == ["README.md"]
    sktimbre.export(model, folder, overwrite=True)
    assert (folder / "README.md").read_text() != "mine"
    with pytest.raises(PersistenceError, match="cannot be written"):
        sktimbre.export(model, tmp_path / "no" / "folder")


def test_the_command(model, tmp_path):
    sktimbre.save(model, tmp_path / "m.sktimbre")
    command = ["export", str(tmp_path / "m.sktimbre"), "-o", str(tmp_path / "exported")]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    files = json.loads(done.stdout)["files"]
    assert sorted(files) == ["README.md", "convert.py", "network.onnx", "settings.json"]
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 1
    assert "--overwrite" in again.output


def test_parameters_of_numpy_types(notes, tmp_path):
    inverter = GriffinLimInverter(n_iter=np.int64(5), momentum=np.float32(0.5))
    given = TimbreTransfer(autoencoder=network(), inverter=inverter, sr=np.int64(22050), transpose=np.int64(2))
    folder = sktimbre.export(given.fit(notes.source, notes.target), tmp_path / "exported")
    settings = json.loads((folder / "settings.json").read_text())
    assert (settings["sr"], settings["transpose"]) == (22050, 2)


def test_settings_of_the_command_are_exported(default, tmp_path):
    sktimbre.save(default, tmp_path / "m.sktimbre")
    command = ["export", tmp_path / "m.sktimbre", "-o", tmp_path / "out", "--transpose", 5, "--mix", 0.25]
    done = CliRunner().invoke(app, [str(each) for each in command])
    assert done.exit_code == 0, done.output
    settings = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert (settings["transpose"], settings["mix"], settings["amount"]) == (5, 0.25, 1)
