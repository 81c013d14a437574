"""Distances between spectra against closed forms and independent implementations."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.metrics import (
    log_spectral_distance,
    multiscale_spectral_distance,
    reconstruction_error,
    spectral_convergence,
)

SPECTRAL = [reconstruction_error, log_spectral_distance, spectral_convergence]
ALL = [*SPECTRAL, multiscale_spectral_distance]
seeds = st.integers(0, 2**32 - 1)


def noise(seed, shape=(3, 4096)):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def spectra(seed, shape=(3, 33, 11)):
    return np.log1p(np.random.default_rng(seed).uniform(10, 100, shape)).astype(np.float32)


def librosa_log1p(y, n_fft=1024, hop_length=512):
    return np.log1p(np.abs(librosa.stft(y, n_fft=n_fft, hop_length=hop_length)))


def test_reconstruction_error_closed_form():
    S = spectra(0)
    assert reconstruction_error(S, S + 0.5) == pytest.approx(0.25, rel=1e-5)


def test_reconstruction_error_of_audio_is_that_of_librosas_spectra():
    a, b = noise(0), noise(1)
    expected = np.mean((librosa_log1p(a, 512, 128) - librosa_log1p(b, 512, 128)) ** 2, axis=(1, 2))
    np.testing.assert_allclose(
        reconstruction_error(a, b, n_fft=512, hop_length=128, average=False), expected, rtol=1e-4
    )


def test_reconstruction_error_of_audio_beside_spectra_reads_n_fft():
    a, b = noise(0), noise(1)
    mixed = reconstruction_error(a, librosa_log1p(b, 512, 256))
    assert mixed == pytest.approx(reconstruction_error(a, b, n_fft=512), rel=1e-4)
    other_hop = reconstruction_error(librosa_log1p(a, 512, 128), b, hop_length=128)
    assert other_hop == pytest.approx(reconstruction_error(a, b, n_fft=512, hop_length=128), rel=1e-4)


def test_reconstruction_error_ragged_is_the_mean_over_all_elements():
    true = [spectra(0, (33, 5)), spectra(1, (33, 20))]
    pred = [true[0] + 1, true[1].copy()]
    assert reconstruction_error(true, pred) == pytest.approx(5 / 25, rel=1e-5)
    np.testing.assert_allclose(reconstruction_error(true, pred, average=False), [1, 0], rtol=1e-5)


@pytest.mark.parametrize("gain", [2.0, 0.5, 10.0])
def test_log_spectral_distance_of_a_gain(gain):
    S = spectra(0)
    louder = np.log1p(gain * np.expm1(S.astype(np.float64)))
    assert log_spectral_distance(S, louder) == pytest.approx(abs(20 * np.log10(gain)), rel=1e-4)
    assert log_spectral_distance(S, louder, normalize_level=True) == pytest.approx(0, abs=1e-4)


def test_log_spectral_distance_is_rms_over_frequency_then_mean_over_frames():
    S = np.full((1, 4, 2), np.log1p(100.0))
    other = S.copy()
    other[0, 0, 0] = np.log1p(1000.0)  # 20 dB in one of four bins of one of two frames
    assert log_spectral_distance(S, other) == pytest.approx(20 * np.sqrt(1 / 4) / 2, rel=1e-5)


def test_log_spectral_distance_floor():
    S = np.full((1, 4, 2), np.log1p(100.0))
    for floor in (20.0, 50.0):
        assert log_spectral_distance(S, np.zeros_like(S), floor=floor) == pytest.approx(floor, rel=1e-5)
        assert log_spectral_distance(S, np.zeros_like(S), floor=floor, normalize_level=True) == pytest.approx(
            floor, rel=1e-5
        )


def test_log_spectral_distance_of_audio_against_librosa():
    a, b = noise(0), noise(1)
    sizes = {"n_fft": 512, "hop_length": 100}
    true, pred = (np.abs(librosa.stft(y, **sizes)) for y in (a, b))
    expected = []
    for t, p in zip(true, pred, strict=True):
        t_db, p_db = (librosa.amplitude_to_db(m, ref=t.max(), amin=1e-12, top_db=None) for m in (t, p))
        expected.append(np.sqrt(np.mean((np.maximum(t_db, -60) - np.maximum(p_db, -60)) ** 2, axis=0)).mean())
    np.testing.assert_allclose(log_spectral_distance(a, b, floor=60, average=False, **sizes), expected, rtol=1e-3)


def test_distances_survive_a_model_that_ran_away():
    S = spectra(0)
    assert np.isfinite(log_spectral_distance(S, np.full_like(S, 2000)))
    assert spectral_convergence(S, np.full_like(S, 2000)) == np.inf


def test_spectral_convergence_of_a_gain():
    y = noise(0)
    assert spectral_convergence(y, 0.75 * y) == pytest.approx(0.25, rel=1e-4)
    assert spectral_convergence(y, 0.9 * y, hop_length=128, db=True) == pytest.approx(-20, abs=1e-2)
    assert spectral_convergence(y, y, db=True) == -np.inf


def test_spectral_convergence_against_librosa_with_spectra_as_target():
    y, S = noise(0), librosa_log1p(noise(1))
    magnitude = np.abs(librosa.stft(y, n_fft=1024, hop_length=512))
    expected = [
        np.linalg.norm(m - np.expm1(s)) / np.linalg.norm(np.expm1(s)) for m, s in zip(magnitude, S, strict=True)
    ]
    np.testing.assert_allclose(spectral_convergence(S, y, average=False), expected, rtol=1e-4)


def test_off_grid_convergence_sees_what_the_grid_hides():
    y = librosa.chirp(fmin=200, fmax=2000, sr=22050, length=8192).astype(np.float32)[np.newaxis]
    S = librosa_log1p(y)
    guess = np.stack([librosa.griffinlim(np.expm1(s), n_fft=1024, hop_length=512, length=8192, init=None) for s in S])
    on, off = (spectral_convergence(y, guess, hop_length=hop, db=True) for hop in (512, 128))
    assert on < off - 3


def test_multiscale_closed_form_of_a_gain():
    y = noise(0)
    linear = sum(np.abs(librosa.stft(y, n_fft=n, hop_length=n // 2)).mean() for n in (2048, 64))
    distance = multiscale_spectral_distance(y, 0.5 * y, sizes=(2048, 64), overlap=0.5, alpha=0.3)
    # Half the signal halves magnitudes and shifts every logarithm by log 2.
    assert distance == pytest.approx(0.5 * linear + 0.3 * 2 * np.log(2), rel=1e-3)


def test_multiscale_against_the_published_formula():
    a, b = noise(0), noise(1)
    expected = 0.0
    for n in (2048, 1024, 512, 256, 128, 64):
        s, t = (np.abs(librosa.stft(y, n_fft=n, hop_length=n // 4)) for y in (a, b))
        expected += np.abs(s - t).mean() + np.abs(np.log(np.maximum(s, 1e-5)) - np.log(np.maximum(t, 1e-5))).mean()
    assert multiscale_spectral_distance(a, b) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("metric", ALL)
@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_identity_is_zero_and_all_else_positive(metric, seed):
    y = noise(seed)
    assert metric(y, y) == 0
    assert metric(y, noise(seed + 1)) > 0


@pytest.mark.parametrize("metric", [reconstruction_error, multiscale_spectral_distance])
@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_symmetry_where_it_holds(metric, seed):
    a, b = noise(seed), noise(seed + 1)
    assert metric(a, b) == pytest.approx(metric(b, a), rel=1e-6)


@pytest.mark.parametrize("metric", ALL)
@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_batch_equals_loop_and_list(metric, seed):
    a, b = noise(seed), 0.1 * noise(seed + 1)
    b[0] *= 5
    batch = metric(a, b, average=False)
    assert batch.shape == (3,)
    assert batch.dtype == np.float64
    np.testing.assert_array_equal(batch, [metric(s[np.newaxis], t[np.newaxis]) for s, t in zip(a, b, strict=True)])
    np.testing.assert_array_equal(batch, metric(list(a), list(b), average=False))
    assert isinstance(metric(a, b), float)
    assert metric(a, b) == pytest.approx(batch.mean(), rel=1e-6)


@pytest.mark.parametrize("metric", ALL)
def test_ragged_equals_each_note_alone(metric):
    a, b = [noise(0, 2500), noise(1, 5001)], [noise(2, 2500), noise(3, 5001)]
    alone = [metric(s[np.newaxis], t[np.newaxis]) for s, t in zip(a, b, strict=True)]
    np.testing.assert_array_equal(metric(a, b, average=False), alone)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda y: y * np.nan, "NaN"),
        (lambda y: y[0], "Reshape your data"),
        (lambda y: y[:2], "3 notes and y_pred has 2"),
        (lambda y: y[:, :3000], "same length"),
        (lambda y: (y * 1000).astype(np.int16), "full scale"),
        (lambda y: [], "y_pred"),
    ],
)
def test_bad_predictions(metric, spoil, match):
    y = noise(0)
    with pytest.raises(AudioError, match=match):
        metric(y, spoil(y))


@pytest.mark.parametrize("metric", ALL)
def test_audio_shorter_than_a_window(metric):
    with pytest.raises(AudioError, match=r"y_true\[0\] has 100 samples, shorter than one window"):
        metric(noise(0, (2, 100)), noise(1, (2, 100)))


@pytest.mark.parametrize("metric", [log_spectral_distance, spectral_convergence])
def test_a_silent_reference(metric):
    y = noise(0)
    y[1] = 0
    with pytest.raises(AudioError, match=r"y_true\[1\] is silent"):
        metric(y, noise(1))


@pytest.mark.parametrize("metric", SPECTRAL)
def test_mismatched_sizes_name_the_fix(metric):
    S, y = librosa_log1p(noise(0)), noise(0)
    with pytest.raises(ParameterError, match=r"n_fft=512 .* n_fft=1024; leave n_fft=None"):
        metric(S, y, n_fft=512)
    with pytest.raises(AudioError, match="pass the hop_length"):
        metric(S, y, hop_length=256)
    with pytest.raises(ParameterError, match="hop_length=0"):
        metric(S, y, hop_length=0)
    with pytest.raises(ParameterError, match="n_fft=1023"):
        metric(y, y, n_fft=1023)


@pytest.mark.parametrize("floor", [0, -3.0, np.nan, "80", None, True])
def test_bad_floor(floor):
    with pytest.raises(ParameterError, match="floor="):
        log_spectral_distance(noise(0), noise(1), floor=floor)


@pytest.mark.parametrize(
    "parameters",
    [
        {"sizes": ()},
        {"sizes": 64},
        {"sizes": (64, 33)},
        {"sizes": (0,)},
        {"overlap": 1.0},
        {"overlap": 0.1},
        {"alpha": -1},
    ],
)
def test_bad_multiscale_parameters(parameters):
    with pytest.raises(ParameterError, match=rf"{next(iter(parameters))}(\[\d\])?="):
        multiscale_spectral_distance(noise(0), noise(1), **parameters)


def test_multiscale_refuses_spectra():
    with pytest.raises(AudioError, match="Invert the spectra first"):
        multiscale_spectral_distance(spectra(0), spectra(1))
