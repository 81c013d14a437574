"""The networks apart from the estimator: shapes, sizes, penalties, receptive fields."""

import keras
import numpy as np
import pytest

from sktimbre.autoencoder import ARCHITECTURES, NetworkOptions
from sktimbre.autoencoder.network import Network
from sktimbre.autoencoder.networks.layers import KLSparsity, NonNegative
from sktimbre.autoencoder.training.losses import ReconstructionError, SpectralError

pytestmark = pytest.mark.backends

ALL = sorted(ARCHITECTURES)


def conv(k, c_in, c_out):
    return k * k * c_in * c_out + c_out


@pytest.mark.parametrize("n_frequencies", [33, 64, pytest.param(513, marks=pytest.mark.slow)])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ALL)
def test_any_height_is_kept_at_any_depth(name, depth, n_frequencies):
    network = Network(ARCHITECTURES[name], n_frequencies, NetworkOptions(depth=depth, filters=2))
    pooled = name == "dilated_residual" or (depth > 1 and name != "unet")
    assert network.frame_multiple == (2**depth if pooled else 1)
    rng = np.random.default_rng(0)
    assert network.predict(rng.random((1, n_frequencies, 19), np.float32)).shape == (1, n_frequencies, 19)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("shallow", {"filters": 8, "kernel_size": 3}, conv(3, 1, 8) + conv(3, 8, 1)),
        ("shallow", {"filters": 8, "kernel_size": 5}, conv(5, 1, 8) + conv(5, 8, 1)),
        ("residual", {"filters": 8}, conv(3, 1, 8) + conv(3, 8, 1)),
        ("dilated", {"filters": 8}, conv(5, 1, 8) + conv(3, 1, 8) + conv(5, 8, 1) + conv(3, 8, 1)),
        (
            "dilated_residual",
            {"filters": 8},
            conv(5, 1, 8) + conv(3, 1, 8) + conv(5, 8, 8) + conv(3, 8, 8) + conv(5, 8, 1) + conv(3, 8, 1),
        ),
        # The third level has twice the filters, and the decoder mirrors.
        (
            "shallow",
            {"filters": 4, "depth": 3},
            conv(3, 1, 4)
            + conv(3, 4, 4)
            + conv(3, 4, 8)
            + conv(3, 8, 8)
            + conv(3, 8, 4)
            + conv(3, 4, 4)
            + conv(3, 4, 1),
        ),
        # A tied decoder owns its biases alone.
        ("shallow", {"filters": 8, "tied_weights": True}, conv(3, 1, 8) + 1),
        ("shallow", {"filters": 8, "activation": "prelu"}, conv(3, 1, 8) + conv(3, 8, 1) + 8),
    ],
)
def test_weights_are_those_of_the_figures(name, options, expected):
    model = ARCHITECTURES[name](64, NetworkOptions(**options))
    assert model.count_params() == expected


@pytest.mark.parametrize(
    ("name", "options", "frames", "bins"),
    [
        ("shallow", {"kernel_size": 3}, 5, 5),
        ("shallow", {"kernel_size": 5}, 9, 9),
        ("residual", {"kernel_size": 3}, 5, 5),
        ("dilated", {}, 17, 33),  # 5 taps, 2 frames and 4 bins apart, twice: 1 + 2 * 8, 1 + 2 * 16
    ],
)
def test_receptive_field_of_unpooled_networks(name, options, frames, bins):
    field = Network(ARCHITECTURES[name], 257, NetworkOptions(filters=4, **options)).receptive_field
    assert (field.frames, field.bins) == (frames, bins)


def test_a_tied_decoder_uses_the_encoder_s_kernel():
    model = ARCHITECTURES["shallow"](16, NetworkOptions(filters=3, tied_weights=True))
    kernel = model.trainable_variables[0]
    x = np.random.default_rng(0).random((1, 16, 8, 1), np.float32)
    before = keras.ops.convert_to_numpy(model(x))
    kernel.assign(-kernel)
    # Both convolutions change sign, so whatever was active is now silent, and the other way round.
    assert not np.allclose(before, keras.ops.convert_to_numpy(model(x)))
    assert len(model.trainable_variables) == 3


def test_transposed_convolution_is_the_adjoint():
    """<conv(x), y> = <x, tied(y)> for all x and y, which is what transposed means."""
    from sktimbre.autoencoder.networks.layers import TiedConv2D

    rng = np.random.default_rng(0)
    for dilation in ((1, 1), (4, 2)):
        layer = keras.layers.Conv2D(3, 5, padding="same", dilation_rate=dilation, use_bias=False)
        x, y = rng.standard_normal((1, 12, 9, 2)).astype("f4"), rng.standard_normal((1, 12, 9, 3)).astype("f4")
        forward = keras.ops.convert_to_numpy(layer(x))
        back = keras.ops.convert_to_numpy(TiedConv2D(layer)(y))
        assert np.sum(forward * y) == pytest.approx(np.sum(x * back), rel=1e-4)


def test_sparsity_penalty_averages_each_channel_over_sounding_frames():
    rng = np.random.default_rng(0)
    code = rng.random((2, 4, 6, 3)).astype(np.float32) * 0.5
    spectra = np.ones((2, 8, 12, 1), np.float32)
    spectra[1, :, 8:] = 0  # the last two of six pooled frames are padding
    mask = np.ones((2, 1, 6, 1))
    mask[1, :, 4:] = 0
    mean = (code * mask).sum((0, 1, 2)) / (mask.sum() * 4)
    p = 0.05
    wanted = np.sum(p * np.log(p / mean) + (1 - p) * np.log((1 - p) / (1 - mean)))
    penalty = KLSparsity(p, 1.0).penalty(keras.ops.convert_to_tensor(code), keras.ops.convert_to_tensor(spectra))
    assert float(penalty) == pytest.approx(wanted, rel=1e-5)
    huge = KLSparsity(p, 1.0).penalty(keras.ops.convert_to_tensor(code * 100), keras.ops.convert_to_tensor(spectra))
    assert np.isfinite(float(huge))
    assert float(huge) > 10


def test_penalties_reach_the_network():
    x = np.ones((1, 16, 8, 1), np.float32)
    plain = ARCHITECTURES["shallow"](16, NetworkOptions(filters=3, seed=1))
    for options, expected in (
        ({"l2": 0.1}, lambda w: 0.1 * np.sum(w**2)),
        ({"l1": 0.1}, lambda w: 0.1 * np.sum(np.abs(w))),
    ):
        model = ARCHITECTURES["shallow"](16, NetworkOptions(filters=3, seed=1, **options))
        model(x, training=True)
        kernels = [w for w in plain.get_weights() if w.ndim == 4]
        losses = [float(keras.ops.convert_to_numpy(loss)) for loss in model.losses]
        assert sum(losses) == pytest.approx(sum(expected(w) for w in kernels), rel=1e-4)
    sparse = ARCHITECTURES["shallow"](16, NetworkOptions(filters=3, sparsity_weight=0.5))
    sparse(x, training=True)
    assert len(sparse.losses) == 1
    sparse(x, training=False)
    assert len(sparse.losses) == 0


def test_targets_and_rates_reach_the_layers():
    options = NetworkOptions(filters=3, dropout=0.3, sparsity_weight=0.7, sparsity_target=0.2)
    found = ARCHITECTURES["shallow"](16, options).layers
    assert [layer.rate for layer in found if isinstance(layer, keras.layers.Dropout)] == [0.3, 0.3]
    (sparsity,) = (layer for layer in found if isinstance(layer, KLSparsity))
    assert (sparsity.target, sparsity.weight) == (0.2, 0.7)


def test_dropout_acts_in_training_only():
    x = np.random.default_rng(0).random((1, 16, 8, 1), np.float32)
    model = ARCHITECTURES["shallow"](16, NetworkOptions(filters=3, dropout=0.5))
    runs = [keras.ops.convert_to_numpy(model(x, training=True)) for _ in range(2)]
    assert not np.allclose(*runs)
    np.testing.assert_array_equal(*[keras.ops.convert_to_numpy(model(x, training=False)) for _ in range(2)])


def test_output_layer_has_a_gradient_below_zero_only_while_training():
    x = np.array([-2.0, 3.0], np.float32)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(NonNegative()(x, training=True)), [-0.2, 3.0])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(NonNegative()(x, training=False)), [0.0, 3.0])


def test_masked_loss_and_metric_ignore_padding():
    rng = np.random.default_rng(0)
    target, predicted = rng.random((2, 5, 7, 1)), rng.random((2, 5, 7, 1))
    mask = np.ones((2, 1, 7, 1))
    mask[1, :, 3:] = 0
    wanted = np.sum((target - predicted) ** 2 * mask) / (mask.sum() * 5)
    y_true = np.concatenate([target, mask], axis=1).astype(np.float32)
    assert float(SpectralError()(y_true, predicted.astype(np.float32))) == pytest.approx(wanted, rel=1e-5)
    metric = ReconstructionError()
    for i in range(2):  # one note at a time: the mean is over frames, not over batches
        metric.update_state(y_true[i : i + 1], predicted[i : i + 1].astype(np.float32))
    assert float(metric.result()) == pytest.approx(wanted, rel=1e-5)
    # Frames that were made twice as loud are judged as they were.
    doubled = np.concatenate([np.log1p(2 * np.expm1(target)), 2 * mask], axis=1).astype(np.float32)
    metric.reset_state()
    metric.update_state(doubled, np.log1p(2 * np.expm1(predicted)).astype(np.float32))
    assert float(metric.result()) == pytest.approx(wanted, rel=1e-4)


def test_initial_weights_follow_he_and_the_seed():
    first, second = ARCHITECTURES["shallow"](16, NetworkOptions(filters=64, depth=2, seed=3)).get_weights()[:3:2]
    assert first.std() == pytest.approx(np.sqrt(2 / 9), rel=0.15)
    assert second.std() == pytest.approx(np.sqrt(2 / (9 * 64)), rel=0.05)
    same, other = (ARCHITECTURES["shallow"](16, NetworkOptions(filters=4, seed=s)).get_weights()[0] for s in (3, 4))
    again = ARCHITECTURES["shallow"](16, NetworkOptions(filters=4, seed=3)).get_weights()[0]
    np.testing.assert_array_equal(same, again)
    assert not np.allclose(same, other)


@pytest.mark.parametrize("name", ALL)
def test_power_neither_explodes_nor_vanishes_from_level_to_level(name):
    """Deep stacks that start far off were measured to end in a constant."""
    x = np.abs(np.random.default_rng(0).standard_normal((2, 64, 32, 1))).astype(np.float32)
    power = []
    for depth in (1, 4):
        model = ARCHITECTURES[name](64, NetworkOptions(depth=depth, filters=32, seed=5))
        code = keras.Model(model.input, model.get_layer("code").output)
        power.append(float(np.mean(keras.ops.convert_to_numpy(code(x)) ** 2)))
    assert 0.05 < power[1] / power[0] < 100
    assert np.mean(keras.ops.convert_to_numpy(model(x)) ** 2) < 30 * np.mean(x**2)
