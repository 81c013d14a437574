"""TimbreAutoencoder: what fitting, predicting and storing promise."""

import pickle
import random
import subprocess
import sys
import warnings

import joblib
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from sktimbre import LogSTFT, TimbreAutoencoder
from sktimbre.autoencoder import THESIS, shallow
from sktimbre.autoencoder import network as network_module
from sktimbre.exceptions import AudioError, CollapsedModelWarning, ParameterError

PLAIN = {name: THESIS[name] for name in ("activation", "schedule", "augment", "normalize_level", "quiet_weight")}
SMALL = {**PLAIN, "architecture": "shallow", "filters": 4, "random_state": 0}


@pytest.fixture(scope="module")
def fitted(pair):
    return TimbreAutoencoder(**SMALL, epochs=3).fit(*pair)


@pytest.mark.parametrize(
    "architecture",
    ["shallow", *(pytest.param(n, marks=pytest.mark.slow) for n in ("dilated", "residual", "dilated_residual"))],
)
def test_training_lowers_the_error(pair, architecture):
    parameters = {**SMALL, "architecture": architecture, "filters": 8, "optimizer__learning_rate": 3e-3}
    model = TimbreAutoencoder(**parameters, epochs=30).fit(*pair)
    error = model.history_["val_reconstruction_error"]
    assert error[-1] < 0.5 * error[0]
    assert -model.score(*pair) < np.var(pair[1])


def test_history_has_an_entry_for_each_epoch(fitted):
    assert set(fitted.history_) == {"loss", "reconstruction_error", "val_loss", "val_reconstruction_error"}
    assert {len(values) for values in fitted.history_.values()} == {3}


@pytest.mark.backends
def test_history_ends_in_the_error_that_score_measures(pair):
    S, T = pair
    model = TimbreAutoencoder(**SMALL, epochs=2, validation_split=0).fit(S[:6], T[:6], validation_data=(S[6:], T[6:]))
    assert model.history_["val_reconstruction_error"][-1] == pytest.approx(-model.score(S[6:], T[6:]), rel=0.05)


@pytest.mark.slow
def test_held_out_errors_are_of_the_notes_own_level(pair):
    """Quiet notes are trained on at the level of full ones, and judged at their own."""
    S, T = (np.log1p(0.01 * np.expm1(side)) for side in pair)
    model = TimbreAutoencoder(filters=2, epochs=2, random_state=0).fit(S[:6], T[:6], validation_data=(S[6:], T[6:]))
    assert model.history_["val_reconstruction_error"][-1] == pytest.approx(-model.score(S[6:], T[6:]), rel=0.05)
    assert model.history_["val_loss"][-1] > 10 * model.history_["val_reconstruction_error"][-1]


@pytest.mark.slow
def test_without_target_it_reconstructs(pair):
    S, _ = pair
    model = TimbreAutoencoder(**SMALL, epochs=40, optimizer__learning_rate=1e-2).fit(S)
    assert -model.score(S) < 0.5 * np.var(S)


@pytest.mark.backends
def test_two_fits_are_equal_to_the_bit_and_leave_global_random_states_alone(pair):
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002  (the global state is what this is about)
    first = TimbreAutoencoder(**SMALL, dropout=0.2, epochs=2).fit(*pair)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    keras.utils.set_random_seed(7)
    second = TimbreAutoencoder(**SMALL, dropout=0.2, epochs=2).fit(*pair)
    for a, b in zip(first.network_.weights, second.network_.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    third = TimbreAutoencoder(**{**SMALL, "random_state": 1}, dropout=0.2, epochs=2).fit(*pair)
    assert not np.array_equal(first.network_.weights[0], third.network_.weights[0])


@pytest.mark.backends
def test_fitting_twice_equals_fitting_once(pair):
    model = TimbreAutoencoder(**SMALL, epochs=1)
    once = model.fit(*pair).predict(pair[0])
    np.testing.assert_array_equal(model.fit(*pair).predict(pair[0]), once)


@pytest.mark.slow
def test_pickle_is_small_and_predicts_the_same_in_a_fresh_process(pair, tmp_path):
    model = TimbreAutoencoder(**{**SMALL, "filters": 64}, epochs=1).fit(*pair)
    expected = model.predict(pair[0])
    assert len(pickle.dumps(model)) <= 1.1 * 4 * model.n_parameters_ + 32_000
    joblib.dump(model, tmp_path / "model.joblib")
    np.save(tmp_path / "S.npy", pair[0])
    code = (
        "import joblib, numpy as np, sys; m = joblib.load(sys.argv[1] + '/model.joblib');"
        "np.save(sys.argv[1] + '/P.npy', m.predict(np.load(sys.argv[1] + '/S.npy')))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "P.npy"), expected)


@settings(deadline=None, max_examples=15)
@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=4))
def test_any_frame_count_and_ragged_equals_loop(fitted, lengths):
    rng = np.random.default_rng(0)
    notes = [rng.random((33, n)).astype(np.float32) for n in lengths]
    predicted = fitted.predict(notes)
    assert isinstance(predicted, list)
    for note, out in zip(notes, predicted, strict=True):
        assert out.min() >= 0
        np.testing.assert_allclose(out, fitted.predict(note[np.newaxis])[0], atol=1e-5)


@pytest.mark.backends
@pytest.mark.parametrize("architecture", ["dilated", "dilated_residual"])
@pytest.mark.parametrize("n_frames", [400, 1501])
def test_long_recordings_run_in_pieces_and_give_what_the_whole_gives(pair, architecture, n_frames, monkeypatch):
    model = TimbreAutoencoder(architecture, filters=2, epochs=1, random_state=0).fit(*pair)
    S = np.random.default_rng(1).random((2, 33, n_frames), np.float32)
    whole = model.predict(S)
    monkeypatch.setattr(network_module, "WORKING_BYTES", 1)
    assert model.network_._longest_piece(n_frames) < n_frames
    np.testing.assert_allclose(model.predict(S), whole, atol=1e-5)


@pytest.mark.backends
def test_padding_does_not_count(pair):
    """A short note teaches the same whether it stands alone or beside a long one in the batch."""
    S, T = pair
    lengths = [20, 9, 20, 5, 20, 20, 13, 20, 20]
    ragged = TimbreAutoencoder(**SMALL, epochs=2, batch_size=9, validation_split=0)
    ragged.fit([s[:, :n] for s, n in zip(S, lengths, strict=True)], [t[:, :n] for t, n in zip(T, lengths, strict=True)])
    spoilt_S, spoilt_T = S.copy(), T.copy()
    for i, n in enumerate(lengths):
        spoilt_S[i, :, n:] = 0
        spoilt_T[i, :, n:] = 0
    counted = TimbreAutoencoder(**SMALL, epochs=2, batch_size=9, validation_split=0).fit(spoilt_S, spoilt_T)
    total = sum(n for n in lengths)
    # Counting the silent padding lowers the first epoch's mean; not counting it leaves the sum over real frames.
    assert ragged.history_["reconstruction_error"][0] > counted.history_["reconstruction_error"][0] * 1.05
    real = counted.history_["reconstruction_error"][0] * 180 / total
    assert ragged.history_["reconstruction_error"][0] == pytest.approx(real, rel=0.1)


def test_targets_may_be_audio():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(-1, 1, (2, 4, 3000)).astype(np.float32)
    stft = LogSTFT(n_fft=128)
    S = stft.fit_transform(X)
    model = TimbreAutoencoder(**SMALL, epochs=1, target_transformer=stft).fit(S, y)
    reference = TimbreAutoencoder(**SMALL, epochs=1).fit(S, stft.transform(y))
    np.testing.assert_array_equal(model.predict(S), reference.predict(S))
    assert model.score(S, y) == pytest.approx(reference.score(S, stft.transform(y)))
    with pytest.raises(AudioError, match=r"\(65, 47\).*\(513, 6\).*target_transformer=LogSTFT"):
        TimbreAutoencoder(**SMALL).fit(S, y)


@pytest.mark.backends
def test_encode_and_decode(pair):
    S, T = pair
    for architecture, code in (("shallow", (9, 33, 20, 4)), ("dilated_residual", (9, 17, 10, 4))):
        model = TimbreAutoencoder(**{**SMALL, "architecture": architecture}, epochs=1).fit(S, T)
        encoded = model.encode(S)
        assert encoded.shape == code
        np.testing.assert_allclose(model.decode(encoded), model.predict(S), atol=1e-5)
        with pytest.raises(AudioError, match="contains no code"):
            model.decode(encoded[:0])


@pytest.mark.backends
def test_early_stopping_keeps_the_best_weights(pair):
    S, T = pair
    model = TimbreAutoencoder(**SMALL, epochs=60, early_stopping=2, optimizer__learning_rate=0.3)
    model.fit(S[:6], T[:6], validation_data=(S[6:], T[6:]))
    errors = model.history_["val_reconstruction_error"]
    assert len(errors) < 60
    assert -model.score(S[6:], T[6:]) <= min(errors) * 1.05


def test_optimizer_parameters_reach_the_optimizer(pair, monkeypatch):
    seen = {}

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen["optimizer"] = self.model.optimizer
            seen.setdefault("rates", []).append(float(self.model.optimizer.learning_rate))

    TimbreAutoencoder(
        **SMALL,
        epochs=2,
        optimizer="sgd",
        optimizer__learning_rate=0.01,
        optimizer__momentum=0.9,
        optimizer__nesterov=True,
        optimizer__clipnorm=1.5,
        optimizer__weight_decay=1e-4,
        decay=0.5,
    ).fit(*pair, callbacks=[Recorder()])
    optimizer = seen["optimizer"]
    assert (optimizer.momentum, optimizer.nesterov, optimizer.clipnorm, optimizer.weight_decay) == (
        0.9,
        True,
        1.5,
        1e-4,
    )
    np.testing.assert_allclose(seen["rates"], 0.01 / (1 + 0.5 * np.arange(len(seen["rates"]))), rtol=1e-5)


def test_optimizer_instances_are_copied(pair):
    optimizer = keras.optimizers.SGD(0.01)
    TimbreAutoencoder(**SMALL, optimizer=optimizer, epochs=1).fit(*pair)
    assert not optimizer.built
    with pytest.raises(ParameterError, match="learning_rate"):
        TimbreAutoencoder(**SMALL, optimizer=optimizer, optimizer__learning_rate=0.1).fit(*pair)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"optimizer__nesterov": True}, "optimizer__nesterov=True"),
        ({"optimizer": "nonsense"}, "nonsense"),
        ({"architecture": "nonsense"}, "architecture"),
        ({"depth": 5}, "depth"),
        ({"dropout": 1.0}, "dropout"),
        ({"architecture": lambda n, options: 3}, "keras.Model"),
        (
            {
                "architecture": lambda n, options: keras.Sequential(
                    [keras.Input((n, None, 1)), keras.layers.Conv2D(2, 3)]
                )
            },
            "shape",
        ),
    ],
)
def test_bad_parameters_are_refused_by_name(pair, parameters, named):
    with pytest.raises(ValueError, match=named):
        TimbreAutoencoder(**{**SMALL, **parameters}, epochs=1).fit(*pair)


def test_an_architecture_of_one_s_own(pair):
    def linear(n_frequencies, options):
        spectra = keras.Input((n_frequencies, None, 1))
        return keras.Model(spectra, keras.layers.Conv2D(1, (3, 1), padding="same")(spectra))

    model = TimbreAutoencoder(linear, normalize_level=False, epochs=1).fit(*pair)
    assert model.predict(pair[0]).shape == pair[0].shape
    assert model.receptive_field_ == (1, 3)
    with pytest.raises(ParameterError, match="no layer named 'code'"):
        model.encode(pair[0])
    assert TimbreAutoencoder(shallow, filters=4, epochs=1).fit(*pair).encode(pair[0]).shape == (9, 33, 20, 4)


def test_collapse_is_reported_with_the_remedy(pair):
    def silent(n_frequencies, options):
        spectra = keras.Input((n_frequencies, None, 1))
        return keras.Model(spectra, keras.layers.Rescaling(0.0)(keras.layers.Conv2D(1, 1)(spectra)))

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        TimbreAutoencoder(silent, epochs=1).fit(*pair)
    (message,) = (str(w.message) for w in seen if w.category is CollapsedModelWarning)
    assert "learning_rate" in message


@pytest.mark.filterwarnings("error::sktimbre.exceptions.CollapsedModelWarning")
def test_constant_targets_are_no_collapse(pair):
    S, _ = pair
    TimbreAutoencoder(**SMALL, epochs=1).fit(S, np.ones_like(S))


def test_bad_pairs_are_refused_before_training(pair, fitted):
    S, T = pair
    with pytest.raises(AudioError, match=r"\(33, 20\).*\(33, 5\)"):
        TimbreAutoencoder(**SMALL).fit(S, T[:, :, :5])
    with pytest.raises(AudioError, match="9 notes and y has 4"):
        TimbreAutoencoder(**SMALL).fit(S, T[:4])
    with pytest.raises(AudioError, match=r"17 features.*expecting 33"):
        fitted.predict(S[:, :17])
    with pytest.raises(NotFittedError):
        TimbreAutoencoder().predict(S)


@pytest.mark.backends
@pytest.mark.parametrize("n_notes", [1, 2, 3])
def test_few_notes_train_and_validate(pair, n_notes):
    S, T = pair
    model = TimbreAutoencoder(**SMALL, epochs=1).fit(S[:n_notes], T[:n_notes])
    assert len(model.validation_indices_) == (0 if n_notes == 1 else 1)
    assert ("val_loss" in model.history_) == (n_notes > 1)


def test_a_failed_fit_leaves_the_fitted_model_alone(pair):
    model = TimbreAutoencoder(**SMALL, epochs=1).fit(*pair)
    before = model.predict(pair[0])
    with pytest.raises(AudioError):
        model.fit(pair[0], pair[1][:3])
    np.testing.assert_array_equal(model.predict(pair[0]), before)


# --- the contract of scikit-learn


def test_any_argument_of_the_optimizer_can_be_set_and_searched(pair):
    model = TimbreAutoencoder(**SMALL, epochs=1)
    model.set_params(optimizer__beta_1=0.5, optimizer__learning_rate=1e-2)
    assert (model.optimizer_params, model.optimizer__learning_rate) == ({"beta_1": 0.5}, 1e-2)
    assert model.get_params()["optimizer__beta_1"] == 0.5
    assert clone(model).get_params() == model.get_params()
    first, second = (clone(model).set_params(optimizer__beta_1=b).fit(*pair).network_.weights[0] for b in (0.5, 0.9))
    assert not np.array_equal(first, second)
    search = GridSearchCV(model, {"optimizer__beta_1": [0.5, 0.9]}, cv=2, error_score="raise").fit(*pair)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"optimizer__beta_9": 0.5}, "beta_9"),
        ({"optimizer_params": {"clipnorm": 1.0}}, "set optimizer__clipnorm"),
        ({"optimizer_params": {"0": 1.0}}, "'0'"),
        ({"optimizer": "sgd", "optimizer__beta_1": 0.5}, "beta_1"),
        ({"optimizer": keras.optimizers.SGD(), "optimizer__clipvalue": 0.5}, "clipvalue"),
    ],
)
def test_what_the_optimizer_does_not_have_is_refused_by_name(pair, parameters, words):
    with pytest.raises(ParameterError, match=words):
        TimbreAutoencoder(**SMALL, epochs=1).set_params(**parameters).fit(*pair)


class Levelled(TransformerMixin, BaseEstimator):
    """Spectra of audio, at the level of what it was fitted on."""

    def __init__(self, n_fft=64):
        self.n_fft = n_fft

    def fit(self, X, y=None):
        self.peak_ = max(np.abs(note).max() for note in X)
        return self

    def transform(self, X):
        return LogSTFT(n_fft=self.n_fft).transform(np.asarray(X) / self.peak_)


def test_targets_may_be_lists_of_numbers():
    audio = [
        tone[:n] for tone, n in zip(np.random.default_rng(0).normal(0, 0.1, (3, 900)), (500, 700, 900), strict=True)
    ]
    stft = LogSTFT(n_fft=128)
    S = stft.transform(audio)
    model = TimbreAutoencoder(**SMALL, epochs=1, target_transformer=stft).fit(S, audio)
    assert model.score(S, [note.tolist() for note in audio]) == model.score(S, audio)


def test_the_target_transformer_is_fitted_once_on_the_targets_of_fit():
    audio = np.random.default_rng(0).uniform(-1, 1, (6, 640)).astype(np.float32)
    S, quiet = LogSTFT(n_fft=64).fit_transform(audio), 0.1 * audio
    given = Levelled()
    model = TimbreAutoencoder(**SMALL, epochs=1, target_transformer=given)
    model.fit(S[:4], audio[:4], validation_data=(S[4:], quiet[4:]))
    assert model.target_transformer_.peak_ == np.abs(audio[:4]).max()
    assert not hasattr(given, "peak_")
    wanted = model.target_transformer_.transform(quiet)
    error = float(np.mean((wanted - model.predict(S)) ** 2))
    assert -model.score(S, quiet) == pytest.approx(error, rel=1e-4)
    assert model.history_["val_reconstruction_error"][0] == pytest.approx(
        float(np.mean((wanted[4:] - model.predict(S[4:])) ** 2)), rel=1e-3
    )
    model.partial_fit(S[:4], quiet[:4])
    assert model.target_transformer_.peak_ == np.abs(audio[:4]).max()


class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_fails_leaves_a_fitted_model_as_it_was(pair, method):
    model = TimbreAutoencoder(**SMALL, epochs=1).fit(*pair)
    before, expected = dict(vars(model)), model.predict(pair[0])
    S, T = (side[:, :17] for side in pair)
    with pytest.raises(AudioError):
        getattr(model, method)(S, T[:3])
    with pytest.raises(AudioError):
        getattr(model, method)(pair[0], np.full_like(pair[1], np.nan))
    assert dict(vars(model)) == before
    np.testing.assert_array_equal(model.predict(pair[0]), expected)


def test_an_interrupted_fit_leaves_a_fitted_model_as_it_was(pair):
    model = TimbreAutoencoder(**SMALL, epochs=2).fit(*pair)
    before, expected = dict(vars(model)), model.predict(pair[0])
    with pytest.raises(KeyboardInterrupt):
        model.fit(pair[0][:, :17], pair[1][:, :17], callbacks=[Stop()])
    assert dict(vars(model)) == before
    np.testing.assert_array_equal(model.predict(pair[0]), expected)
