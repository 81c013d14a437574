"""partial_fit: one pass at a time, with weights and optimizer going on."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor

import sktimbre
from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import AudioError, DivergedError, ParameterError


def network(**parameters):
    return TimbreAutoencoder(**{"architecture": "shallow", "filters": 2, "random_state": 0, **parameters})


def same(a, b):
    return all(np.array_equal(v, w) for v, w in zip(a.network_.weights, b.network_.weights, strict=True))


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_passes_over_the_same_notes_are_the_epochs_of_a_fit(pair, optimizer):
    """With all notes in one batch nothing is drawn, so that the two differ by rounding alone."""
    chosen = {"optimizer": optimizer, "optimizer__learning_rate": 0.01, "augment": False, "batch_size": 9, "decay": 0.1}
    momentum = {"optimizer__momentum": 0.9} if optimizer == "sgd" else {}
    fitted = network(**chosen, **momentum, schedule="constant", validation_split=0, epochs=4).fit(*pair)
    streamed = network(**chosen, **momentum)
    for _ in range(4):
        streamed.partial_fit(*pair)
    for name, losses in streamed.history_.items():
        np.testing.assert_allclose(losses, fitted.history_[name], rtol=1e-4)
    for a, b in zip(streamed.network_.weights, fitted.network_.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("parameters", [{}, {"dropout": 0.5, "standardize": True}], ids=str)
def test_a_copy_goes_on_as_the_original(pair, tmp_path, parameters):
    chunks = [[side[i : i + 3] for side in pair] for i in (0, 3, 6)]
    original = network(**parameters).partial_fit(*chunks[0]).partial_fit(*chunks[1])
    copies = [pickle.loads(pickle.dumps(original)), sktimbre.load(sktimbre.save(original, tmp_path / "m.sktimbre"))]
    original.partial_fit(*chunks[2])
    again = network(**parameters)
    for chunk in chunks:
        again.partial_fit(*chunk)
    assert same(again, original)
    for copy in copies:
        assert same(copy.partial_fit(*chunks[2]), original)
        assert copy.history_ == original.history_
    assert [len(values) for values in original.history_.values()] == [3, 3]
    np.testing.assert_allclose(original.predict(pair[0]), copies[0].predict(pair[0]))


def test_each_pass_draws_anew(pair):
    model = network(optimizer__learning_rate=1e-12)
    for _ in range(3):
        model.partial_fit(*pair)
    assert len(set(model.history_["reconstruction_error"])) == 3


def test_a_fitted_network_goes_on_and_a_fit_begins_anew(pair):
    model = network(epochs=2).fit(*pair)
    once = clone(model).fit(*pair)
    before = [w.copy() for w in model.network_.weights]
    model.set_params(optimizer__learning_rate=1e-12).partial_fit(*pair)
    for a, b in zip(before, model.network_.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert len(model.history_["loss"]) == 3
    assert np.isnan(model.history_["val_loss"][-1])
    model.set_params(optimizer__learning_rate=None).fit(*pair)
    assert same(model, once)
    assert not hasattr(model, "optimizer_state_")


def test_a_new_learning_rate_acts(pair):
    model = network().partial_fit(*pair)
    before = [w.copy() for w in model.network_.weights]
    model.set_params(optimizer__learning_rate=1e-12).partial_fit(*pair)
    for a, b in zip(before, model.network_.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(
    "parameters",
    [
        {"schedule": "cosine"},
        {"warmup": 0.1},
        {"distribution": "mirrored"},
        {"early_stopping": 3},
        {"pretraining": "layerwise", "depth": 2},
    ],
    ids=str,
)
def test_what_needs_an_end_is_refused(pair, parameters, tmp_path):
    with pytest.raises(ParameterError, match=next(iter(parameters))):
        network(**parameters).partial_fit(*pair)
    with pytest.raises(ParameterError, match="checkpoint"):
        network(checkpoint=tmp_path).partial_fit(*pair)


def test_another_network_is_refused(pair):
    model = network().partial_fit(*pair)
    for change in ({"filters": 3}, {"architecture": "dilated"}, {"optimizer": "sgd"}):
        with pytest.raises(ParameterError, match=next(iter(change))):
            clone(model).partial_fit(*pair).set_params(**change).partial_fit(*pair)
    for other in (pair[0][:, :-1], list(pair[0][:, :-1])):
        with pytest.raises(AudioError, match="32 features"):
            model.partial_fit(other)


def test_divergence_leaves_the_model_as_it_was(pair):
    model = network(optimizer="sgd").partial_fit(*pair)
    before = pickle.dumps(model)
    with pytest.raises(DivergedError):
        model.set_params(optimizer__learning_rate=1e30).partial_fit(*pair)
    assert pickle.dumps(model.set_params(optimizer__learning_rate=None)) == before


def test_transfer_of_a_stream():
    notes = make_paired_notes(6, duration=0.3, random_state=0)
    stft = LogSTFT(n_fft=256)
    model = TimbreTransfer(stft, network())
    plain = network()
    for chunk in (slice(0, 3), slice(3, 6)):
        model.partial_fit(notes.source[chunk], notes.target[chunk])
        plain.partial_fit(stft.transform(notes.source[chunk]), stft.transform(notes.target[chunk]))
    assert same(model.autoencoder_, plain)
    assert model.predict(notes.source).shape == notes.source.shape
    rows = TimbreTransfer(stft, MLPRegressor(hidden_layer_sizes=4, random_state=0))
    rows.partial_fit(notes.source, notes.target).partial_fit([notes.source[0]], [notes.target[0]])
    assert rows.autoencoder_.t_ > 0
    assert not hasattr(TimbreTransfer(stft, Ridge()), "partial_fit")


@pytest.mark.parametrize("normalize_level", [False, True])
def test_the_score_of_notes_on_disk(pair, tmp_path, monkeypatch, normalize_level):
    small = TimbreAutoencoder("shallow", filters=2, epochs=1, random_state=0, normalize_level=normalize_level)
    model = small.fit(*pair)
    for name, side in zip("ST", pair, strict=True):
        np.save(tmp_path / f"{name}.npy", side)
    S, T = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "ST")
    monkeypatch.setattr("sktimbre.storage.spectra.BLOCK", 4)
    for given in ((S, T), (S, pair[1]), (pair[0], T)):
        assert model.score(*given) == pytest.approx(model.score(*pair), rel=1e-5)
