"""Networks as ONNX graphs: the same output as Keras's, without Keras."""

import pickle
import subprocess
import sys
import textwrap

import keras
import numpy as np
import onnx
import pytest
from keras import layers

import sktimbre
from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.autoencoder import ARCHITECTURES, NetworkOptions
from sktimbre.autoencoder.backend.running import run
from sktimbre.autoencoder.graph.export import exported
from sktimbre.autoencoder.graph.session import complete_model, new_session
from sktimbre.autoencoder.network import Network
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import PersistenceError

N_FREQUENCIES = 129
SETTINGS = {
    "defaults": {},
    "deep": {"depth": 2, "activation": "prelu"},
    "tied": {"tied_weights": True, "activation": "relu"},
    "penalized": {"sparsity_weight": 0.5, "dropout": 0.2, "standardization": (1.0, 2.0, 0.5, 3.0)},
    "dictionary": {"pitches": 0},
}


def disturbed(model, seed=0):
    """Return a model with random numbers added to its initial weights, of which many are zeros."""
    rng = np.random.default_rng(seed)
    model.set_weights([w + 0.05 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def voices(rng, n_frames=32):
    """Return spectra with partials of two pitches above noise."""
    bins = np.arange(N_FREQUENCIES)[:, np.newaxis]
    pitches = rng.uniform(5, 20, (2, 1)) * np.linspace(1, 1.2, n_frames)
    M = 1e-3 * np.abs(rng.normal(size=(N_FREQUENCIES, n_frames)))
    for pitch in pitches:
        h = np.maximum(np.round(bins / pitch), 1)
        M += 20 / h * np.maximum(0, 1 - np.abs(bins - h * pitch) / 2)
    return np.log1p(M).astype(np.float32)


def outputs(model, x):
    """Return the outputs of ONNX Runtime and of Keras."""
    session = new_session(exported(model), model.get_weights(), N_FREQUENCIES)
    return session.run(None, {"spectra": x})[0], run(model, x)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_both_runtimes_agree(name, settings):
    if name == "unet" and settings == "tied":
        pytest.skip("a U-Net has no tied weights")
    options = NetworkOptions(**{"filters": 6, "activation": "leaky_relu", **SETTINGS[settings]})
    model = disturbed(ARCHITECTURES[name](N_FREQUENCIES, options))
    rng = np.random.default_rng(1)
    x = np.stack([voices(rng), voices(rng)])[..., np.newaxis]
    by_onnx, by_keras = outputs(model, x)
    assert by_keras.std() > 1e-3
    np.testing.assert_allclose(by_onnx, by_keras, atol=1e-4)


def every_layer(n_frequencies, options):
    """Return a network of the layers that people build with."""
    x = spectra = keras.Input((n_frequencies, None, 1))
    x = layers.ZeroPadding2D(((0, -n_frequencies % 4), (0, 0)))(x)
    x = layers.Conv2D(4, (3, 2), padding="same", activation="elu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.BatchNormalization(scale=False, center=False)(x)
    x = layers.GaussianNoise(0.1)(layers.SpatialDropout2D(0.1)(x))
    x = a = layers.Conv2D(4, 3, padding="same", groups=2, use_bias=False)(x)
    x = layers.MaxPooling2D((2, 1))(layers.Activation("sigmoid")(x))
    x = layers.AveragePooling2D((2, 1), padding="same")(layers.Dense(4, activation="tanh")(x))
    x = layers.Conv2D(8, (4, 1), strides=(2, 1), padding="same", activation="softplus")(x)
    x = layers.UpSampling2D((8, 1))(x)
    x = layers.Cropping2D(((0, x.shape[1] - a.shape[1]), (0, 0)))(x) if x.shape[1] > a.shape[1] else x
    x = layers.Reshape((a.shape[1], -1, 2, 4))(x)
    x = layers.Reshape((a.shape[1], -1, 8))(layers.Permute((1, 2, 4, 3))(x))
    x = layers.Permute((1, 2, 3))(x)
    x = layers.Concatenate(axis=-1)([layers.ReLU()(x), layers.ReLU(negative_slope=0.2)(a)])
    x = layers.Conv2D(4, 1)(x)
    x = layers.Multiply()([layers.Maximum()([x, a]), layers.Subtract()([a, x])])
    x = layers.Rescaling(0.5, 1.0)(layers.Identity()(layers.PReLU(shared_axes=[1, 2])(x)))
    x = layers.Conv2D(1, 3, padding="same")(x)
    return keras.Model(spectra, layers.Cropping2D(((0, -n_frequencies % 4), (0, 0)))(x))


def test_layers_of_one_s_own_network():
    model = disturbed(every_layer(N_FREQUENCIES, NetworkOptions()))
    by_onnx, by_keras = outputs(model, np.random.default_rng(2).random((2, N_FREQUENCIES, 12, 1), np.float32))
    assert by_keras.std() > 1e-3
    np.testing.assert_allclose(by_onnx, by_keras, atol=1e-5)


def gated(n_frequencies, options):
    spectra = keras.Input((n_frequencies, None, 1))
    x = layers.Conv2D(1, 3, padding="same")(spectra)
    return keras.Model(spectra, keras.ops.softplus(x) * spectra)


def activated(n_frequencies, options):
    spectra = keras.Input((n_frequencies, None, 1))
    return keras.Model(spectra, layers.Conv2D(1, 3, padding="same", activation="mish")(spectra))


def of_a_subclass(n_frequencies, options):
    """Return a network with a layer that has the name of another one."""

    class Conv2D(layers.Conv2D):
        def call(self, x):
            return 2 * super().call(x)

    spectra = keras.Input((n_frequencies, None, 1))
    return keras.Model(spectra, Conv2D(1, 3, padding="same")(spectra))


class Wrong(layers.Layer):
    """A layer whose two computations differ."""

    def call(self, x):
        return 2 * x

    def compute(self, x, ops):
        return 3.0 * x


def of_a_wrong_layer(n_frequencies, options):
    spectra = keras.Input((n_frequencies, None, 1))
    return keras.Model(spectra, Wrong()(layers.Conv2D(1, 3, padding="same")(spectra)))


class Odd(layers.Layer):
    """A layer that uses an operation without a counterpart."""

    def call(self, x):
        return keras.ops.erf(x)

    def compute(self, x, ops):
        return ops.erf(x)


def of_an_odd_layer(n_frequencies, options):
    spectra = keras.Input((n_frequencies, None, 1))
    return keras.Model(spectra, Odd()(layers.Conv2D(1, 3, padding="same")(spectra)))


@pytest.mark.parametrize(
    ("architecture", "named"),
    [
        (gated, "operations between the layers"),
        (activated, "activation 'mish'"),
        (of_a_subclass, "Conv2D"),
        (of_a_wrong_layer, "layers whose graph differs by"),
        (of_an_odd_layer, "'erf' has no counterpart"),
    ],
)
def test_other_networks_run_by_keras(architecture, named):
    network = Network(architecture, 65, NetworkOptions())
    S = np.random.default_rng(0).random((1, 65, 10), np.float32)
    by_keras = network.predict(S)
    network.keep_weights()
    assert network.graph is None
    assert named in network.not_exported
    np.testing.assert_array_equal(network.predict(S), by_keras)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(network)).predict(S), by_keras)


@pytest.fixture(scope="module")
def fitted():
    notes = make_paired_notes(4, duration=0.5, random_state=0)
    network = TimbreAutoencoder(filters=4, epochs=1, validation_split=0, random_state=0)
    return TimbreTransfer(LogSTFT(n_fft=256), network).fit(notes.source, notes.target), notes


def test_a_graph_is_stored_without_weights_and_combs(fitted):
    model, _ = fitted
    network = model.autoencoder_.network_
    assert len(network.graph) < 50_000 < sum(w.nbytes for w in network.weights) * 10
    complete = complete_model(network.graph, network.weights, network.n_frequencies)
    onnx.checker.check_model(complete, full_check=True)


@pytest.mark.parametrize("way", ["save", "joblib"])
def test_a_stored_model_runs_without_keras(fitted, tmp_path, way):
    model, notes = fitted
    if way == "save":
        sktimbre.save(model, tmp_path / "model")
        load = "sktimbre.load"
    else:
        import joblib

        joblib.dump(model, tmp_path / "model")
        load = "joblib.load"
    np.save(tmp_path / "x.npy", notes.source)
    code = f"""
        import sys, joblib, numpy as np, sktimbre
        model = {load}({str(tmp_path / "model")!r})
        x = np.load({str(tmp_path / "x.npy")!r})
        np.save({str(tmp_path / "y.npy")!r}, model.predict(x))
        model.receptive_field_, model.autoencoder_.n_parameters_, model.score(x, x), repr(model)
        list(model.predict_blocks([x[0]]))
        sktimbre.save(model, {str(tmp_path / "again")!r})
        print([name for name in ("keras", "tensorflow", "scikeras") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == "[]"
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.predict(notes.source))
    again = sktimbre.load(tmp_path / "again").autoencoder_.network_
    assert again.graph == model.autoencoder_.network_.graph
    assert again.reach == model.autoencoder_.network_.reach


def test_a_network_of_an_earlier_version_is_exported_when_it_runs(fitted):
    network = fitted[0].autoencoder_.network_
    state = network.__getstate__()
    for name in ("graph", "reach", "frame_multiple", "values_per_frame"):
        del state[name]
    earlier = Network.__new__(Network)
    earlier.__setstate__({**state, "architecture": ARCHITECTURES["unet"]})
    S = np.stack([voices(np.random.default_rng(3))])
    np.testing.assert_allclose(earlier.predict(S), network.predict(S), atol=1e-5)
    assert earlier.__getstate__().keys() == network.__getstate__().keys()
    assert earlier.graph == network.graph


def changed(network, change):
    """Return the graph of a network after a change."""
    model = onnx.load_model_from_string(network.graph)
    change(model)
    return model.SerializeToString()


def looped(model):
    body = onnx.helper.make_graph([], "body", [], [])
    model.graph.node.append(onnx.helper.make_node("Loop", ["", ""], ["endless"], body=body))


def of_another_domain(model):
    model.graph.node[0].domain = "com.microsoft"


def reading_a_file(model):
    tensor = model.graph.initializer[-1]
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def with_a_function(model):
    model.functions.add(name="f", domain="d")


def long(model):
    for _ in range(30_000):
        model.graph.node.add(op_type="Relu")


@pytest.mark.parametrize("change", [looped, of_another_domain, reading_a_file, with_a_function, long])
def test_graphs_that_a_stranger_changed_are_refused(fitted, change):
    network = fitted[0].autoencoder_.network_
    with pytest.raises(PersistenceError, match="save does not write"):
        new_session(changed(network, change), network.weights, network.n_frequencies)


@pytest.mark.parametrize("seed", range(5))
def test_damaged_graphs_are_errors_of_this_package(fitted, seed):
    network, rng = fitted[0].autoencoder_.network_, np.random.default_rng(seed)
    refused = 0
    for _ in range(60):
        graph = bytearray(network.graph)
        for at in rng.integers(0, len(graph), rng.integers(1, 20)):
            graph[at] = rng.integers(256)
        try:
            new_session(bytes(graph[: rng.integers(len(graph) // 2, 2 * len(graph))]), network.weights, 129)
        except PersistenceError:
            refused += 1
    assert refused > 20
