"""Models that come with the package: their cards tell the truth, they run by their names, and they stay small."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sktimbre import LogSTFT, models
from sktimbre.audio import read_audio, write_audio
from sktimbre.cli.app import app
from sktimbre.exceptions import ParameterError
from sktimbre.metrics import f0_error

NAMES = models.names()


def tone(f0, sr, seconds=1.0):
    t = np.arange(int(seconds * sr)) / sr
    return (0.2 * sum(0.6**k * np.sin(2 * np.pi * (k + 1) * f0 * t) for k in range(8))).astype(np.float32)


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_there_are_models_and_they_are_small():
    assert "to-clarinet" in NAMES
    assert sum(models.path(name).stat().st_size for name in NAMES) < 16e6


@pytest.mark.parametrize("name", NAMES)
def test_cards_are_complete(name):
    card = models.card(name)
    assert card.name == f"to-{card.target}" == name
    assert len(card.sources) > 1
    assert card.target not in card.sources
    assert 20 < card.pitches[0] < card.pitches[1] < 110
    for material in card.material:
        assert material["licence"]
        assert material["url"].startswith("https://")
    for errors in card.errors.values():
        assert 0 < errors["melodies"] < 1
    assert "sktimbre fit " in card.command
    assert f"-o {name}.sktimbre" in card.command
    assert card.limits
    assert models.load(name).sr == card.sr


def loudest(y):
    """Return the level of the loudest tenth of a second within the first half."""
    return max(np.sqrt(np.mean(part**2)) for part in np.split(y[0, : 5 * 4410], 5))


@pytest.mark.parametrize("name", NAMES)
def test_pitch_is_kept_and_half_precision_is_read_as_single(name):
    model = models.load(name)
    x = tone(440, model.sr)[np.newaxis]
    y = model.predict(x)
    assert f0_error(x, y, sr=model.sr, statistic="median") < 10
    # Plucked and struck tones die away, so their beginnings are compared.
    level = 20 * np.log10(loudest(y) / loudest(x))
    assert abs(level) < 10
    assert {w.dtype for w in model.autoencoder_.network_.weights} == {np.dtype(np.float32)}
    with zipfile.ZipFile(models.path(name)) as archive:
        stored = {np.load(archive.open(member)).dtype for member in archive.namelist() if member.endswith(".npy")}
    assert np.dtype(np.float16) in stored
    assert np.dtype(np.float64) not in stored


def test_unknown_names_are_refused():
    with pytest.raises(ParameterError, match=r"No model 'to-kazoo' comes with this package; there are .*to-clarinet"):
        models.load("to-kazoo")


def test_a_name_in_place_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sr = models.card("to-clarinet").sr
    write_audio("tone.wav", tone(330, sr, 0.5), sr, subtype="FLOAT")
    done = run("convert", "to-clarinet", "tone.wav", "--quiet")
    assert done.exit_code == 0, done.output
    converted, _ = read_audio("to-clarinet/tone.wav")
    model = models.load("to-clarinet")
    expected = np.concatenate(list(model.predict_blocks([read_audio("tone.wav")[0]])))
    np.testing.assert_allclose(converted, expected, atol=1e-4)
    facts = json.loads(run("info", "to-clarinet", "--json").stdout)
    assert facts["sr"] == sr
    missing = run("convert", "to-clarinett", "tone.wav")
    assert missing.exit_code == 1
    assert "to-clarinett does not exist" in missing.output
    assert "Did you mean to-clarinet?" in missing.output


def test_a_file_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("to-clarinet").write_text("no model")
    assert "is not a sound file" in run("info", "to-clarinet").output
    assert "damaged" in run("convert", "to-clarinet", "to-clarinet", "-o", "out").output


def test_models_are_listed_and_described():
    listed = json.loads(run("models", "--json").stdout)["models"]
    assert [each["name"] for each in listed] == NAMES
    text = run("models", "to-clarinet").output
    assert "MIT" in text
    assert "sktimbre fit" in text.replace("\n", " ")
    assert run("models", "to-kazoo").exit_code == 2


def test_a_model_that_ships_needs_no_keras():
    code = (
        "import sys, numpy as np; from sktimbre import models; m = models.load('to-clarinet');"
        "m.predict([np.zeros(9000, np.float32)]); print({'keras', 'tensorflow', 'skops'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_error_on_the_card(name, notes_folder):
    """One melody of the first source: about as far from the target as the card says of all six."""
    card, model = models.card(name), models.load(name)
    source = next(iter(card.errors))
    tune = "melody/MonogramHornpipe.flac"
    x, y = (read_audio(notes_folder.parent / "gm" / side / tune, model.sr)[0] for side in (source, card.target))
    n = min(len(x), len(y), 6 * model.sr)
    X, T = LogSTFT(n_fft=2048).transform(np.stack([x[:n], y[:n]]))
    (P,) = model.predict_spectra([x[:n]])
    error = np.mean((P - T) ** 2) / np.mean((X - T) ** 2)
    assert error < 1.6 * card.errors[source]["melodies"]
