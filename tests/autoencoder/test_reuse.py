"""Networks of one kind share a graph: once traced, never seen in the results."""

import gc

import keras
import numpy as np
import pytest

from sktimbre import TimbreAutoencoder
from sktimbre.autoencoder.data.batches import SpectraBatches
from sktimbre.autoencoder.training import reuse


@pytest.fixture(autouse=True)
def nothing_waits():
    reuse._waiting.clear()


def fit(pair, **parameters):
    settings = {"filters": 2, "epochs": 2, "random_state": 0, **parameters}
    return TimbreAutoencoder("shallow", **settings).fit(*pair).network_.weights


@pytest.fixture
def traces(monkeypatch):
    """How often Keras ran the training step in Python, which is once for each graph."""
    seen = []
    step = keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda self, data: seen.append(1) or step(self, data))
    return seen


def test_a_kind_is_traced_once(pair, traces):
    alike = (
        {"random_state": 1},
        {"optimizer__learning_rate": 1e-2},
        {"schedule": "constant"},
        {"warmup": 0.5, "epochs": 1},
    )
    for changed in ({}, {}, *alike):
        fit(pair, **changed)
    fit([a[:5] for a in pair])
    assert len(traces) == 1
    fit(pair, filters=3)
    fit([a[:, :, :12] for a in pair])
    assert len(traces) == 3


def test_other_people_s_layers_share_nothing(pair, traces):
    class Half(keras.layers.Layer):
        factor = 0.5

        def call(self, x):
            return x * self.factor

    def architecture(n_frequencies, options):
        x = keras.Input((n_frequencies, None, 1))
        return keras.Model(x, Half()(keras.layers.Conv2D(1, 3, padding="same")(x)))

    for _ in range(2):
        TimbreAutoencoder(architecture, epochs=1, random_state=0).fit(*pair)
    assert len(traces) == 2


@pytest.mark.parametrize(
    "parameters",
    [
        {"dropout": 0.3},
        {"optimizer": "sgd", "optimizer__momentum": 0.9, "optimizer__clipnorm": 1.0, "schedule": "plateau"},
        {"schedule": "cosine", "warmup": 0.2, "standardize": True},
        {"depth": 2, "pretraining": "layerwise_finetuned"},
        {"tied_weights": True},
        {"sparsity_weight": 0.5, "early_stopping": 1},
    ],
    ids=lambda p: next(iter(p)),
)
def test_results_do_not_depend_on_what_was_trained_before(pair, parameters):
    alone = fit(pair, **parameters)
    fit(pair, **{**parameters, "random_state": 7, "optimizer__learning_rate": 0.3})  # the same kind, led far astray
    fit(pair)
    for a, b in zip(alone, fit(pair, **parameters), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_network_that_a_callback_changed_is_given_to_nobody(pair):
    class Freeze(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            self.model.layers[1].trainable = False

    TimbreAutoencoder("shallow", filters=2, epochs=1, random_state=0).fit(*pair, callbacks=[Freeze()])
    assert not reuse._waiting


@pytest.mark.slow
def test_few_networks_wait(pair, monkeypatch):
    monkeypatch.setattr(reuse, "LARGEST", 2)
    for filters in range(1, 4):
        fit(pair, filters=filters, epochs=1)
    assert len(reuse._waiting) == 2


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's graphs are counted")
def test_nothing_of_a_training_stays(pair, monkeypatch):
    """Left alone, Keras keeps each graph, and TensorFlow each training's data, until the process ends."""
    monkeypatch.setattr(reuse, "LARGEST", 0)

    def alive(name):
        gc.collect()
        return [x for x in gc.get_objects() if type(x).__name__ == name]

    fit(pair, epochs=1)
    graphs = len(alive("FuncGraph"))
    fit(pair, filters=3, epochs=1, validation_split=0.3)
    assert len(alive("FuncGraph")) == graphs
    assert not any(len(batches.S) for batches in alive(SpectraBatches.__name__))
