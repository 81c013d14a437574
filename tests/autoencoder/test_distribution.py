"""One training on several devices, beside one: a process of its own has TensorFlow take the processor for two."""

import contextlib
import pickle
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from packaging.version import Version
from scipy import ndimage

from sktimbre import TimbreAutoencoder
from sktimbre.autoencoder.backend.distribution import OLDEST_KERAS
from sktimbre.exceptions import ParameterError

pytestmark = pytest.mark.skipif(
    Version(keras.__version__) < Version(OLDEST_KERAS), reason=f"needs Keras {OLDEST_KERAS} or later"
)

# Each leaves one note for the last batch, so that a device gets nothing.
TRAININGS = {
    "default": {"depth": 1, "filters": 4, "validation_split": 0.2, "epochs": 2},
    "ragged": {
        "architecture": "shallow",
        "filters": 4,
        "l1": 1e-4,
        "l2": 1e-2,
        "sparsity_weight": 0.1,
        "augment": False,
        "optimizer": "sgd",
        "optimizer__learning_rate": 0.05,
        "optimizer__momentum": 0.9,
        "optimizer__clipnorm": 0.5,
        "validation_split": 0.5,
        "early_stopping": 1,
        "epochs": 3,
    },
    "layerwise": {
        "architecture": "dilated_residual",
        "depth": 2,
        "filters": 2,
        "pretraining": "layerwise_finetuned",
        "validation_split": 0,
        "batch_size": 5,
        "epochs": 2,
    },
}


def notes(ragged):
    S = np.abs(ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((11, 33, 20)), (0, 3, 3)))
    S = (S / S.std()).astype(np.float32)
    pairs = S, (0.5 * S + 0.5 * np.roll(S, 2, axis=1)).astype(np.float32)
    return tuple([note[:, : 20 - i] for i, note in enumerate(side)] for side in pairs) if ragged else pairs


def train(name, distribution=None, checkpoint=None, callbacks=()):
    model = TimbreAutoencoder(**TRAININGS[name], random_state=0, distribution=distribution, checkpoint=checkpoint)
    return model.fit(*notes(name == "ragged"), callbacks=callbacks)


def interrupt(epoch, logs):
    if epoch == 1:
        raise KeyboardInterrupt


def train_all(folder, *names):
    """Return each training on one device and on two; and the last on two once more, and begun on two, ended on one."""
    trained = {name: (train(name), train(name, "mirrored")) for name in names}
    again = train(names[-1], "mirrored")
    with contextlib.suppress(KeyboardInterrupt):
        train(names[-1], "mirrored", folder, [keras.callbacks.LambdaCallback(on_epoch_end=interrupt)])
    assert list(Path(folder).glob("[!.]*.npz"))
    return trained, again, train(names[-1], checkpoint=folder)


CHILD = """
import pickle, sys
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from test_distribution import train_all

path, *arguments = sys.argv[1:]
trained = train_all(*arguments)
with open(path, "wb") as file:
    pickle.dump(trained, file)
"""


def train_all_on_two_devices(folder, *names):
    path = folder / "trained.pkl"
    command = [sys.executable, "-W", "error::UserWarning", "-c", CHILD, path, folder / "checkpoint", *names]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING:tensorflow" not in done.stderr
    return pickle.loads(path.read_bytes())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train_all_on_two_devices(tmp_path_factory.mktemp("devices"), "default", "ragged")


def assert_same_training(one, other):
    """Sums in another order differ in the last of seven digits, and these few steps do not blow that up."""
    assert one.history_.keys() == other.history_.keys()
    for name, curve in one.history_.items():
        np.testing.assert_allclose(other.history_[name], curve, rtol=1e-5, err_msg=name)
    for a, b in zip(one.network_.weights, other.network_.weights, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


def assert_same_bits(one, other):
    assert one.history_ == other.history_
    for a, b in zip(one.network_.weights, other.network_.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["default", "ragged"])
def test_two_devices_learn_what_one_does(trained, name):
    one, two = trained[0][name]
    assert (one.distribution, two.distribution) == (None, "mirrored")
    assert_same_training(one, two)


@pytest.mark.slow
def test_equal_seeds_give_equal_bits_and_fewer_devices_go_on(trained):
    models, again, moved = trained
    one, two = models["ragged"]
    assert len(two.history_["loss"]) == 2  # stopped early
    assert_same_bits(two, again)
    assert_same_training(one, moved)


@pytest.mark.slow
def test_levels_are_trained_one_by_one(tmp_path):
    models, again, moved = train_all_on_two_devices(tmp_path, "layerwise")
    one, two = models["layerwise"]
    assert two.history_["stage"] == [0, 0, 1, 1, 2, 2]
    assert_same_training(one, two)
    assert_same_bits(two, again)
    assert_same_training(one, moved)


@pytest.mark.slow
def test_what_two_devices_learnt_predicts_on_one(trained):
    S, _ = notes(False)
    one, two = trained[0]["default"]
    assert len(pickle.dumps(two.network_)) == len(pickle.dumps(one.network_))
    np.testing.assert_allclose(two.predict(S), one.predict(S), rtol=1e-4, atol=1e-5)


def test_one_device_trains_as_usual(pair):
    one, mirrored = (
        TimbreAutoencoder("shallow", filters=2, epochs=1, random_state=0, distribution=d).fit(*pair)
        for d in (None, "mirrored")
    )
    assert mirrored.history_ == one.history_


def test_where_keras_cannot_distribute_it_is_refused(pair, monkeypatch):
    model = TimbreAutoencoder("shallow", epochs=1, distribution="mirrored")
    with monkeypatch.context() as patch:
        patch.setattr(keras.backend, "backend", lambda: "jax")
        with pytest.raises(ParameterError, match="'mirrored' needs Keras's TensorFlow backend; this is 'jax'"):
            model.fit(*pair)
    monkeypatch.setattr(keras, "__version__", "3.9.0")
    with pytest.raises(ParameterError, match=r"'mirrored' needs Keras 3\.10 or later; this is 3\.9\.0"):
        model.fit(*pair)
