import numpy as np
import pytest
from scipy import ndimage


@pytest.fixture(scope="session")
def pair():
    """Smooth sources, and targets that every network can learn: a neighbour two bins down is mixed in."""
    S = np.abs(ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((9, 33, 20)), (0, 3, 3)))
    S /= S.std()
    return S.astype(np.float32), (0.5 * S + 0.5 * np.roll(S, 2, axis=1)).astype(np.float32)
