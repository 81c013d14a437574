"""The promises of GriffinLimInverter."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sktimbre import GriffinLimInverter, LogSTFT
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral import STFTGeometry, griffin_lim, initial_phasors
from sktimbre.spectral.griffin_lim import ALGORITHMS
from sktimbre.spectral.initial import INITS


def test_defaults_reach_their_floor_and_beat_the_thesis(tones):
    S = LogSTFT().fit_transform(tones)
    ours = GriffinLimInverter()
    thesis = GriffinLimInverter(100, algorithm="gla", init="random", random_state=0)
    for inverter in (ours, thesis):
        inverter.fit_transform(S)
    assert (20 * np.log10(ours.spectral_convergence_) < -36.8).all()
    assert (ours.spectral_convergence_ < 0.5 * thesis.spectral_convergence_).all()
    np.testing.assert_array_equal(ours.n_iter_, [30] * 3)
    np.testing.assert_array_equal(thesis.n_iter_, [100] * 3)


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "fgla", "momentum": 0.5},
        {"algorithm": "admm", "n_iter": 4},
        {"init": "spsi"},
        {"init": "zero"},
        {"window": "hamming", "win_length": 50, "hop_length": 10},
        {"center": False},
    ],
    ids=str,
)
def test_parameters_reach_the_iterations(tones, change):
    given = {"n_iter": 3, "algorithm": "agla", "init": "pghi", "momentum": 0.99, "hop_length": 16, "win_length": None}
    given |= {"window": "hann", "center": True, **change}
    sizes = [given[name] for name in ("hop_length", "win_length", "window", "center")]
    S = LogSTFT(64, *sizes).fit_transform(tones[:1, :4000])
    geometry, magnitudes = STFTGeometry(64, *sizes), np.expm1(S[0])
    wanted = griffin_lim(
        magnitudes,
        initial_phasors(magnitudes, geometry, given["init"]),
        geometry,
        **{name: given[name] for name in ("algorithm", "n_iter", "momentum")},
    )
    np.testing.assert_array_equal(GriffinLimInverter(**given).fit_transform(S)[0], wanted.signal)


@pytest.mark.parametrize("form", ["spectra", "phasors", "angles"])
def test_the_true_phase_is_kept(tones, form):
    transformer = LogSTFT().fit(tones)
    S, D = transformer.transform(tones), transformer.complex_transform(tones)
    phase = {"spectra": D, "phasors": np.exp(1j * np.angle(D)), "angles": np.angle(D)}[form]
    y = GriffinLimInverter(n_iter=5).fit(S).invert(S, phase=phase, length=tones.shape[1])
    assert np.abs(y - tones)[:, :15000].max() < 1e-3


@pytest.mark.parametrize("length", [1, 500, 15900, 18001])
def test_output_has_the_length_asked_for(tones, length):
    S = LogSTFT().fit_transform(tones)
    y = GriffinLimInverter(2, length=length).fit_transform(S)
    assert y.shape == (3, length)
    assert y.dtype == np.float32


def test_lengths_may_differ_by_note(tones):
    S = LogSTFT().fit_transform(tones)
    y = GriffinLimInverter(2).invert(S, length=[100, 200, 300])
    assert [len(note) for note in y] == [100, 200, 300]


@pytest.mark.parametrize(
    "seed", [lambda: 0, lambda: np.int64(5), lambda: np.random.RandomState(0), lambda: np.random.default_rng(0)]
)
def test_seeds_of_every_kind(tones, seed):
    S = LogSTFT(n_fft=64).fit_transform(tones[:2, :600])
    first, second, other = (
        GriffinLimInverter(3, init="random", random_state=state).fit_transform(S) for state in (seed(), seed(), None)
    )
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-3


@pytest.mark.slow
@pytest.mark.usefixtures("as_many_threads_as_asked_for")
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    n_fft=st.sampled_from([64, 32, 30]),
    overlap=st.sampled_from([2, 4]),
    algorithm=st.sampled_from(ALGORITHMS),
    init=st.sampled_from(INITS),
    low=st.floats(-1, 0),
    n_jobs=st.sampled_from([None, 2]),
)
def test_batch_equals_loop_and_nothing_finite_gives_nan(frames, n_fft, overlap, algorithm, init, low, n_jobs):
    rng = np.random.default_rng(0)
    notes = [rng.uniform(low, 3, (n_fft // 2 + 1, n)).astype(np.float32) for n in frames]
    inverter = GriffinLimInverter(4, algorithm, init, hop_length=n_fft // overlap, random_state=7, n_jobs=n_jobs)
    together = inverter.fit_transform(notes)
    assert isinstance(together, list)
    for note, y in zip(notes, together, strict=True):
        np.testing.assert_array_equal(y, inverter.transform(note[np.newaxis])[0])
        assert np.isfinite(y).all()


@pytest.mark.usefixtures("as_many_threads_as_asked_for")
def test_threads_change_nothing(tones):
    S = LogSTFT().fit_transform(tones)
    one, two, all_of_them = (GriffinLimInverter(n_jobs=n).fit_transform(S) for n in (None, 2, -1))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, all_of_them)


@pytest.mark.parametrize("n_fft", [64, 60])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_silence_stays_silence_and_negative_is_silence(n_fft, algorithm):
    S = np.zeros((2, n_fft // 2 + 1, 20), np.float32)
    inverter = GriffinLimInverter(5, algorithm)
    assert not inverter.fit_transform(S).any()
    np.testing.assert_array_equal(inverter.spectral_convergence_, [0, 0])
    assert not inverter.fit_transform(S - 0.5).any()


def test_the_report_agrees_with_the_audio_and_transform_leaves_no_trace(tones):
    S = LogSTFT(hop_length=256).fit_transform(tones)
    inverter = GriffinLimInverter(3, hop_length=256).fit(S)
    before = dict(vars(inverter))
    audio, report = inverter.invert(S, return_report=True)
    np.testing.assert_array_equal(audio, inverter.transform(S))
    assert vars(inverter) == before
    wanted = np.expm1(S)
    found = np.expm1(LogSTFT(hop_length=256).fit_transform(audio))
    measured = np.linalg.norm(found - wanted, axis=(1, 2)) / np.linalg.norm(wanted, axis=(1, 2))
    np.testing.assert_allclose(report.spectral_convergence, measured, rtol=0.05)
    assert report.n_iter.tolist() == [3, 3, 3]
    stopped = GriffinLimInverter(200, tol=0.05, hop_length=256)
    stopped.fit_transform(S)
    assert (stopped.n_iter_ < 200).all()


@pytest.mark.parametrize(
    ("S", "fix"),
    [
        (np.full((1, 33, 4), np.nan), "NaN"),
        (np.full((1, 33, 4), 80.0), "decibel"),
        (np.zeros((33, 4)), r"one note is X\[np.newaxis\]"),
        ([np.full((33, 4), 80.0)], r"X\[0\] reaches 80"),
        ([np.zeros((33, 4)), np.full((33, 4), np.nan)], r"X\[1\] contains NaN"),
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
    with pytest.raises(AudioError, match=r"phase\[0\] is not finite"):
        GriffinLimInverter().invert(S, phase=np.full((1, 33, 4), np.nan))
    with pytest.raises(ParameterError, match="length has 2"):
        GriffinLimInverter().invert(S, length=[10, 20])
