"""MFCC distance and loudness correlation."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.metrics import loudness_correlation, mfcc_distance

SR = 22050


def noise(seed, shape=(3, 4096)):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("include_level", [False, True])
def test_mfcc_against_librosa(include_level):
    a, b = noise(0), 0.01 * noise(1)
    expected = []
    for pair in zip(a, b, strict=True):
        s, t = (librosa.feature.mfcc(y=y, sr=SR, n_mfcc=13, n_fft=1024, hop_length=512, n_mels=64) for y in pair)
        difference = (s - t)[0 if include_level else 1 :]
        expected.append(np.sqrt((difference**2).sum(axis=0)).mean())
    given_ = mfcc_distance(a, b, include_level=include_level, average=False)
    np.testing.assert_allclose(given_, expected, rtol=1e-5)


def test_parameters_of_mfcc_are_librosa_s():
    given = {"sr": 8000, "n_mfcc": 20, "n_fft": 512, "hop_length": 100, "n_mels": 40}
    a, b = noise(0, (1, 4096)), noise(1, (1, 4096))
    s, t = (librosa.feature.mfcc(y=y[0], **given)[1:] for y in (a, b))
    assert mfcc_distance(a, b, **given) == pytest.approx(np.linalg.norm(s - t, axis=0).mean(), rel=1e-5)


def test_mfcc_ignores_level_and_hears_the_envelope():
    y = noise(0)
    dull = np.stack([np.convolve(note, np.ones(8) / 8, "same") for note in y]).astype(np.float32)
    assert mfcc_distance(y, 0.1 * y) < 1e-2
    assert mfcc_distance(y, 0.1 * y, include_level=True) > 10
    assert mfcc_distance(y, dull) > 10


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_mfcc_properties(seed):
    a, b = noise(seed), noise(seed + 1)
    b[0] *= 1e-3  # librosa counts depth from the loudest of a batch: the loop must not
    assert mfcc_distance(a, a) == 0
    assert mfcc_distance(a, b) == pytest.approx(mfcc_distance(b, a), rel=1e-6)
    loop = [mfcc_distance(s[np.newaxis], t[np.newaxis]) for s, t in zip(a, b, strict=True)]
    np.testing.assert_array_equal(mfcc_distance(a, b, average=False), loop)
    np.testing.assert_array_equal(mfcc_distance(list(a), list(b), average=False), loop)


@pytest.mark.parametrize(
    "given",
    [{}, {"sr": 8000}, {"frame_duration": 0.2}, {"hop_duration": 0.1}, {"floor": 10.0}],
    ids=str,
)
def test_loudness_correlation_against_numpy(given):
    rng = np.random.default_rng(0)
    a, b = (
        (rng.uniform(-1, 1, SR) * np.exp(np.interp(np.arange(SR), np.linspace(0, SR, 9), rng.uniform(-3, 0, 9))))
        for _ in range(2)
    )
    how = {"sr": SR, "frame_duration": 0.05, "hop_duration": 0.0125, "floor": 60.0, **given}
    frame, hop = (round(how[name] * how["sr"]) for name in ("frame_duration", "hop_duration"))
    curves = []
    for y in (a, b):
        rms = np.array([np.sqrt(np.mean(y[i : i + frame] ** 2)) for i in range(0, SR - frame + 1, hop)])
        curves.append(np.maximum(20 * np.log10(rms / rms.max()), -how["floor"]))
    expected = np.corrcoef(*curves)[0, 1]
    assert loudness_correlation(a[np.newaxis], b[np.newaxis], **given) == pytest.approx(expected, abs=1e-5)


def test_loudness_correlation_closed_forms():
    carrier = np.sin(2 * np.pi * 1000 * np.arange(SR) / SR)
    fade_out = (carrier * np.logspace(0, -2, SR))[np.newaxis]
    fade_in = fade_out[:, ::-1]
    assert loudness_correlation(fade_out, 0.01 * fade_out) == pytest.approx(1, abs=1e-6)
    assert loudness_correlation(fade_out, fade_in) == pytest.approx(-1, abs=1e-3)


def test_loudness_correlation_of_constant_curves():
    steady = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(SR) / SR)[np.newaxis]
    fade = steady * np.linspace(1, 0.1, SR)
    assert loudness_correlation(steady, 0.1 * steady) == 1
    assert loudness_correlation(fade, steady) == 0
    assert loudness_correlation(fade, np.zeros_like(fade)) == 0


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_loudness_correlation_properties(seed):
    rng = np.random.default_rng(seed)
    a, b = (noise(seed + i, (2, SR)) * np.linspace(1, rng.uniform(0, 0.5), SR, dtype=np.float32) for i in range(2))
    assert loudness_correlation(a, a) == pytest.approx(1)
    assert loudness_correlation(a, b) == pytest.approx(loudness_correlation(b, a))
    loop = [loudness_correlation(s[np.newaxis], t[np.newaxis]) for s, t in zip(a, b, strict=True)]
    np.testing.assert_array_equal(loudness_correlation(list(a), list(b), average=False), loop)


@pytest.mark.parametrize(
    ("metric", "parameters"),
    [
        (mfcc_distance, {"sr": 0}),
        (mfcc_distance, {"n_mfcc": 1}),
        (mfcc_distance, {"n_fft": None}),
        (mfcc_distance, {"n_mfcc": 65}),
        (mfcc_distance, {"n_fft": 3.5}),
        (mfcc_distance, {"hop_length": -1}),
        (loudness_correlation, {"sr": "fast"}),
        (loudness_correlation, {"floor": -1}),
        (loudness_correlation, {"frame_duration": 0}),
        (loudness_correlation, {"hop_duration": 1e-9}),
    ],
)
def test_bad_parameters(metric, parameters):
    with pytest.raises(ParameterError, match=f"{next(iter(parameters))}="):
        metric(noise(0), noise(1), **parameters)


@pytest.mark.parametrize("metric", [mfcc_distance, loudness_correlation])
def test_bad_audio(metric):
    y = noise(0)
    for bad in (y[0], y[:2], np.full_like(y, np.inf), y[:, :100], y[:, :, np.newaxis]):
        with pytest.raises(AudioError):
            metric(y, bad)
    with pytest.raises(AudioError, match="shorter than"):
        metric(y[:, :100], y[:, :100])
