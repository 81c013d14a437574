"""TimbreTransfer and the forms of ARCHITECTURE: audio in, audio out, inside scikit-learn's own tools."""

import copy
import pickle

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, StreamingInverter, TimbreAutoencoder, TimbreTransfer
from sktimbre.baselines import IdentityBaseline, PerBinLinearBaseline
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import AudioError, ParameterError, PersistenceError
from sktimbre.metrics import f0_error, reconstruction_error
from sktimbre.plotting import TransferDisplay


@pytest.fixture(scope="module")
def notes():
    return make_paired_notes(8, duration=0.4, random_state=0)


def small(**parameters):
    return TimbreAutoencoder("shallow", filters=2, epochs=1, random_state=0, **parameters)


@pytest.fixture(scope="module")
def model(notes):
    return TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=small()).fit(notes.source, notes.target)


def test_score_is_the_negative_reconstruction_error_of_the_spectra(notes, model):
    stft = LogSTFT(n_fft=512).fit(notes.source)
    wanted = np.mean((stft.transform(notes.target) - model.predict_spectra(notes.source)) ** 2)
    assert model.score(notes.source, notes.target) == pytest.approx(-wanted, rel=1e-5)


def test_identity_gives_the_source_back(notes):
    model = TimbreTransfer(autoencoder=IdentityBaseline()).fit(notes.source, notes.target)
    audio = model.predict(notes.source)
    assert audio.shape == notes.source.shape
    assert audio.dtype == np.float32
    assert np.abs(model.set_params(phase="source").predict(notes.source) - notes.source).max() < 1e-2
    assert model.score(notes.source, notes.source) == pytest.approx(0, abs=1e-9)


def test_the_pitch_of_the_output_is_the_source_s(notes):
    model = TimbreTransfer(autoencoder=PerBinLinearBaseline()).fit(notes.source, notes.target)
    assert f0_error(notes.source, model.predict(notes.source), sr=notes.sr) < 10


def test_source_phase_is_the_better_start_where_little_changes(notes):
    """An equaliser leaves the phase nearly as it was, so that no iteration is needed; an estimate needs some."""
    stft = LogSTFT().fit(notes.source)
    equalised = np.log1p(
        np.expm1(stft.transform(notes.source)) * np.linspace(1, 0.3, 513, dtype=np.float32)[:, np.newaxis]
    )
    error = {}
    for phase in (None, stft.complex_transform(notes.source)):
        audio = GriffinLimInverter(0).invert(equalised, phase=phase, length=notes.source.shape[1])
        error[phase is None] = reconstruction_error(equalised, stft.transform(audio))
    assert error[False] < 0.5 * error[True]


def test_phase_source_reaches_the_inverter(notes):
    model = TimbreTransfer(autoencoder=IdentityBaseline(), inverter=GriffinLimInverter(0), phase="source")
    model.fit(notes.source, notes.target)
    np.testing.assert_allclose(model.predict(notes.source), notes.source, atol=1e-3)
    estimated = model.set_params(phase="estimate").predict(notes.source)
    assert np.abs(estimated - notes.source).max() > 0.05


def test_ragged_in_ragged_out(notes, model):
    lengths = [8820, 100, 5000, 7777]
    ragged = [x[:n] for x, n in zip(notes.source, lengths, strict=False)]
    out = model.predict(ragged)
    assert isinstance(out, list)
    assert [len(a) for a in out] == lengths
    for note, audio in zip(ragged, out, strict=True):
        np.testing.assert_allclose(audio, model.predict(note[np.newaxis])[0], atol=1e-4)
    targets = [y[:n] for y, n in zip(notes.target, lengths, strict=False)]
    fitted = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=small()).fit(ragged, targets)
    error = reconstruction_error(fitted.stft_.transform(targets), fitted.predict_spectra(ragged))
    assert fitted.score(ragged, targets) == pytest.approx(-error, rel=1e-5)


@pytest.mark.parametrize("regressor", [Ridge(1.0), make_pipeline(StandardScaler(), LinearRegression())])
def test_any_regressor_is_given_frames_as_rows(notes, regressor):
    model = TimbreTransfer(stft=LogSTFT(n_fft=256), autoencoder=regressor).fit(notes.source, notes.target)
    assert model.autoencoder_.n_features_in_ == 129
    assert model.predict(notes.source).shape == notes.source.shape
    identity = TimbreTransfer(stft=LogSTFT(n_fft=256), autoencoder=IdentityBaseline()).fit(notes.source, notes.target)
    assert model.score(notes.source, notes.target) > identity.score(notes.source, notes.target)


@pytest.mark.parametrize("phase", ["estimate", "source"])
def test_frames_of_the_training_notes_are_no_limit_of_recordings(notes, phase):
    recording = np.concatenate(notes.source)
    parts = {"autoencoder": IdentityBaseline(), "phase": phase}
    short = TimbreTransfer(stft=LogSTFT(n_fft=256, n_frames=50), **parts).fit(notes.source, notes.target)
    whole = TimbreTransfer(stft=LogSTFT(n_fft=256), **parts).fit(notes.source, notes.target)
    assert short.stft_.transform(notes.source).shape[2] == 50
    for result in (model.predict([recording])[0] for model in (short, whole)):
        assert result[-2000:].any()
    for method in ("predict", "predict_spectra", "predict_blocks"):
        results = [list(getattr(model, method)([recording])) for model in (short, whole)]
        np.testing.assert_array_equal(*map(np.concatenate, results))
    assert short.score(notes.source, notes.target) == whole.score(notes.source, notes.target)
    drawn = [TransferDisplay.from_estimator(m, notes.source, notes.target, notes=[0]) for m in (short, whole)]
    for side in drawn[0].spectra:
        np.testing.assert_array_equal(*(np.asarray(d.spectra[side].notes[0]) for d in drawn))
    # Spectra that are cropped are inverted as they are.
    cropped = short.invert_spectra(short.stft_.transform(notes.source), notes.source)
    assert cropped.shape == notes.source.shape


class Bands(TransformerMixin, BaseEstimator):
    """A transformer of another package, which needs its number of frames."""

    def __init__(self, n_frames=40):
        self.n_frames = n_frames

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.stack(
            [np.abs(np.asarray(note)[: 100 * self.n_frames].reshape(self.n_frames, -1).T[:9]) for note in X]
        )


def test_n_frames_of_other_transformers_is_their_own(notes):
    model = TimbreTransfer(stft=Bands(), autoencoder=Ridge(), inverter=GriffinLimInverter(n_fft=16))
    assert model.fit(notes.source, notes.target).predict_spectra(notes.source).shape == (len(notes.source), 9, 40)


def test_weights_of_notes_are_those_of_their_frames(notes):
    lengths = [3000, 5000, 4000]
    X, y = ([note[:n] for note, n in zip(side, lengths, strict=False)] for side in (notes.source, notes.target))
    model = TimbreTransfer(stft=LogSTFT(n_fft=64), autoencoder=Ridge(1.0))
    twice = model.fit(X, y, sample_weight=[1, 2, 1]).predict_spectra(X)
    again = model.fit([*X, X[1]], [*y, y[1]]).predict_spectra(X)
    once = model.fit(X, y).predict_spectra(X)
    for a, b, other in zip(twice, again, once, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
        assert not np.allclose(a, other, atol=1e-4)


@pytest.mark.parametrize("given", [list, lambda X: iter(list(zip(X, X, strict=True)))])
def test_a_new_fit_forgets_the_features_of_the_former(notes, given):
    model = TimbreTransfer(stft=LogSTFT(n_fft=64), autoencoder=Ridge(1.0))
    named = pd.DataFrame(notes.source).rename(columns=str)
    model.fit(named, notes.target)
    X = [note[:3000] for note in notes.source]
    model.fit(given(X), None if given is not list else X)
    assert not {"n_features_in_", "feature_names_in_"} & set(vars(model))
    stft = LogSTFT(n_fft=64).fit(named).fit(X)
    assert stft.transform(notes.source).shape == (len(X), 33, 1 + notes.source.shape[1] // 32)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        stft.transform(named.rename(columns=lambda name: name + "x"))


@pytest.mark.parametrize("phase", ["estimate", "source"])
def test_blocks_of_any_size_give_the_recording_back_continuously(notes, phase):
    recording = np.concatenate(notes.source)
    model = TimbreTransfer(autoencoder=IdentityBaseline(), phase=phase).fit(notes.source, notes.target)
    results = [
        np.concatenate(list(model.predict_blocks(np.array_split(recording, n), piece=1.0, overlap=0.2)))
        for n in (1, 7, 400)
    ]
    for result in results:
        assert result.shape == recording.shape
        np.testing.assert_array_equal(result, results[0])
    # What comes out has the spectra of what went in, at the borders of pieces as elsewhere.
    stft = LogSTFT().fit(recording[np.newaxis])
    wanted, given = (np.expm1(stft.transform(a[np.newaxis])[0]) for a in (recording, results[0]))
    error = np.linalg.norm(given - wanted, axis=0) / (np.linalg.norm(wanted, axis=0) + 1e-2 * wanted.max())
    assert np.median(error) < 0.1
    assert error.max() < 0.6
    assert sum(len(block) for block in model.predict_blocks([])) == 0
    assert len(np.concatenate(list(model.predict_blocks([recording[:50]])))) == 50


@settings(deadline=None, max_examples=20)
@given(n_samples=st.integers(1, 30000), piece=st.floats(0.2, 1.0), block=st.integers(1, 9000))
def test_blocks_give_as_many_samples_as_they_take(model, n_samples, piece, block):
    y = np.sin(np.arange(n_samples, dtype=np.float32) / 9)
    blocks = [y[start : start + block] for start in range(0, n_samples, block)]
    assert sum(len(b) for b in model.predict_blocks(blocks, piece=piece, overlap=0.1)) == n_samples


def test_the_plain_pipelines(notes):
    X, y = notes.source, notes.target
    two = Pipeline([("stft", LogSTFT()), ("autoencoder", small())]).fit(X, y)
    assert two.predict(X).shape == (8, 513, 18)
    assert two.score(X, y) < 0
    three = Pipeline([("stft", LogSTFT()), ("autoencoder", small()), ("invert", GriffinLimInverter(3))])
    assert three.fit(X, y).transform(X).shape == (8, 17 * 512)


def test_transformed_target_regressor(notes):
    X, y = notes.source, notes.target
    regressor = Pipeline([("stft", LogSTFT()), ("autoencoder", small())])
    model = TransformedTargetRegressor(regressor=regressor, transformer=LogSTFT(), check_inverse=False).fit(X, y)
    assert model.predict(X).shape == y.shape


@pytest.mark.slow
def test_grid_search_reaches_every_level_and_scores_are_finite(notes):
    model = TimbreTransfer(stft=LogSTFT(n_fft=256), autoencoder=small())
    grid = {
        "autoencoder__filters": [2, 3],
        "stft__hop_length": [64, 128],
        "autoencoder__optimizer__learning_rate": [1e-3, 1e-2],
    }
    search = GridSearchCV(model, grid, cv=2).fit(notes.source, notes.target)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.inverter_.hop_length == search.best_params_["stft__hop_length"]
    assert search.predict(notes.source).shape == notes.source.shape
    plain = Pipeline([("stft", LogSTFT()), ("autoencoder", small())])
    assert np.isfinite(cross_val_score(plain, notes.source, notes.target, cv=2)).all()


def test_voting_takes_it_for_a_regressor_and_refuses_its_targets_only(notes, model):
    """scikit-learn's ensembles want one-dimensional targets; that, and nothing about the estimator, is what they refuse."""
    with pytest.raises(ValueError, match="1d array"):
        VotingRegressor([("a", model), ("b", model)]).fit(notes.source, notes.target)


@pytest.mark.parametrize("store", ["pickle", "joblib", "sktimbre"])
def test_stored_models_predict_the_same(notes, model, store, tmp_path):
    path = tmp_path / "model.bin"
    if store == "pickle":
        copy = pickle.loads(pickle.dumps(model))
    elif store == "joblib":
        joblib.dump(model, path)
        copy = joblib.load(path)
    else:
        copy = sktimbre.load(sktimbre.save(model, path))
    np.testing.assert_array_equal(copy.predict_spectra(notes.source), model.predict_spectra(notes.source))
    assert copy.get_params()["autoencoder__filters"] == 2


def test_loading_refuses_what_is_not_ours(tmp_path):
    path = tmp_path / "model.sktimbre"
    with pytest.raises(PersistenceError, match="cannot be read"):
        sktimbre.load(path)
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(PersistenceError, match="not written by sktimbre"):
        sktimbre.load(path)
    sktimbre.save(Ridge(), path, overwrite=True)
    with pytest.raises(PersistenceError, match="exists"):
        sktimbre.save(Ridge(), path)
    with pytest.raises(PersistenceError, match="does not trust"):
        sktimbre.load(sktimbre.save(TimbreAutoencoder(np.sum), path, overwrite=True))


def test_validation_data_is_audio(notes):
    X, y = notes.source, notes.target
    model = TimbreTransfer(autoencoder=small()).fit(X[:6], y[:6], validation_data=(X[6:], y[6:]))
    assert "val_loss" in model.autoencoder_.history_
    with pytest.raises(AudioError, match=r"validation_data\[0\] has 2 notes"):
        TimbreTransfer(autoencoder=small()).fit(X, y, validation_data=(X[6:], y[5:]))


def test_receptive_field_in_milliseconds_and_hertz(notes, model):
    # Two 3x3 convolutions over frames of 512 samples, 256 apart; level and loudness look further.
    assert model.receptive_field_.milliseconds > 1000
    plain = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=small(normalize_level=False), loudness=0, noise=0)
    extent = plain.fit(notes.source, notes.target).receptive_field_
    assert extent.milliseconds == pytest.approx(1000 * (4 * 256 + 512) / 22050)
    assert extent.hertz == pytest.approx(5 * 22050 / 512)


@pytest.mark.parametrize("latency", [0.0465, 0.07, 0.12, 0.25, 0.5])
@pytest.mark.parametrize("sizes", [{}, {"n_fft": 512, "hop_length": 128}])
@pytest.mark.parametrize("phase", ["estimate", pytest.param("source", marks=pytest.mark.slow)])
def test_sound_comes_after_at_most_the_latency(convert_while_it_comes, notes, latency, sizes, phase):
    X = np.concatenate([notes.source[0], np.zeros(3000, np.float32), notes.source[1]])
    model = TimbreTransfer(LogSTFT(**sizes), IdentityBaseline(), phase=phase).fit(notes.source, notes.target)
    out, worst = convert_while_it_comes(model, X, latency)
    assert worst <= latency * 22050 + 7
    assert worst > 0.4 * latency * 22050
    # Identity gives the source back to within phase retrieval.
    y = np.concatenate(out)
    assert y.shape == X.shape
    S, P = LogSTFT().transform(np.stack([X, y]))
    assert np.mean((S - P) ** 2) < 0.1 * np.mean(S**2)


def test_latency_that_no_model_has_is_refused(notes):
    X, y = notes.source, notes.target
    model = TimbreTransfer(autoencoder=IdentityBaseline()).fit(X, y)
    with pytest.raises(ParameterError, match=r"latency=0.02 s is below 0.04644 s"):
        model.predict_blocks([X[0]], latency=0.02)
    with pytest.raises(ParameterError, match=r"latency=0\.1 needs a LogSTFT with center=True"):
        TimbreTransfer(LogSTFT(center=False), IdentityBaseline()).fit(X, y).predict_blocks([X[0]], latency=0.1)


def test_parts_that_do_not_fit_are_refused(notes):
    X, y = notes.source, notes.target
    with pytest.raises(ParameterError, match=r"inverter has hop_length=64, the stft hop_length=512"):
        TimbreTransfer(inverter=GriffinLimInverter(hop_length=64), autoencoder=small()).fit(X, y)
    with pytest.raises(ParameterError, match="phase='estimate'"):
        TimbreTransfer(stft=make_pipeline(LogSTFT()), autoencoder=small(), phase="source").fit(X, y)
    with pytest.raises(AudioError, match="8 notes and y has 7"):
        TimbreTransfer(autoencoder=small()).fit(X, y[:7])
    with pytest.raises(AudioError, match=r"X\[0\] has shape \(8820,\) and y\[0\] has shape \(8000,\)"):
        TimbreTransfer(autoencoder=small()).fit(X, y[:, :8000])
    with pytest.raises(ParameterError, match="overlap"):
        list(TimbreTransfer(autoencoder=IdentityBaseline()).fit(X, y).predict_blocks([X[0]], piece=1, overlap=2))


def test_the_inverter_takes_over_the_transform(notes):
    given = {"n_fft": 256, "hop_length": 64, "win_length": 200, "window": "hamming", "center": False}
    model = TimbreTransfer(LogSTFT(**given), IdentityBaseline()).fit(notes.source, notes.target)
    assert {name: getattr(model.inverter_, name) for name in given} == given


def test_spectra_below_zero_are_silence(notes):
    """A linear regressor knows no lower end."""

    class Below(IdentityBaseline):
        def predict(self, X):
            return np.asarray(X) - 1

    X = notes.source[:2]
    model = TimbreTransfer(autoencoder=Below(), loudness=0, noise=0).fit(X, X)
    np.testing.assert_allclose(model.predict_spectra(X), np.maximum(LogSTFT().transform(X) - 1, 0), atol=1e-6)


def test_clone_forgets_what_was_fitted(model):
    assert not hasattr(clone(model), "autoencoder_")


@pytest.mark.parametrize("n_samples", [8192, 8193, 8700, 8703])
def test_no_click_at_the_end_of_a_note(n_samples):
    """The last samples stand under the end of one window; inconsistent spectra must not be blown up there."""
    rng = np.random.default_rng(0)
    X = (0.5 * np.sin(np.arange(n_samples) / 8) * np.ones((2, 1))).astype(np.float32)

    class Noisy(IdentityBaseline):
        def predict(self, S):
            return np.maximum(S + rng.normal(0, 0.3, np.shape(S)), 0).astype(np.float32)

    audio = TimbreTransfer(autoencoder=Noisy()).fit(X, X).predict(X)
    assert audio.shape == X.shape
    assert np.abs(audio[:, -300:]).max() < 1.5 * np.abs(audio[:, 1000:-1000]).max()


def test_silence_stays_silent(notes, model):
    X = notes.source.copy()
    X[:, 1500:7000] = 0
    out = model.predict(X)
    # A tenth of a second may sound on after an end, nothing may sound ahead of a beginning.
    assert np.abs(out[:, 1500 + 2205 + 512 : 6400]).max() < 1e-3
    assert not model.predict(np.zeros((1, 5000), np.float32)).any()


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("n_samples", [4000, 4096, 4399])
def test_audio_is_as_long_and_to_its_end_as_loud_as_its_spectra_say(n_samples, ragged):
    X = (0.5 * np.sin(np.arange(n_samples) / 8) * np.ones((2, 1))).astype(np.float32)
    model = TimbreTransfer(autoencoder=IdentityBaseline()).fit(X, X)
    given = [X[0], X[1, :3000]] if ragged else X
    S = LogSTFT().transform(given)
    for wanted, got, audio, note in zip(S, model.predict_spectra(given), model.predict(given), given, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)
        assert audio.shape == note.shape
        assert np.std(audio[-500:]) == pytest.approx(np.std(note[-500:]), rel=0.2)
    assert model.score(X, X) > -1e-6


def test_a_release_fades_away():
    class SoundsOn(IdentityBaseline):
        def predict(self, S):
            return np.ones(np.shape(S), np.float32)

    X = np.zeros((1, 22050), np.float32)
    X[0, 5000:8000] = 0.5 * np.sin(np.arange(3000) / 5)
    S = TimbreTransfer(autoencoder=SoundsOn(), loudness=0).fit(X, X).predict_spectra(X)[0]
    sounding = LogSTFT().transform(X)[0].any(axis=0)
    last = np.flatnonzero(sounding)[-1]
    level = 20 * np.log10(np.maximum(np.expm1(S[0]), 1e-9))
    assert (S[:, sounding] == 1).all()
    assert not S[:, : np.flatnonzero(sounding)[0]].any()
    np.testing.assert_allclose(np.diff(level[last : last + 5]), -60 / 5, atol=1e-3)
    assert not S[:, last + 5 :].any()


# --- the contract of scikit-learn


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_fails_leaves_a_fitted_model_as_it_was(notes, method):
    model = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=small()).fit(notes.source, notes.target)
    before, expected = dict(vars(model)), model.predict(notes.source)
    shorter = notes.source[:, :4000]
    for X, y in ((shorter, notes.target), (shorter, np.full_like(shorter, np.nan)), (shorter[:3], shorter[:2])):
        with pytest.raises(AudioError):
            getattr(model, method)(X, y)
    with pytest.raises(AudioError):
        model.fit(shorter, shorter, validation_data=(shorter, shorter[:2]))
    assert dict(vars(model)) == before
    np.testing.assert_array_equal(model.predict(notes.source), expected)


def test_callbacks_and_validation_data_are_routed_through_searches(notes):
    """With routing enabled the autoencoder has to request them, as scikit-learn demands; else they are passed on."""
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(set(logs)))
    given = {"callbacks": [callback], "validation_data": (notes.source[:3], notes.target[:3])}
    X, y = notes.source, notes.target
    with sklearn.config_context(enable_metadata_routing=True):
        asking = small().set_fit_request(callbacks=True, validation_data=True)
        TimbreTransfer(autoencoder=asking).fit(X, y, **given)
        GridSearchCV(TimbreTransfer(autoencoder=asking), {"loudness": [0.0]}, cv=2).fit(X, y, **given)
        Pipeline([("transfer", TimbreTransfer(autoencoder=asking))]).fit(X, y, **given)
        assert len(seen) == 1 + 3 + 1
        assert all("val_loss" in logs for logs in seen)
        with pytest.raises(UnsetMetadataPassedError, match="callbacks"):
            TimbreTransfer(autoencoder=small()).fit(X, y, **given)
    GridSearchCV(TimbreTransfer(autoencoder=small()), {"loudness": [0.0]}, cv=2).fit(X, y, **given)
    assert len(seen) == 5 + 3


def test_spectra_have_no_columns():
    """Arrays of three dimensions are no data frames: `set_output` is not there, and the configuration changes nothing."""
    X = np.zeros((2, 2048), np.float32)
    for transformer, data in ((LogSTFT(), X), (GriffinLimInverter(1), np.zeros((2, 33, 9), np.float32))):
        assert not hasattr(transformer, "set_output")
        with sklearn.config_context(transform_output="pandas"):
            assert type(transformer.fit_transform(data)) is np.ndarray
    with pytest.raises(ValueError, match="Unable to configure output"):
        Pipeline([("stft", LogSTFT()), ("autoencoder", small())]).set_output(transform="pandas")


# --- recordings in pieces


@pytest.fixture(scope="module")
def default_network(notes):
    """The default network, trained for a moment."""
    autoencoder = TimbreAutoencoder(filters=4, epochs=4, optimizer__learning_rate=2e-2, random_state=0)
    return TimbreTransfer(autoencoder=autoencoder, inverter=GriffinLimInverter(3)).fit(notes.source, notes.target)


@pytest.fixture(scope="module")
def swelling(notes):
    """A recording of 16 s whose level moves slowly and fast."""
    y = np.tile(notes.source.ravel(), 2)[:88200]
    y *= np.abs(np.sin(np.arange(len(y)) / 9000)) * np.geomspace(0.02, 1, len(y))
    return np.concatenate([y, y[::-1], y, 0.1 * y]).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("phase", [pytest.param("estimate", marks=pytest.mark.slow), "source"])
def test_pieces_agree_with_the_whole(swelling, default_network, phase):
    model = copy.copy(default_network).set_params(phase=phase)
    context = model._conversion.context * 512 / model.sr
    assert 2 < context < 3  # seconds, to each side
    whole, S = model.predict([swelling])[0], model.predict_spectra([swelling])
    enough, short = (
        np.concatenate(list(model.predict_blocks([swelling], piece=piece, overlap=0.1)))
        for piece in (4.01 * context, 1)
    )
    errors = [reconstruction_error(S, [audio]) for audio in (whole, enough, short)]
    assert errors[1] < 1.02 * errors[0]
    # Pieces that are too short lack what the network sees beyond them.
    assert errors[2] > 1.05 * errors[0]
    if phase == "source":
        # The same phases to begin with give nearly the same audio.
        assert np.linalg.norm(enough - whole) < 0.1 * np.linalg.norm(whole)


def test_pieces_have_the_spectra_of_the_whole(notes, monkeypatch):
    """What is kept of a piece for the next one is certain: no frame whose level could still change."""
    network = TimbreAutoencoder("shallow", filters=2, epochs=1, validation_split=0, random_state=0)
    model = TimbreTransfer(LogSTFT(n_fft=256), network).fit(notes.source, notes.target)
    swells = np.abs(np.sin(np.arange(20 * 22050) / 5000)) * np.sin(np.arange(20 * 22050) / 9)
    y, pushed, push = swells.astype(np.float32), [], StreamingInverter.push

    def spy(stream, S, phase=None):
        pushed.append(np.array(S))
        return push(stream, S, phase)

    monkeypatch.setattr(StreamingInverter, "push", spy)
    seconds = model._conversion.context * 128 / model.sr
    for _ in model.predict_blocks([y], piece=4.5 * seconds, overlap=0.1):
        pass
    assert len(pushed) >= 4
    np.testing.assert_allclose(np.concatenate(pushed, axis=1), model.predict_spectra([y])[0], atol=1e-4)


@pytest.mark.parametrize(("sr", "n_fft"), [(8000, 512), (22050, 1024), (44100, 2048), (48000, 2048)])
def test_the_window_follows_the_sample_rate(sr, n_fft):
    X = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 2 * n_fft)).astype(np.float32)
    model = TimbreTransfer(autoencoder=IdentityBaseline(), sr=sr).fit(X, X)
    assert model.stft_.geometry.n_fft == model.inverter_.n_fft == n_fft
    assert TimbreTransfer(LogSTFT(n_fft=256), IdentityBaseline(), sr=sr).fit(X, X).stft_.geometry.n_fft == 256


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    "stft", [LogSTFT(n_fft=512), make_pipeline(LogSTFT(n_fft=512)), LogSTFT(n_fft=512, center=False)]
)
def test_parts_of_any_kind_convert_recordings(notes, stft, own):
    inverter = GriffinLimInverter(n_fft=512, center=getattr(stft, "center", True))
    model = TimbreTransfer(stft, IdentityBaseline(), inverter if own else make_pipeline(inverter), loudness=0.5)
    model.fit(notes.source, notes.target)
    recording = np.concatenate(notes.source)
    out = np.concatenate(list(model.predict_blocks([recording], piece=0.5, overlap=0.1)))
    assert out.shape == recording.shape
    wanted, given = LogSTFT().transform([recording, out])
    assert np.mean((wanted - given) ** 2) < 0.05 * np.mean(wanted**2)


@pytest.mark.parametrize(
    ("blocks", "options", "words"),
    [
        (np.zeros(100), {}, r"\[recording\]"),
        (3, {}, "iterable"),
        ([], {"piece": 1, "overlap": 2}, "overlap"),
        ([], {"piece": -1}, "piece"),
        ([], {"overlap": "x"}, "overlap"),
    ],
)
def test_arguments_of_blocks_are_checked_at_the_call(notes, model, blocks, options, words):
    with pytest.raises(ParameterError, match=words):
        model.predict_blocks(blocks, **options)
    with pytest.raises(NotFittedError):
        TimbreTransfer().predict_blocks([])


def test_any_spectra_have_one_way_to_audio(notes, model):
    S = model.predict_spectra(notes.source)
    np.testing.assert_array_equal(model.invert_spectra(S, notes.source), model.predict(notes.source))
    identity = copy.copy(model).set_params(phase="source")
    audio = identity.invert_spectra(model.stft_.transform(notes.source), notes.source)
    assert np.abs(audio - notes.source).max() < 1e-2
    with pytest.raises(AudioError):
        model.invert_spectra(S[:2], notes.source)


@pytest.mark.parametrize("architecture", ["unet", "shallow", "dilated_residual"])
def test_a_network_predicts_the_rest_of_a_note_alone(notes, architecture):
    network = TimbreAutoencoder(architecture, filters=4, epochs=1, random_state=0)
    model = TimbreTransfer(autoencoder=network).fit(notes.source, notes.target)
    (S,) = LogSTFT().transform(np.concatenate(notes.source)[np.newaxis])
    (whole,) = model.autoencoder_.predict(S[np.newaxis])
    for start in (0, 1, 30, 57, S.shape[1] - 1):
        rest = model.autoencoder_.network_.predict_rest(S, start)
        np.testing.assert_allclose(rest, whole[:, start:], atol=1e-5)
