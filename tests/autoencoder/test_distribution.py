"""Training on several devices: two CPUs that TensorFlow takes for two, in a process of their own, beside one."""

import contextlib
import pickle
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy import ndimage

from sktimbre import TimbreAutoencoder
from sktimbre.exceptions import ParameterError

# Every one leaves a last batch that holds one note for two devices.
TRAININGS = {
    "default": {"filters": 4, "depth": 2, "validation_split": 0.2, "epochs": 3},
    "ragged": {
        "architecture": "shallow",
        "filters": 4,
        "l1": 1e-4,
        "l2": 1e-2,
        "sparsity_weight": 0.1,
        "validation_split": 0.5,
        "optimizer": "sgd",
        "optimizer__learning_rate": 0.05,
        "optimizer__momentum": 0.9,
        "optimizer__clipnorm": 0.5,
        "augment": False,
        "epochs": 5,
    },
    "layerwise": {
        "architecture": "dilated_residual",
        "filters": 2,
        "depth": 2,
        "pretraining": "layerwise_finetuned",
        "validation_split": 0.2,
        "early_stopping": 1,
        "epochs": 3,
    },
}


def notes(ragged):
    S = np.abs(ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((11, 33, 20)), (0, 3, 3)))
    S = (S / S.std()).astype(np.float32)
    pairs = S, (0.5 * S + 0.5 * np.roll(S, 2, axis=1)).astype(np.float32)
    return tuple([note[:, : 20 - i] for i, note in enumerate(side)] for side in pairs) if ragged else pairs


def train(name, distribution, **more):
    model = TimbreAutoencoder(**TRAININGS[name], random_state=0, distribution=distribution)
    return model.set_params(**more).fit(*notes(name == "ragged"))


class Interrupt(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt


def train_all(folder):
    """Return each training on one device, on two, and on two again, and one that moved to one device."""
    models = {name: [train(name, d) for d in (None, "mirrored", "mirrored")] for name in TRAININGS}
    checkpoint = {"checkpoint": folder}
    with contextlib.suppress(KeyboardInterrupt):
        model = TimbreAutoencoder(**TRAININGS["ragged"], random_state=0, distribution="mirrored", **checkpoint)
        model.fit(*notes(True), callbacks=[Interrupt()])
    return models, train("ragged", None, **checkpoint)


CHILD = """
import pickle, sys
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from test_distribution import train_all

trained = train_all(sys.argv[1])
with open(sys.argv[1] + "/trained.pkl", "wb") as file:
    pickle.dump(trained, file)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, str(folder)],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    print(done.stderr)
    return pickle.loads((folder / "trained.pkl").read_bytes())
