"""Phase retrieval as array functions: against librosa, both ways against each other, and how good each algorithm has to be."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from sktimbre.exceptions import ParameterError
from sktimbre.spectral import STFTGeometry, griffin_lim, initial_phasors, istft, stft
from sktimbre.spectral._kernels.lanes import LaneNote
from sktimbre.spectral._kernels.paths import has_kernels, slots, takes_lanes
from sktimbre.spectral._kernels.scipy_note import ScipyNote
from sktimbre.spectral.griffin_lim import ALGORITHMS, step_sizes
from sktimbre.spectral.initial import INITS, nearest_gaussian, unit_phasors

LIBROSA_SEED = "rng" if Version(librosa.__version__) >= Version("1.0") else "random_state"


def decibels(ratio):
    return 20 * np.log10(ratio)


def close(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def convergence(y, S, n_fft, hop):
    return np.linalg.norm(np.abs(stft(y, n_fft, hop)) - S) / np.linalg.norm(S)


@pytest.mark.parametrize(("algorithm", "momentum"), [("gla", 0.0), ("fgla", 0.99), ("fgla", 0.5)])
@pytest.mark.parametrize("length", [None, 16000])
@pytest.mark.parametrize(
    ("n_fft", "hop", "win", "window"),
    [(1024, 512, None, "hann"), (1024, 256, 900, "hamming"), (1024, 128, None, "hann"), (500, 125, None, "hann")],
)
def test_equals_librosa_from_the_same_phase(tones, algorithm, momentum, length, n_fft, hop, win, window):
    S = np.abs(stft(tones[0], n_fft, hop, win, window))
    geometry = STFTGeometry(n_fft, hop, win, window)
    assert takes_lanes(geometry, S.shape[1]) == (n_fft == 1024)
    start = initial_phasors(S, geometry, "random", 3)
    ours = griffin_lim(S, start, geometry, algorithm=algorithm, n_iter=10, momentum=momentum, length=length).signal
    theirs = librosa.griffinlim(
        S,
        n_iter=10,
        hop_length=hop,
        win_length=win,
        n_fft=n_fft,
        window=window,
        momentum=momentum,
        length=length,
        **{LIBROSA_SEED: np.random.RandomState(3)},
    )
    assert ours.shape == theirs.shape
    assert close(ours, theirs) < 1e-4


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("hop", [16, 32])
@pytest.mark.parametrize("n_samples", [500, 3000])
def test_lanes_equal_scipy(algorithm, hop, n_samples):
    y = np.random.default_rng(0).standard_normal(n_samples).astype(np.float32)
    geometry = STFTGeometry(64, hop)
    S = np.abs(stft(y, 64, hop))
    start = initial_phasors(S, geometry, "pghi")
    results = []
    for kind in (LaneNote, ScipyNote):
        note = kind(S, start, geometry, geometry.pad, geometry.pad + n_samples)
        error = note.run(10, step_sizes(algorithm, 0.99), admm=algorithm == "admm", measure=True)
        results.append((note.signal()[: geometry.pad + n_samples], error))
    (ours, our_error), (theirs, their_error) = results
    assert close(ours, theirs) < (1e-4 if algorithm != "admm" else 2e-3)  # ADMM's dual makes rounding grow
    assert our_error == pytest.approx(their_error, rel=1e-3)
    assert our_error == pytest.approx(convergence(theirs[geometry.pad :], S, 64, hop), rel=1e-2)


def test_lanes_hold_what_is_fixed(tones):
    y = tones[0][:3000]
    geometry = STFTGeometry(64, 16)
    S = np.abs(stft(y, 64, 16, center=False))
    start = initial_phasors(S, geometry, "pghi")
    for kind in (LaneNote, ScipyNote):
        note = kind(S, start, geometry, 800, 3000, y[:800])
        note.run(5, step_sizes("agla", 0.99))
        np.testing.assert_allclose(note.signal()[:800], y[:800], atol=1e-6)
        assert note.signal()[800:3000].any()


# Floors in dB: one above what was measured. Without its momentum "fgla" stays at gla's -17, "agla" without its longer step
# near fgla's; ADMM without its dual is gla.
@pytest.mark.parametrize(
    ("algorithm", "init", "n_iter", "floor"),
    [
        ("gla", "random", 0, -4.2),
        ("gla", "spsi", 0, -16.8),
        ("gla", "pghi", 0, -17.2),
        ("gla", "random", 30, -16.0),
        ("gla", "zero", 30, -14.7),
        ("fgla", "random", 30, -20.8),
        ("agla", "random", 30, -21.2),
        ("admm", "random", 30, -25.3),
        ("gla", "pghi", 30, -35.3),
        ("fgla", "pghi", 30, -36.3),
        ("agla", "pghi", 30, -36.8),
        ("agla", "spsi", 30, -32.9),
        ("admm", "pghi", 30, -36.2),
    ],
)
def test_quality_floor(tones, algorithm, init, n_iter, floor):
    geometry, worst = STFTGeometry(1024), -np.inf
    for y in tones:
        S = np.abs(stft(y))
        found = griffin_lim(
            S, initial_phasors(S, geometry, init, 0), geometry, algorithm=algorithm, n_iter=n_iter, measure=True
        )
        assert found.spectral_convergence == pytest.approx(convergence(found.signal, S, 1024, 512), rel=0.05)
        worst = max(worst, decibels(found.spectral_convergence))
    assert worst < floor


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_off_the_grid_too_it_is_the_sound(tones, algorithm):
    geometry = STFTGeometry(1024)
    S = np.abs(stft(tones[0]))
    y = griffin_lim(S, initial_phasors(S, geometry), geometry, algorithm=algorithm, length=tones.shape[1]).signal
    true = np.abs(stft(tones[0], hop_length=128))
    assert decibels(close(np.abs(stft(y, hop_length=128)), true)) < -24


def test_gradient_integration_is_nearly_right_at_high_overlap(tones):
    S = np.abs(stft(tones[0], hop_length=128))
    y = istft(S * initial_phasors(S, STFTGeometry(1024, 128)), 128)
    assert decibels(convergence(y, S, 1024, 128)) < -24


@pytest.mark.parametrize("init", ["pghi", "spsi"])
def test_initial_phases_go_on_from_known_ones(tones, init):
    geometry = STFTGeometry(1024)
    D = stft(tones[0])
    S = np.abs(D)
    known = unit_phasors(D[:, :10])
    continued = initial_phasors(S, geometry, init, known=known)
    np.testing.assert_array_equal(continued[:, :10], known)
    loud = S[:, 10] > 0.1 * S.max()
    turned = np.angle(continued[loud, 10] * D[loud, 10].conj())
    assert np.abs(turned).max() < 0.5


@settings(deadline=None, max_examples=40)
@given(
    init=st.sampled_from(INITS),
    n_fft=st.integers(1, 40).map(lambda n: 2 * n),
    n_frames=st.integers(1, 9),
    kind=st.sampled_from(["zero", "flat", "noise", "tiny", "huge"]),
)
def test_initial_phasors_have_length_one(init, n_fft, n_frames, kind):
    shape = (n_fft // 2 + 1, n_frames)
    noise = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
    values = {"zero": 0, "flat": 1, "noise": noise, "tiny": 1e-30 * noise, "huge": 1e17 * noise}
    S = np.broadcast_to(np.asarray(values[kind], np.float32), shape)
    before = S.copy()
    phasors = initial_phasors(S, STFTGeometry(n_fft, max(1, n_fft // 4)), init, 0)
    assert phasors.shape == shape
    assert phasors.dtype == np.complex64
    np.testing.assert_allclose(np.abs(phasors), 1, atol=1e-5)
    np.testing.assert_array_equal(S, before)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    n_frames=st.integers(1, 40),
    size=st.sampled_from([(64, 32), (64, 16), (64, 64), (8, 4), (10, 5), (14, 4), (2, 1)]),
    algorithm=st.sampled_from(ALGORITHMS),
    scale=st.sampled_from([0.0, 1e-20, 1.0, 1e15]),
    tol=st.sampled_from([0.0, 1e-3]),
)
def test_any_size_and_level_stays_finite(n_frames, size, algorithm, scale, tol):
    n_fft, hop = size
    geometry = STFTGeometry(n_fft, hop, window="boxcar" if hop == n_fft else "hann")
    S = (scale * np.random.default_rng(n_frames).uniform(0, 1, (n_fft // 2 + 1, n_frames))).astype(np.float32)
    start = initial_phasors(S, geometry)
    found = griffin_lim(S, start, geometry, algorithm=algorithm, n_iter=7, tol=tol, measure=True)
    assert len(found.signal) == geometry.n_samples(n_frames)
    assert np.isfinite(found.signal).all()
    assert np.isfinite(found.spectral_convergence)
    assert found.signal.any() <= (scale > 0)


@pytest.mark.parametrize("gain", [2.0**-20, 2.0**10])
def test_level_changes_nothing_but_the_level(tones, gain):
    S = np.abs(stft(tones[0]))
    geometry = STFTGeometry(1024)
    start = initial_phasors(S, geometry)
    plain, scaled = (griffin_lim(s, start, geometry).signal for s in (S, np.float32(gain) * S))
    np.testing.assert_array_equal(scaled, np.float32(gain) * plain)


@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 512), (500, 250)])
def test_tolerance_stops_early_near_the_full_quality(tones, n_fft, hop):
    S = np.abs(stft(tones[0], n_fft, hop))
    geometry = STFTGeometry(n_fft, hop)
    start = initial_phasors(S, geometry, "random", 0)
    full = griffin_lim(S, start, geometry, algorithm="gla", n_iter=200, tol=1e-9)
    early = griffin_lim(S, start, geometry, algorithm="gla", n_iter=200, tol=2e-2)
    same = griffin_lim(S, start, geometry, algorithm="gla", n_iter=early.n_iter)
    assert early.n_iter < full.n_iter == 200
    assert early.n_iter % 5 == 0
    assert early.spectral_convergence < 2 * full.spectral_convergence
    assert np.isnan(same.spectral_convergence)
    np.testing.assert_allclose(same.signal, early.signal, atol=1e-5)


def test_what_runs_in_lanes():
    assert has_kernels(STFTGeometry(1024, 512))
    assert has_kernels(STFTGeometry(8, 2))
    assert not has_kernels(STFTGeometry(1024, 500))
    assert not has_kernels(STFTGeometry(1000, 250))
    assert takes_lanes(STFTGeometry(1024, 512), 100)
    assert not takes_lanes(STFTGeometry(1024, 512), 1)  # fifteen of sixteen lanes would be idle
    assert slots(STFTGeometry(1024, 256), 100) == 16 * 7


@pytest.mark.parametrize(("window", "gamma"), [("hann", 0.25645), ("hamming", 0.29794), ("blackman", 0.17954)])
def test_the_nearest_gaussian_is_the_literature_s(window, gamma):
    assert nearest_gaussian(STFTGeometry(1024, 256, window=window)) == pytest.approx(gamma * 1024**2, rel=0.03)
    assert nearest_gaussian(STFTGeometry(1024, 256, 800, window)) == pytest.approx(gamma * 800**2, rel=0.03)


def test_names_that_do_not_exist_are_refused():
    S = np.ones((33, 5), np.float32)
    with pytest.raises(ParameterError, match="algorithm='best' must be one of gla, fgla"):
        griffin_lim(S, S, STFTGeometry(64), algorithm="best")
    with pytest.raises(ParameterError, match="init='heap' must be one of pghi"):
        initial_phasors(S, STFTGeometry(64), "heap")
