"""Checkpoints are recognised by what is built and trained, not by names."""

import functools

import keras
import numpy as np
import pytest
from keras import layers

from sktimbre import TimbreAutoencoder
from sktimbre.autoencoder import THESIS, shallow
from sktimbre.exceptions import ParameterError

PLAIN = {name: THESIS[name] for name in ("activation", "schedule", "augment", "normalize_level", "quiet_weight")}


class Interrupt(keras.callbacks.Callback):
    """Counts epochs, and interrupts after one of them."""

    def __init__(self, after=None):
        super().__init__()
        self.after, self.seen = after, 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen += 1
        if self.seen == self.after:
            raise KeyboardInterrupt


def fresh(architecture="shallow", folder=None, **more):
    return TimbreAutoencoder(
        architecture, **{**PLAIN, "filters": 4, "epochs": 3, "random_state": 0, **more}, checkpoint=folder
    )


def small(n_frequencies, options, width=2, activation="relu"):
    spectra = keras.Input((n_frequencies, None, 1))
    x = layers.Conv2D(width, 3, padding="same", activation=activation, kernel_initializer=_initializer(options))(
        spectra
    )
    return keras.Model(spectra, layers.Conv2D(1, 1, kernel_initializer=_initializer(options))(x))


def _initializer(options):
    return keras.initializers.GlorotUniform(seed=options.seed)


def closure(width):
    def built(n_frequencies, options):
        return small(n_frequencies, options, width)

    return built


class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


class Halved(layers.Layer):
    def call(self, x):
        return 0.5 * x


class Unknown(layers.Layer):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


def ending_in(layer):
    def built(n_frequencies, options):
        spectra = keras.Input((n_frequencies, None, 1))
        return keras.Model(spectra, layer()(layers.Conv2D(1, 3, padding="same", kernel_initializer="ones")(spectra)))

    return built


def lambdas(function):
    return ending_in(lambda: layers.Lambda(function))


def doubled(x):
    return 2 * x


def tripled(x):
    return 3 * x


def named_as(function, name):
    """An edited function: another body under the same name."""
    function.__name__ = function.__qualname__ = name
    return function


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (closure(2), closure(3)),
        (functools.partial(small, width=2), functools.partial(small, width=3)),
        (functools.partial(small, activation="relu"), functools.partial(small, activation="tanh")),
        (ending_in(Doubled), ending_in(Halved)),
        (lambdas(lambda x: 2 * x), lambdas(lambda x: 3 * x)),
        (lambdas(named_as(doubled, "scaled")), lambdas(named_as(tripled, "scaled"))),
    ],
    ids=["closure", "partial", "partial of equal shapes", "layers of one's own", "Lambda", "edited function"],
)
def test_networks_of_one_name_are_not_taken_for_each_other(pair, tmp_path, first, second):
    fresh(first, tmp_path).fit(*pair)
    watch = Interrupt()
    model = fresh(second, tmp_path).fit(*pair, callbacks=[watch])
    assert watch.seen == 3
    reference = fresh(second).fit(*pair)
    for a, b in zip(model.network_.weights, reference.network_.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_one_network_from_two_functions_is_one_training(pair, tmp_path):
    fresh(closure(2), tmp_path).fit(*pair)
    watch = Interrupt()
    fresh(functools.partial(small, width=2), tmp_path).fit(*pair, callbacks=[watch])
    assert watch.seen == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"optimizer": keras.optimizers.Adam(2e-3), "schedule": "constant"},
        lambda: {"optimizer": "sgd", "optimizer_params": {"clipvalue": 0.5}},
        lambda: {"tied_weights": True},
    ],
    ids=["instance", "further arguments", "tied weights"],
)
def test_they_resume(pair, tmp_path, make):
    with pytest.raises(KeyboardInterrupt):
        fresh(folder=tmp_path, **make()).fit(*pair, callbacks=[Interrupt(after=2)])
    watch = Interrupt()
    resumed = fresh(folder=tmp_path, **make()).fit(*pair, callbacks=[watch])
    # The epoch that was interrupted at its end runs again.
    assert watch.seen == 2
    reference = fresh(**make()).fit(*pair)
    assert resumed.history_ == reference.history_
    for a, b in zip(resumed.network_.weights, reference.network_.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "others",
    [
        ({"optimizer": keras.optimizers.Adam(2e-3)}, {"optimizer": keras.optimizers.Adam(1e-3)}),
        ({"optimizer": keras.optimizers.Adam(1e-3)}, {"optimizer": keras.optimizers.SGD(1e-3)}),
        ({"optimizer_params": {"beta_1": 0.8}}, {"optimizer_params": {"beta_1": 0.9}}),
    ],
    ids=["rate", "class", "argument"],
)
def test_optimizers_are_told_apart(pair, tmp_path, others):
    for parameters in others:
        watch = Interrupt()
        fresh(folder=tmp_path, **parameters).fit(*pair, callbacks=[watch])
        assert watch.seen == 3


def test_a_layer_that_cannot_be_described_is_refused_before_training(pair, tmp_path):
    watch = Interrupt()
    with pytest.raises(ParameterError, match=r"checkpoint=.*get_config"):
        fresh(ending_in(lambda: Unknown(doubled)), tmp_path).fit(*pair, callbacks=[watch])
    assert watch.seen == 0
    fresh(ending_in(lambda: Unknown(doubled)), epochs=1).fit(*pair)


def test_seeds_count(pair, tmp_path):
    for seed in (0, 1):
        watch = Interrupt()
        fresh(shallow, tmp_path, random_state=seed).fit(*pair, callbacks=[watch])
        assert watch.seen == 3
