"""Restoring the fluctuation of the source's noise."""

import numpy as np
import pytest

from sktimbre.transfer.noise import restore_noise

PARTIALS = slice(20, 129, 20)


def decibels(S):
    return 20 * np.log10(np.expm1(S))


def fluctuation(S):
    """Return the change from frame to frame of each bin, divided by the square root of 2."""
    return np.sqrt(np.mean(np.diff(decibels(S), axis=1) ** 2, axis=1) / 2)


def steady_note(noise=0.1, n_frames=400):
    M = np.full((129, n_frames), noise, np.float32)
    M[PARTIALS] = 30.0
    return np.log1p(M)


def breathy_note(rng, n_frames=400):
    M = 0.1 * np.abs(rng.normal(size=(129, n_frames)) + 1j * rng.normal(size=(129, n_frames)))
    M[PARTIALS] = 30.0
    return np.log1p(M).astype(np.float32)


def test_noise_between_partials_fluctuates_as_the_source_s():
    source = breathy_note(np.random.default_rng(0))
    (restored,) = restore_noise([source], [steady_note()], 1.0)
    noise = np.ones(129, bool)
    noise[PARTIALS] = False
    assert np.median(fluctuation(source)[noise]) == pytest.approx(
        5.57, abs=0.3
    )  # the closed form for independent frames
    assert 4.5 < np.median(fluctuation(restored)[noise]) < 6.5
    assert abs(decibels(restored)[noise].mean() - decibels(steady_note())[noise].mean()) < 0.5
    np.testing.assert_allclose(restored[PARTIALS], steady_note()[PARTIALS], rtol=1e-6)


def test_the_share_scales_the_fluctuation():
    source = breathy_note(np.random.default_rng(1))
    half, whole = (restore_noise([source], [steady_note()], share)[0] for share in (0.5, 1.0))
    assert np.median(fluctuation(half)) == pytest.approx(np.median(fluctuation(whole)) / 2, rel=1e-3)


def test_a_prediction_that_fluctuates_as_its_source_is_left_alone():
    source = breathy_note(np.random.default_rng(3))
    np.testing.assert_allclose(restore_noise([source], [source], 1.0)[0], source, rtol=1e-5)


def test_a_steady_or_silent_source_changes_nothing():
    for source in (steady_note(noise=0.5), np.zeros((129, 400), np.float32)):
        np.testing.assert_allclose(restore_noise([source], [steady_note()], 1.0)[0], steady_note(), rtol=1e-5)


def test_predictions_below_zero_stay_finite():
    source = breathy_note(np.random.default_rng(2))
    (restored,) = restore_noise([source], [steady_note() - 1], 1.0)
    assert np.isfinite(restored).all()
    assert restored.min() >= 0
