"""A model without a network, and recordings."""

import numpy as np
import pytest

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, TimbreTransfer
from sktimbre.audio import write_audio
from sktimbre.baselines import IdentityBaseline
from sktimbre.datasets import make_paired_notes


@pytest.fixture(scope="session")
def pairs():
    return make_paired_notes(4, duration=0.3, random_state=0)


@pytest.fixture(scope="session")
def unchanging(pairs):
    """A model that returns the source itself."""
    model = TimbreTransfer(LogSTFT(n_fft=256), IdentityBaseline(), GriffinLimInverter(n_iter=0), phase="source")
    return model.fit(pairs.source, pairs.target)


@pytest.fixture(scope="session")
def unchanging_path(unchanging, tmp_path_factory):
    return sktimbre.save(unchanging, tmp_path_factory.mktemp("model") / "unchanging.sktimbre")


@pytest.fixture
def noise(tmp_path):
    """Write a recording of noise, which no codec makes small."""

    def write(name, seconds=1.0, sr=22050):
        y = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * sr)).astype(np.float32)
        write_audio(tmp_path / name, y, sr)
        return tmp_path / name

    return write
