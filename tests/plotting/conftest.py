import numpy as np
import pytest

SR = 8000


@pytest.fixture(scope="session")
def tones():
    """Two sines of one second, 1000 and 2000 Hz."""
    time = np.arange(SR) / SR
    return np.stack([np.sin(2 * np.pi * hertz * time) for hertz in (1000, 2000)]).astype(np.float32)


@pytest.fixture(scope="session")
def ridge():
    """A fitted model that needs no network, and its notes."""
    from sklearn.linear_model import Ridge

    from sktimbre import GriffinLimInverter, LogSTFT, TimbreTransfer
    from sktimbre.datasets import make_paired_notes

    notes = make_paired_notes(5, duration=0.4, sr=SR, pitches=[60, 64, 67, 71, 74])
    model = TimbreTransfer(
        stft=LogSTFT(n_fft=256), autoencoder=Ridge(), inverter=GriffinLimInverter(n_iter=8, random_state=0), sr=SR
    )
    return model.fit(notes.source, notes.target), notes
