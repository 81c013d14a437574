"""Muon."""

import keras
import numpy as np
import pytest
from keras import ops

from sktimbre import TimbreAutoencoder
from sktimbre.autoencoder.training.muon import Muon, orthogonal
from sktimbre.autoencoder.training.settings import training_options

pytestmark = pytest.mark.backends


@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (9, 9)])
def test_steps_have_equal_singular_values_and_keep_directions(shape):
    u, s, v = np.linalg.svd(np.random.default_rng(0).normal(size=shape), full_matrices=False)
    # A few directions have gradients a hundred times larger than the others.
    s[3:] /= 100
    got = ops.convert_to_numpy(orthogonal(ops.convert_to_tensor((u * s) @ v, "float32"), 10))
    values = np.diag(u.T @ got @ v.T)
    assert 0.5 < values.min() < values.max() < 1.4
    np.testing.assert_allclose(u.T @ got @ v.T, np.diag(values), atol=1e-3)
    assert not ops.convert_to_numpy(orthogonal(ops.zeros(shape))).any()


def after_steps(optimizer, values, gradients):
    variables = [keras.Variable(v) for v in values]
    for _ in range(3):
        optimizer.apply([ops.convert_to_tensor(g) for g in gradients], variables)
    return [ops.convert_to_numpy(v) for v in variables]


def test_kernels_have_orthogonal_steps_and_others_those_of_adam():
    rng = np.random.default_rng(0)
    shapes = {"kernel": (3, 1, 5, 16), "table": (7, 16), "bias": (16,), "slopes": (1, 1, 16), "output": (3, 1, 8, 1)}
    values, gradients = ([rng.normal(size=shape).astype(np.float32) for shape in shapes.values()] for _ in range(2))
    muon, adam = (after_steps(kind(0.01), values, gradients) for kind in (Muon, keras.optimizers.Adam))
    for name, before, gradient, new, of_adam in zip(shapes, values, gradients, muon, adam, strict=True):
        if name in ("kernel", "table"):
            u, _, v = np.linalg.svd(gradient.reshape(-1, 16), full_matrices=False)
            size = 3 * 0.01 * 0.2 * max(gradient.reshape(-1, 16).shape) ** 0.5
            found = np.diag(u.T @ (before - new).reshape(-1, 16) @ v.T) / size
            assert 0.5 < found.min() < found.max() < 1.4
        else:
            np.testing.assert_allclose(new, of_adam, rtol=1e-5)


def test_configuration():
    muon = Muon(0.01, momentum=0.9, ns_steps=3, clipnorm=1.0)
    again = Muon.from_config(muon.get_config())
    assert again.get_config() == muon.get_config()
    assert (again.momentum, again.ns_steps, again.clipnorm) == (0.9, 3, 1.0)


@pytest.mark.parametrize(
    ("parameters", "optimizer", "rate"),
    [
        ({}, "muon", 6e-3),
        ({"optimizer": "adam"}, "adam", 3e-3),
        ({"architecture": "shallow"}, "adam", 1e-3),
        ({"architecture": "shallow", "optimizer": "muon"}, "muon", 1e-3),
        ({"optimizer__learning_rate": 0.5}, "muon", 0.5),
    ],
)
def test_defaults(parameters, optimizer, rate):
    options = training_options(TimbreAutoencoder(**parameters), seed=0)
    assert (options.optimizer, options.optimizer_params["learning_rate"]) == (optimizer, rate)
