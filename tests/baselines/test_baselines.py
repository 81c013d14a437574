"""Baselines: contracts of an estimator, closed forms, and the figures on real pairs."""

import pickle

import librosa
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, TransformerMixin, clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from sktimbre.baselines import (
    IdentityBaseline,
    MosaicBaseline,
    PerBinLinearBaseline,
    PhaseOracleBaseline,
    SpectralEnvelopeBaseline,
    TransposedNeighboursBaseline,
)
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.metrics import reconstruction_error, spectral_convergence
from sktimbre.spectral.stft import istft, stft

SR = 22050
SPECTRAL = [IdentityBaseline, PerBinLinearBaseline, PhaseOracleBaseline, SpectralEnvelopeBaseline, MosaicBaseline]


def log1p(y, n_fft=1024, hop_length=None):
    return np.log1p(np.abs(stft(y, n_fft, hop_length)))


class OwnSTFT(TransformerMixin, BaseEstimator):
    def __init__(self, n_fft=1024, hop_length=None):
        self.n_fft = n_fft
        self.hop_length = hop_length

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return log1p(X, self.n_fft, self.hop_length)


def pairs(seed=0, shape=(4, 33, 9)):
    rng = np.random.default_rng(seed)
    return tuple(rng.uniform(0, 3, shape).astype(np.float32) for _ in "Sy")


def tones(midi, seconds=0.5, partials=(1, 0.5), sr=SR):
    t = np.arange(int(seconds * sr)) / sr
    hertz = 440 * 2 ** ((np.asarray(midi) - 69) / 12)
    return np.stack(
        [0.3 * sum(a * np.sin(2 * np.pi * k * f * t) for k, a in enumerate(partials, 1)) for f in hertz]
    ).astype(np.float32)


@pytest.mark.parametrize("baseline", SPECTRAL)
def test_contract_of_an_estimator(baseline):
    S, y = pairs()
    model = baseline()
    assert is_regressor(model)
    assert not get_tags(model).input_tags.two_d_array
    assert get_tags(model).input_tags.three_d_array
    assert model.get_params()["target_transformer"] is None
    assert set(baseline._parameter_constraints) == set(model.get_params())
    with pytest.raises(NotFittedError):
        model.predict(S)
    assert model.fit(S, y) is model
    assert model.n_features_in_ == 33
    predicted = model.predict(S)
    assert predicted.shape == S.shape
    assert predicted.dtype == np.float32
    assert (predicted >= 0).all()
    np.testing.assert_array_equal(model.transform(S), predicted)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(S), predicted)
    assert model.score(S, y) == pytest.approx(-reconstruction_error(y, predicted))
    with pytest.raises(NotFittedError):
        clone(model).predict(S)
    before, again = S.copy(), predicted.copy()
    predicted += 1  # what comes out is the caller's: neither the input nor the fitted state may follow
    np.testing.assert_array_equal(S, before)
    np.testing.assert_array_equal(model.predict(S), again)
    np.testing.assert_array_equal(model.fit(S, y).predict(S), again)


@pytest.mark.parametrize("baseline", SPECTRAL)
def test_bad_input(baseline):
    S, y = pairs()
    model = baseline().fit(S, y)
    for bad, match in [
        (S[:, :20], "20 f"),
        ([s[:20] for s in S], "20 frequencies"),
        (S[0], "Reshape your data"),
        (np.where(S > 2.9, np.nan, S), "NaN"),
    ]:
        with pytest.raises(AudioError, match=match):
            model.predict(bad)
    with pytest.raises(AudioError, match="4 notes and y has 3"):
        baseline().fit(S, y[:3])
    with pytest.raises(AudioError, match="same length"):
        baseline().fit(S, y[:, :, :5])
    with pytest.raises(ValueError, match="target_transformer"):
        baseline(target_transformer="stft").fit(S, y)


@pytest.mark.parametrize("baseline", SPECTRAL)
def test_ragged_in_ragged_out(baseline):
    S, y = pairs()
    lengths = (9, 4, 7, 1)
    ragged_S, ragged_y = ([note[:, :n] for note, n in zip(batch, lengths, strict=True)] for batch in (S, y))
    model = baseline().fit(ragged_S, ragged_y)
    predicted = model.predict(ragged_S)
    assert isinstance(predicted, list)
    assert [p.shape for p in predicted] == [s.shape for s in ragged_S]
    for source, note in zip(ragged_S, predicted, strict=True):
        np.testing.assert_array_equal(model.predict(source[np.newaxis])[0], note)


# A mosaic decides between frames, and decides otherwise after the last digit.
@pytest.mark.parametrize("baseline", [each for each in SPECTRAL if each is not MosaicBaseline])
def test_audio_as_target(baseline):
    X, y = tones([60, 64, 67]), tones([60, 64, 67], partials=(0.2, 1))
    S, T = log1p(X), log1p(y)
    expected = baseline().fit(S, T).predict(S)
    model = baseline().fit(S, y)
    # Two implementations of the STFT round differently.
    np.testing.assert_allclose(model.predict(S), expected, atol=2e-5)
    assert model.score(S, y) == pytest.approx(model.score(S, T), abs=1e-6)
    fine = log1p(X, 512, 128)
    with pytest.raises(AudioError, match="pass target_transformer=LogSTFT"):
        baseline().fit(fine, y)
    own = OwnSTFT(512, 128)
    model = baseline(target_transformer=own).fit(fine, y)
    np.testing.assert_allclose(model.predict(fine), baseline().fit(fine, log1p(y, 512, 128)).predict(fine), atol=1e-6)
    assert not hasattr(own, "fitted_")
    error = reconstruction_error(log1p(y, 512, 128), model.predict(fine))
    assert clone(model).fit(fine, y).score(fine, y) == pytest.approx(-error, abs=1e-6)


@pytest.mark.parametrize("baseline", SPECTRAL)
def test_in_a_pipeline_with_an_inverter(baseline):
    X, y = tones([60, 64, 67]), tones([60, 64, 67], partials=(0.2, 1))
    steps = [("stft", OwnSTFT()), ("baseline", baseline()), ("invert", FunctionTransformer(np.expm1))]
    magnitudes = Pipeline(steps).fit(X, y).transform(X)
    np.testing.assert_allclose(np.log1p(magnitudes), baseline().fit(log1p(X), y).predict(log1p(X)), atol=1e-5)


def test_identity():
    S, y = pairs()
    np.testing.assert_array_equal(IdentityBaseline().fit(S).predict(S), S)
    assert IdentityBaseline().fit(S).score(S) == 0
    errors = [np.mean((S[half] - y[half]) ** 2) for half in (slice(0, 2), slice(2, 4))]
    np.testing.assert_allclose(cross_val_score(IdentityBaseline(), S, y, cv=2), np.negative(errors), rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_per_bin_linear_is_ordinary_least_squares_of_each_bin(seed):
    S, y = pairs(seed)
    model = PerBinLinearBaseline().fit(S, y)
    for k in (0, 7, 32):
        line = LinearRegression().fit(S[:, k].reshape(-1, 1), y[:, k].ravel())
        assert model.coef_[k] == pytest.approx(line.coef_[0], abs=1e-5)
        assert model.intercept_[k] == pytest.approx(line.intercept_, abs=1e-5)
    assert model.score(S, y) >= IdentityBaseline().fit(S, y).score(S, y)


def test_per_bin_linear_where_the_source_never_moves():
    S, y = pairs()
    S[:, 3] = 0.7
    model = PerBinLinearBaseline().fit(S, y)
    assert model.coef_[3] == 0
    np.testing.assert_allclose(model.predict(S)[:, 3], y[:, 3].mean(), rtol=1e-5)


def test_phase_oracle_knows_its_pairs_and_nothing_else():
    S, y = pairs()
    model = PhaseOracleBaseline().fit(S, y)
    np.testing.assert_array_equal(model.predict(S[::-1]), y[::-1])
    np.testing.assert_array_equal(model.predict(S[1:2] + np.float32(1e-5)), y[1:2])
    with pytest.raises(AudioError, match=r"X\[1\] was not in fit"):
        model.predict(np.stack([S[0], S[1] + 0.1]))
    with pytest.raises(AudioError, match="was not in fit"):
        model.predict(S[:, :, :4])
    with pytest.raises(AudioError, match=r"X\[0\] and X\[2\] are the same source"):
        PhaseOracleBaseline().fit(S[[0, 1, 0]], y[:3])
    PhaseOracleBaseline().fit(S[[0, 1, 0]], y[[0, 1, 0]])


def test_phase_oracle_leaves_the_inverters_error():
    X, y = tones([60, 64, 67]), tones([60, 64, 67], partials=(0.2, 1))
    S = PhaseOracleBaseline().fit(log1p(X), y).predict(log1p(X))
    true_phase = stft(y)
    audio = istft(np.expm1(S) * np.exp(1j * np.angle(true_phase)), length=y.shape[1])
    assert spectral_convergence(y, audio, db=True) < -80


def test_transposed_contract():
    midi = [60, 62, 64, 66]
    X, y = tones(midi), tones(midi, partials=(0.2, 1))
    model = TransposedNeighboursBaseline()
    assert is_regressor(model)
    assert get_tags(model).input_tags.two_d_array
    assert set(model._parameter_constraints) == set(model.get_params())
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert model.fit(X, y) is model
    np.testing.assert_allclose(model.pitches_, midi, atol=0.05)
    predicted = model.predict(tones([61, 65]))
    assert predicted.shape == (2, 513, 22)
    assert predicted.dtype == np.float32
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(tones([61, 65])), predicted)
    np.testing.assert_array_equal(clone(model).fit(X, y).predict(tones([61, 65])), predicted)
    np.testing.assert_array_equal(model.transform(tones([61, 65])), predicted)
    ragged = model.predict([tones([61])[0], tones([65], 0.3)[0]])
    np.testing.assert_array_equal(ragged[0], predicted[0])
    assert ragged[1].shape == (513, 13)
    other = TransposedNeighboursBaseline(n_fft=512, hop_length=128).fit(X, y)
    assert other.predict(X).shape == (4, 257, 87)
    assert other.score(X, y) == pytest.approx(-reconstruction_error(log1p(y, 512, 128), other.predict(X)), rel=1e-5)


@settings(max_examples=10, deadline=None)
@given(wanted=st.floats(61, 65))
def test_transposed_tones_are_the_tones(wanted):
    midi = [60, 62, 64, 66]
    X, y = tones(midi, 1.0), tones(midi, 1.0, partials=(0.2, 1))
    model = TransposedNeighboursBaseline().fit(X, y, pitches=midi)
    predicted = model.predict(tones([wanted], 0.5), pitches=[wanted])
    # Half a second from the middle of longer notes: no silence has to fill the end, and both sides are plain tones.
    inner = slice(2, -2)
    true = log1p(tones([wanted], 0.5, partials=(0.2, 1)))
    assert reconstruction_error(true[:, :, inner], predicted[:, :, inner]) < 0.01


def test_pitches_are_heard_at_the_rate():
    X = tones([60, 62], sr=8000)
    np.testing.assert_allclose(TransposedNeighboursBaseline(sr=8000).fit(X, X).pitches_, [60, 62], atol=0.05)


def test_neighbours():
    X = tones([60, 62, 64, 65, 70])
    for n_neighbors, wanted, expected in [
        (1, 61.9, [1]),
        (2, 63, [1, 2]),
        (2, 64, [2, 3]),
        (2, 75, [3, 4]),
        (2, 50, [0, 1]),
        (3, 63.9, [1, 2, 3]),
        (4, 64.5, [1, 2, 3, 4]),
    ]:
        model = TransposedNeighboursBaseline(n_neighbors=n_neighbors).fit(X, X, pitches=[60, 62, 64, 65, 70])
        assert sorted(model._neighbours(wanted)) == expected


def test_transposed_bad_input():
    X = tones([60, 62])
    for parameters in ({"n_neighbors": 0}, {"sr": -1}, {"n_fft": 1}, {"hop_length": 0}):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            TransposedNeighboursBaseline(**parameters).fit(X, X)
    with pytest.raises(ParameterError, match="n_neighbors=4"):
        TransposedNeighboursBaseline(n_neighbors=4).fit(X, X)
    with pytest.raises(ParameterError, match="pitches="):
        TransposedNeighboursBaseline().fit(X, X, pitches=[60])
    with pytest.raises(AudioError, match="2 notes and y has 1"):
        TransposedNeighboursBaseline().fit(X, X[:1])
    with pytest.raises(AudioError, match=r"X\[0\] has no pitch"):
        TransposedNeighboursBaseline().fit(np.zeros_like(X), X)
    with pytest.raises(AudioError, match="shorter than one window"):
        TransposedNeighboursBaseline().fit(X[:, :600], X)
    model = TransposedNeighboursBaseline().fit(X, X)
    for pitches in ([60, np.nan], ["C4", "D4"], 60):
        with pytest.raises(ParameterError, match="pitches="):
            model.predict(X, pitches=pitches)
    with pytest.raises(AudioError):
        model.predict(X[:, :1])


@pytest.fixture(scope="module")
def flute_to_clarinet(notes_folder):
    """Training and validation pairs of the benchmark with their MIDI numbers, 2 s at 22.05 kHz."""
    sides = []
    for instrument in ("flute", "clarinet"):
        notes = {}
        for path in sorted((notes_folder / instrument).glob("*.flac")):
            y, sr = soundfile.read(path, dtype="float32")
            y = soxr.resample(y, sr, SR)[: 2 * SR]
            notes[int(librosa.note_to_midi(path.stem.split(".")[-1]))] = np.pad(y, (0, 2 * SR - len(y)))
        sides.append(notes)
    common = sorted(set(sides[0]) & set(sides[1]))
    valid = [62, 69, 76, 83, 90]
    train = [m for m in common if m not in valid]
    assert len(train) == 30
    return {
        name: (np.array(midi), *(np.stack([side[m] for m in midi]) for side in sides))
        for name, midi in (("train", train), ("valid", valid))
    }


@pytest.mark.parametrize(("baseline", "error"), [(IdentityBaseline, 0.263), (PerBinLinearBaseline, 0.198)])
def test_spectral_baselines_on_real_pairs(flute_to_clarinet, baseline, error):
    (_, X, y), (_, X_valid, y_valid) = flute_to_clarinet["train"], flute_to_clarinet["valid"]
    model = baseline().fit(log1p(X), y)
    assert -model.score(log1p(X_valid), y_valid) == pytest.approx(error, rel=0.05)


@pytest.mark.parametrize(
    ("n_neighbors", "named", "estimated"), [(1, 0.065, 0.079), (2, 0.052, 0.054), (4, 0.050, 0.053)]
)
def test_transposed_neighbours_on_real_pairs(flute_to_clarinet, n_neighbors, named, estimated):
    (midi, X, y), (midi_valid, X_valid, y_valid) = flute_to_clarinet["train"], flute_to_clarinet["valid"]
    model = TransposedNeighboursBaseline(n_neighbors=n_neighbors).fit(X, y, pitches=midi)
    assert -model.score(X_valid, y_valid, pitches=midi_valid) == pytest.approx(named, rel=0.05)
    model.fit(X, y)
    assert -model.score(X_valid, y_valid) == pytest.approx(estimated, rel=0.1)


@pytest.mark.parametrize(("step", "error"), [(-1, 0.065), (1, 0.113)])
def test_one_neighbour_on_real_pairs(flute_to_clarinet, step, error):
    (midi, X, y), (midi_valid, X_valid, y_valid) = flute_to_clarinet["train"], flute_to_clarinet["valid"]
    scores = []
    for i, wanted in enumerate(midi_valid):
        only = midi == wanted + step
        model = TransposedNeighboursBaseline(n_neighbors=1).fit(X[only], y[only], pitches=midi[only])
        scores.append(model.score(X_valid[i : i + 1], y_valid[i : i + 1], pitches=[wanted]))
    assert -np.mean(scores) == pytest.approx(error, rel=0.05)


def test_spectral_envelope_gives_the_partials_of_the_source_the_levels_of_the_target():
    # Partials of the target fall by 12 dB an octave, those of the source do not fall.
    falling = [1 / k**2 for k in range(1, 31)]
    target = log1p(tones([59, 60, 61], partials=falling))
    source = log1p(tones([60], partials=[0.2] * 30))
    predicted = SpectralEnvelopeBaseline().fit(target, target).predict(source)
    f0 = 440 * 2 ** ((60 - 69) / 12)
    at = np.round(f0 * np.arange(1, 14) * 1024 / SR).astype(int)

    def levels(S):
        partials = np.expm1(np.stack([S[0][k - 1 : k + 2].max(axis=0) for k in at]))[:, 4:-4].mean(axis=1)
        return 20 * np.log10(partials)

    slope = np.polyfit(np.log2(np.arange(2, 14)), levels(predicted)[1:], 1)[0]
    assert slope == pytest.approx(-12, abs=2)
    assert np.polyfit(np.log2(np.arange(2, 14)), levels(source)[1:], 1)[0] == pytest.approx(0, abs=1)
    power = [np.sum(np.expm1(S) ** 2, axis=(0, 1)) for S in (predicted, source)]
    np.testing.assert_allclose(*power, rtol=1e-3)


def test_spectral_envelope_keeps_silence():
    S, T = pairs()
    silent = np.zeros_like(S)
    assert not SpectralEnvelopeBaseline().fit(S, T).predict(silent).any()


def test_a_mosaic_plays_the_notes_of_the_target():
    bright, dark = [1, 0.8, 0.6, 0.5, 0.4], [1, 0.3, 0.1, 0.02, 0.01]
    midi = [60, 63, 66, 69, 72]
    source, target = log1p(tones(midi, partials=bright)), log1p(tones(midi, partials=dark))
    model = MosaicBaseline().fit(source, target)
    before, after = reconstruction_error(target, source), reconstruction_error(target, model.predict(source))
    assert after < 0.4 * before
    # Two notes at once, which the dictionary has one at a time.
    both = [log1p(sum(tones([m], partials=p) for m in (60, 69))) for p in (bright, dark)]
    assert reconstruction_error(both[1], model.predict(both[0])) < 0.6 * reconstruction_error(both[1], both[0])


def test_a_mosaic_keeps_silence_and_level():
    S = log1p(tones([60, 64, 67]))
    model = MosaicBaseline().fit(S, S)
    assert not model.predict(np.zeros_like(S)).any()
    softer = np.log1p(0.1 * np.expm1(S))
    np.testing.assert_allclose(np.expm1(model.predict(softer)), 0.1 * np.expm1(model.predict(S)), rtol=1e-2, atol=1e-3)


def test_the_dictionary_of_a_mosaic_is_bounded():
    S = log1p(tones(range(50, 90)))
    model = MosaicBaseline(max_frames=100).fit(S, S)
    assert 60 < model.dictionary_.shape[1] <= 100
    assert MosaicBaseline(n_iter=2, max_frames=10**6).fit(S, S).dictionary_.shape[1] > 700


def test_constraints_of_a_mosaic():
    H = np.random.default_rng(0).uniform(0.1, 1, (30, 40)).astype(np.float32)
    once = MosaicBaseline(repetition=2, polyphony=30, continuity=0)._constrained(H, 0.0)
    for row in once:
        assert np.diff(np.flatnonzero(row)).min() > 2
    few = MosaicBaseline(repetition=0, polyphony=4, continuity=0)._constrained(H, 0.0)
    assert (np.count_nonzero(few, axis=0) == 4).all()
    alone = np.zeros((30, 40), np.float32)
    alone[10, 20] = 1
    joined = MosaicBaseline(repetition=0, polyphony=30, continuity=2)._constrained(alone, 1.0)
    assert sorted(zip(*map(list, np.nonzero(joined)), strict=True)) == [(10 + k, 20 + k) for k in range(-2, 3)]


def test_targets_that_are_no_array_are_refused():
    """A number beside an array is neither audio nor spectra."""
    with pytest.raises(AudioError, match="y: "):
        IdentityBaseline().fit(np.ones((2, 33, 9)), [np.array(1.0), np.ones(5)])


def test_more_coefficients_follow_the_envelope_more_closely():
    k = np.arange(257)[:, np.newaxis]
    source = np.log1p(100 * np.exp(-k / 200) * np.ones(20))[np.newaxis].astype(np.float32)
    formants = 1 + 9 * np.exp(-(((k - 80) / 6) ** 2)) + 9 * np.exp(-(((k - 120) / 6) ** 2))
    target = np.log1p(np.expm1(source) * formants).astype(np.float32)
    errors = [-SpectralEnvelopeBaseline(n).fit(source, target).score(source, target) for n in (5, 60)]
    assert errors[1] < 0.8 * errors[0]
