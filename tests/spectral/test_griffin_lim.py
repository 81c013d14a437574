"""Phase retrieval against librosa, and the promises of the inverter."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktimbre import GriffinLimInverter, LogSTFT
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral import STFTGeometry, griffin_lim, stft
from sktimbre.spectral.griffin_lim import initial_phasors


def tones(n_notes=3, n_samples=8000):
    t = np.arange(n_samples) / 22050
    pitches = 220 * 2 ** (np.arange(n_notes) / 3)
    harmonics = [np.sin(2 * np.pi * k * pitches[:, None] * t) / k for k in range(1, 6)]
    return (0.3 * np.sum(harmonics, axis=0) * np.exp(-3 * t)).astype(np.float32)


@pytest.mark.parametrize("momentum", [0.0, 0.99])
@pytest.mark.parametrize("length", [None, 8000])
@pytest.mark.parametrize(("n_fft", "hop", "win"), [(1024, 512, None), (1024, 256, 900), (500, 125, None)])
def test_equals_librosa_from_the_same_phase(momentum, length, n_fft, hop, win):
    S = np.abs(stft(tones(1)[0], n_fft, hop, win))
    geometry = STFTGeometry(n_fft, hop, win)
    phasors = initial_phasors(S.shape, "random", 3)
    ours = griffin_lim(S, phasors, geometry, n_iter=10, momentum=momentum, length=length).signal
    theirs = librosa.griffinlim(
        S, n_iter=10, hop_length=hop, win_length=win, n_fft=n_fft, momentum=momentum, length=length, random_state=3
    )
    assert ours.shape == theirs.shape
    assert np.linalg.norm(ours - theirs) < 1e-4 * np.linalg.norm(theirs)


def spectral_convergence(y, S):
    return np.linalg.norm(np.abs(stft(y)) - S) / np.linalg.norm(S)


# Quality floors in dB after 100 iterations on these notes: 2 dB above what was measured, far below one broken iteration.
@pytest.mark.parametrize(("algorithm", "floor"), [("gla", -17.0), ("fgla", -23.0)])
def test_quality_floor(algorithm, floor):
    S = LogSTFT().fit_transform(tones())
    y = GriffinLimInverter(100, algorithm=algorithm, random_state=0).fit_transform(S)
    worst = max(20 * np.log10(spectral_convergence(a, np.expm1(b))) for a, b in zip(y, S, strict=True))
    assert worst < floor


def test_the_true_phase_is_kept():
    X = tones()
    transformer = LogSTFT().fit(X)
    inverter = GriffinLimInverter(n_iter=5)
    y = inverter.fit(S := transformer.transform(X)).invert(S, phase=transformer.complex_transform(X), length=X.shape[1])
    assert np.abs(y - X)[:, :7000].max() < 1e-3


@pytest.mark.parametrize("length", [1, 500, 8000, 9001])
def test_output_has_the_length_asked_for(length):
    S = LogSTFT().fit_transform(tones())
    y = GriffinLimInverter(2, length=length).fit_transform(S)
    assert y.shape == (3, length)
    assert y.dtype == np.float32


@pytest.mark.parametrize(
    "seed", [0, np.int64(5), np.random.RandomState(0), np.random.default_rng(0), None], ids=lambda s: type(s).__name__
)
def test_seeds_of_every_kind(seed):
    S = LogSTFT(n_fft=64).fit_transform(tones(2, 600))
    y = GriffinLimInverter(3, random_state=seed).fit_transform(S)
    assert np.isfinite(y).all()
    if isinstance(seed, int | np.integer):
        np.testing.assert_array_equal(y, GriffinLimInverter(3, random_state=seed).fit_transform(S))


@settings(deadline=None, max_examples=25)
@given(
    frames=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    algorithm=st.sampled_from(["gla", "fgla"]),
    init=st.sampled_from(["random", "zero"]),
    low=st.floats(-1, 0),
)
def test_batch_equals_loop_and_nothing_finite_gives_nan(frames, algorithm, init, low):
    rng = np.random.default_rng(0)
    notes = [rng.uniform(low, 3, (17, n)).astype(np.float32) for n in frames]
    inverter = GriffinLimInverter(4, algorithm=algorithm, init=init, random_state=7)
    together = inverter.fit_transform(notes)
    assert isinstance(together, list)
    for note, y in zip(notes, together, strict=True):
        np.testing.assert_array_equal(y, inverter.transform(note[np.newaxis])[0])
        assert np.isfinite(y).all()


def test_silence_stays_silence_and_negative_is_silence():
    S = np.zeros((2, 33, 10), np.float32)
    assert not GriffinLimInverter(5).fit_transform(S).any()
    np.testing.assert_array_equal(
        GriffinLimInverter(5, random_state=0).fit_transform(S - 0.5),
        GriffinLimInverter(5, random_state=0).fit_transform(S),
    )


def test_tolerance_stops_early_near_the_full_quality():
    S = np.abs(stft(tones(1)[0]))
    start = initial_phasors(S.shape, "random", 0)
    full = griffin_lim(S, start, STFTGeometry(1024), n_iter=200, tol=1e-9)
    early = griffin_lim(S, start, STFTGeometry(1024), n_iter=200, tol=3e-3)
    assert early.n_iter < full.n_iter == 200
    assert early.spectral_convergence < 1.3 * full.spectral_convergence


@pytest.mark.parametrize(
    ("S", "fix"),
    [
        (np.full((1, 33, 4), np.nan), "NaN"),
        (np.full((1, 33, 4), 80.0), "decibel"),
        (np.zeros((33, 4)), "Reshape"),
        (np.zeros((0, 33, 4)), "0 sample"),
        (np.zeros((2, 1, 4)), "at least 2 frequencies"),
        ([np.zeros((33, 4)), np.zeros((17, 4))], "one LogSTFT"),
    ],
)
def test_bad_spectra_are_refused(S, fix):
    with pytest.raises(AudioError, match=fix):
        GriffinLimInverter().fit_transform(S)


def test_sizes_that_contradict_the_spectra_are_refused():
    S = np.zeros((1, 33, 4))
    with pytest.raises(ParameterError, match="n_fft=1024 gives 513"):
        GriffinLimInverter(n_fft=1024).fit(S)
    with pytest.raises(ParameterError, match="overlap-add"):
        GriffinLimInverter(hop_length=64).fit(S)
    with pytest.raises(AudioError, match="phase has the shapes"):
        GriffinLimInverter().invert(S, phase=np.ones((1, 33, 5)))
    with pytest.raises(ParameterError, match="length has 2"):
        GriffinLimInverter().invert(S, length=[10, 20])
