"""Operations on log-magnitude spectra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import interpolate

from sktimbre.spectral.log_magnitudes import transposed


def by_scipy(S, ratio):
    """Cubic convolution is a Hermite spline whose slopes are half of the difference of the neighbours."""
    bins = np.arange(len(S))
    at = np.minimum(bins / ratio, len(S) - 1)
    padded = np.concatenate([S[:1], S, S[-1:]])
    slopes = (padded[2:] - padded[:-2]) / 2
    return np.maximum(interpolate.CubicHermiteSpline(bins, S, slopes)(at), 0)


@settings(deadline=None)  # the first call compiles
@given(seed=st.integers(0, 99), ratio=st.floats(0.25, 4), n_bins=st.integers(2, 70), n_frames=st.integers(0, 20))
def test_transposition_is_cubic_convolution(seed, ratio, n_bins, n_frames):
    S = np.random.default_rng(seed).random((n_bins, n_frames + 3), np.float32)[:, 1 : n_frames + 1]
    if n_frames:
        np.testing.assert_allclose(transposed(S, ratio), by_scipy(S.astype(float), ratio), atol=1e-5)
    assert transposed(S, ratio).shape == S.shape


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.26, 2.0])
def test_a_partial_moves_by_the_ratio(ratio):
    place = np.arange(513)[:, np.newaxis]
    S = np.repeat(np.exp(-(((place - 100) / 1.5) ** 2)), 3, axis=1).astype(np.float32)
    moved = transposed(S, ratio)
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(moved.argmax(axis=0), round(100 * ratio))
    assert moved.min() >= 0
