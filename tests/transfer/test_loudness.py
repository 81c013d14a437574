"""Loudness of an output that follows the source's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre import LogSTFT, TimbreTransfer
from sktimbre.baselines import IdentityBaseline
from sktimbre.metrics import loudness_correlation
from sktimbre.transfer.loudness import follow_loudness

SR = 22050


class Even(IdentityBaseline):
    """Plays all frames equally loud, and everything 12 dB louder."""

    def predict(self, S):
        magnitudes = np.expm1(S)
        level = np.sqrt(np.sum(magnitudes**2, axis=1, keepdims=True))
        return np.log1p(np.where(level > 0.01 * level.max(), 4 * magnitudes / np.maximum(level, 1e-9), 0)).astype("f")


def tone(decibels):
    t = np.arange(2 * SR) / SR
    return (0.2 * np.sin(2 * np.pi * 440 * t) * 10 ** (decibels * np.sin(2 * np.pi * 4 * t) / 20))[np.newaxis].astype(
        "f"
    )


def swing(audio):
    """Peak to peak of the loudness in dB, away from the ends."""
    level = 10 * np.log10(np.sum(np.expm1(LogSTFT().transform(audio)[0]) ** 2, axis=0))
    return np.ptp(level[5:-5])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_tremolo_is_kept_by_the_share_that_was_asked_for(share):
    X = tone(3.0)
    out = TimbreTransfer(autoencoder=Even(), loudness=share).fit(X, X).predict(X)
    assert swing(out) == pytest.approx(share * swing(X), abs=0.6)


def test_other_envelopes_are_left_but_for_six_decibels():
    X = tone(12.0)
    out = TimbreTransfer(autoencoder=Even(), loudness=1.0).fit(X, X).predict(X)
    assert 10 < swing(out) < 13  # of 23


@pytest.mark.parametrize(("below", "gain"), [(10, -6), (25, -6), (35, -3), (50, 0)])
def test_frames_far_below_their_surroundings_are_left_alone(below, gain):
    """The source dips for three frames, the prediction does not: the correction ends between 30 and 40 dB."""
    source = np.ones((9, 200))
    source[:, 100:103] = 10 ** (-below / 20)
    followed = np.expm1(follow_loudness([np.log1p(source)], [np.log1p(np.ones((9, 200)))], 1.0, 60)[0])
    np.testing.assert_allclose(20 * np.log10(followed[:, 101]), gain, atol=0.3)
    np.testing.assert_allclose(20 * np.log10(followed[:, 20]), 0, atol=0.3)


def test_the_source_s_own_loudness_changes_nothing():
    X = tone(3.0)
    S = LogSTFT().transform(X)
    np.testing.assert_allclose(follow_loudness(S, S, 1.0, 30)[0], S[0], atol=1e-6)


def test_the_default_keeps_the_dynamics_of_the_source():
    X = tone(4.0)
    out = TimbreTransfer(autoencoder=Even()).fit(X, X).predict(X)
    assert loudness_correlation(X, out, sr=SR) > 0.95


@settings(max_examples=30)
@given(st.floats(-30, 0), st.floats(0, 1), st.integers(0, 80), st.integers(0, 2**32 - 1))
def test_a_gain_is_the_same_gain(decibels, share, reach, seed):
    rng = np.random.default_rng(seed)
    magnitudes, other = rng.exponential(1.0, (2, 9, 40)) * 10 ** rng.normal(0, 0.5, (2, 1, 40))
    gain = 10 ** (decibels / 20)
    plain, softer = (
        np.expm1(follow_loudness([np.log1p(g * magnitudes)], [np.log1p(g * other)], share, reach)[0]) for g in (1, gain)
    )
    np.testing.assert_allclose(softer, gain * plain, rtol=1e-4, atol=1e-6)


def test_silence_stays_silent():
    S, predicted = np.zeros((2, 9, 20), np.float32)
    assert not follow_loudness([S], [predicted], 1.0, 5)[0].any()
    assert np.isfinite(follow_loudness([S], [predicted + 1], 1.0, 5)[0]).all()
