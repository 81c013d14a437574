"""What every backend of Keras has to do alike; `make test-backends` runs these with torch, without TensorFlow."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import sktimbre
from sktimbre import TimbreAutoencoder
from sktimbre.autoencoder import ARCHITECTURES, NetworkOptions
from sktimbre.autoencoder.networks.options import NAMES
from sktimbre.exceptions import ParameterError

pytestmark = pytest.mark.backends

FROZEN = sorted((Path(__file__).parents[1] / "frozen").glob("*.sktimbre"))
COMMON = {"filters": 2, "optimizer": "adam", "epochs": 1, "validation_split": 0, "random_state": 0}
# Losses of two epochs by TensorFlow on a CPU.
LOSSES: dict[str, tuple[dict, list[float]]] = {
    "unet": ({"architecture": "unet"}, [20.29165, 5.88002]),
    "shallow": ({"architecture": "shallow"}, [5.46687, 4.86495]),
    "dilated": ({"architecture": "dilated"}, [2.15973, 2.01237]),
    "residual": ({"architecture": "residual"}, [5.43171, 4.64159]),
    "dilated_residual": ({"architecture": "dilated_residual"}, [6.96548, 6.33648]),
    "muon": ({"architecture": "unet", "optimizer": "muon"}, [21.95552, 7.98728]),
    "penalties": ({"architecture": "shallow", "l2": 0.01, "sparsity_weight": 0.5}, [5.88964, 5.18664]),
}


class StartWith(keras.callbacks.Callback):
    """Starts the training with weights that no backend has drawn."""

    def on_train_begin(self, logs=None):
        rng = np.random.default_rng(1)
        shapes = [w.shape for w in self.model.get_weights()]
        self.model.set_weights([rng.normal(size=s) / max(1, np.prod(s[:-1])) ** 0.5 for s in shapes])


@pytest.mark.parametrize("name", LOSSES)
def test_losses_from_equal_weights_are_those_of_tensorflow(pair, name):
    parameters, expected = LOSSES[name]
    model = TimbreAutoencoder(**{**COMMON, **parameters, "epochs": 2}).fit(*pair, callbacks=[StartWith()])
    np.testing.assert_allclose(model.history_["loss"], expected, rtol=1e-3)


@pytest.mark.parametrize("architecture", NAMES)
def test_every_architecture_learns_and_predicts_what_its_model_computes(pair, architecture):
    S, T = pair
    model = TimbreAutoencoder(architecture, **{**COMMON, "epochs": 8}, optimizer__learning_rate=3e-3).fit(S, T)
    errors = model.history_["reconstruction_error"]
    assert errors[-1] < 0.9 * errors[0]
    network = model.network_
    assert not network.not_exported
    by_onnx = network.predict(S)
    network._run = lambda x: keras.ops.convert_to_numpy(network.model(x, training=False))
    np.testing.assert_allclose(network.predict(S), by_onnx, atol=1e-4)


def test_a_batch_of_one_small_example_trains(pair):
    S, T = (side[:1] for side in pair)
    model = TimbreAutoencoder("shallow", **COMMON, batch_size=1, augment=False).fit(S, T)
    assert np.isfinite(model.history_["loss"]).all()


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_models_of_all_backends_are_trained_further(path):
    """The files were written by TensorFlow and by torch."""
    model = sktimbre.load(path).autoencoder_
    # The oldest file does not say how its network was made in this.
    model.set_params(normalize_level=model.network_.options.normalize_level)
    S = np.abs(np.random.default_rng(0).normal(size=(4, model.n_features_in_, 24))).astype(np.float32)
    before = model.predict(S)
    model.partial_fit(S, S)
    assert not np.array_equal(model.predict(S), before)


def test_a_checkpoint_resumes_with_equal_weights(pair, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def new():
        return TimbreAutoencoder("shallow", **{**COMMON, "epochs": 4}, checkpoint=tmp_path / "interrupted")

    with pytest.raises(KeyboardInterrupt):
        new().fit(*pair, callbacks=[Stop()])
    whole = new().set_params(checkpoint=None).fit(*pair)
    for a, b in zip(new().fit(*pair).network_.weights, whole.network_.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_initial_weights_have_the_same_spread():
    weights = ARCHITECTURES["unet"](65, NetworkOptions(filters=8, seed=3)).get_weights()
    kernels = [w for w in weights if w.ndim == 4 and w.shape[-1] >= 8]
    spread = np.median([w.std() * np.prod(w.shape[:-1]) ** 0.5 for w in kernels])
    assert spread == pytest.approx(2**0.5, rel=0.15)


def test_predictions_load_no_backend():
    code = (
        "import sys, numpy as np, sktimbre; m = sktimbre.load(sys.argv[1]);"
        "m.predict(np.zeros((1, 800), np.float32));"
        "print({'tensorflow', 'torch', 'jax', 'keras'} & set(sys.modules))"
    )
    path = next(path for path in FROZEN if path.stem == "unet-0.1.0-torch")
    run = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "set()"


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow distributes a training")
def test_what_only_tensorflow_can_do_is_refused_at_once(pair):
    with pytest.raises(ParameterError, match="'mirrored' needs Keras's TensorFlow backend"):
        TimbreAutoencoder(**COMMON, distribution="mirrored").fit(*pair)
