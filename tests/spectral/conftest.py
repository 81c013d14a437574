"""Sounds that the tests of this room share."""

import numpy as np
import pytest

from sktimbre.spectral import threads


@pytest.fixture(scope="session")
def tones():
    """Three decaying harmonic tones of 16000 samples at 22050 Hz, float32."""
    t = np.arange(16000) / 22050
    pitches = 220 * 2 ** (np.arange(3) / 3)
    harmonics = [np.sin(2 * np.pi * k * pitches[:, None] * t) / k for k in range(1, 6)]
    return (0.3 * np.sum(harmonics, axis=0) * np.exp(-3 * t)).astype(np.float32)


@pytest.fixture
def as_many_threads_as_asked_for(monkeypatch):
    """Start threads for however little work."""
    monkeypatch.setattr(threads, "LEAST_WORK", 1)
