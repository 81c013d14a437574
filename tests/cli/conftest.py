"""Notes, models and recordings that the tests of the command share; everything is tiny."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from sktimbre.audio import write_audio
from sktimbre.cli import app
from sktimbre.datasets import make_paired_notes

# Few bins, few weights, one epoch.
TINY = ["--sr=8000", "--n-fft=128", "--architecture=shallow", "--filters=2", "--epochs=2", "--duration=0.3"]
TINY += ["--iterations=2", "--seed=0"]


@pytest.fixture(scope="session")
def sktimbre():
    """Run a command line in this process."""

    def run(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert "Traceback" not in result.stderr
        return result

    return run


@pytest.fixture(scope="session")
def fit(sktimbre):
    """Run `sktimbre fit` with tiny settings."""
    return lambda *arguments: sktimbre("fit", *arguments, *TINY)


@pytest.fixture(scope="session")
def notes(tmp_path_factory):
    """Two folders of notes: six pairs, one more flute."""
    root = tmp_path_factory.mktemp("notes")
    pairs = make_paired_notes(pitches=[60, 62, 64, 65, 67, 69, 71], duration=0.4, sr=8000)
    sides = SimpleNamespace(flute=root / "flute", clarinet=root / "clarinet")
    for folder, audio, files, n_notes in (
        (sides.flute, pairs.source, pairs.source_files, 7),
        (sides.clarinet, pairs.target, pairs.target_files, 6),
    ):
        folder.mkdir()
        for note, file in list(zip(audio, files, strict=True))[:n_notes]:
            write_audio(folder / file.name, note, pairs.sr)
    return sides


@pytest.fixture(scope="session")
def fitted(fit, notes, tmp_path_factory):
    """A model that `sktimbre fit` wrote, and what it printed as JSON."""
    path = tmp_path_factory.mktemp("model") / "tiny.sktimbre"
    result = fit(notes.flute, notes.clarinet, "-o", path, "--json")
    assert result.exit_code == 0, result.stderr
    return SimpleNamespace(path=path, printed=json.loads(result.stdout), stderr=result.stderr)


@pytest.fixture(scope="session")
def unchanging(tmp_path_factory) -> Path:
    """A model that returns the source itself, so that every sample of a conversion can be checked."""
    from sktimbre import GriffinLimInverter, LogSTFT, TimbreTransfer, save
    from sktimbre.baselines import IdentityBaseline

    pairs = make_paired_notes(2, duration=0.3)
    model = TimbreTransfer(
        stft=LogSTFT(n_fft=256), autoencoder=IdentityBaseline(), inverter=GriffinLimInverter(n_iter=0), phase="source"
    )
    path = tmp_path_factory.mktemp("model") / "unchanging.sktimbre"
    return save(model.fit(pairs.source, pairs.target), path)


@pytest.fixture(scope="session")
def tones():
    """Audio of shape (n_channels, n_samples): a slowly changing tone, another in each channel."""

    def make(duration, sr, n_channels=1, midi=69):
        time = np.arange(round(duration * sr)) / sr
        swell = 0.4 + 0.2 * np.sin(2 * np.pi * 0.3 * time)
        return np.stack(
            [swell * np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * (c + 1) * time) for c in range(n_channels)]
        )

    return make
