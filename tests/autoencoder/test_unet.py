"""The U-Net and its layers."""

import keras
import numpy as np
import pytest

from sktimbre import LogSTFT, TimbreAutoencoder
from sktimbre.autoencoder import NetworkOptions, unet
from sktimbre.autoencoder.network import Network
from sktimbre.autoencoder.networks.harmonic_features import HarmonicFeatures
from sktimbre.autoencoder.networks.layers import QUIET, Coordinates, QuietLog
from sktimbre.autoencoder.networks.pitch_dictionary import PitchDictionary
from sktimbre.autoencoder.training.losses import SpectralError
from sktimbre.exceptions import ParameterError

pytestmark = pytest.mark.backends

SR = 22050


def harmonic(hertz):
    time = np.arange(SR // 2) / SR
    return LogSTFT().transform(0.1 * sum(np.sin(2 * np.pi * h * hertz * time) / h for h in range(1, 9))[np.newaxis])


def test_it_begins_near_its_input():
    S = harmonic(440.0)
    out = Network(unet, 513, NetworkOptions(filters=8, seed=0)).predict(S)
    assert np.mean((out - S) ** 2) < 0.1 * np.mean(S**2)


@pytest.mark.parametrize("hertz", [196.0, 440.0, 700.0])
def test_the_dictionary_opens_at_the_pitch_of_the_frame(hertz):
    layer = PitchDictionary(3)
    waves = keras.ops.convert_to_numpy(layer(harmonic(hertz)[..., np.newaxis]))[0, :, 10]
    bins = np.arange(40)
    phase = 2 * np.pi * bins * SR / 1024 / hertz
    np.testing.assert_allclose(waves[:40, 0], np.cos(phase), atol=0.12)
    np.testing.assert_allclose(waves[:40, 1], np.sin(phase), atol=0.12)
    np.testing.assert_array_equal(waves[:, 2], 0)


def partials(hertz):
    """Return the nearest bins of the first six partials."""
    return np.round(hertz * np.arange(1, 7) * 1024 / SR).astype(int)


@pytest.mark.parametrize("hertz", [(196.0,), (440.0,), (700.0,), (262.0, 370.0), (300.0, 415.0, 700.0)])
def test_features_tell_the_partials_of_each_pitch(hertz):
    S = np.log1p(np.sqrt(sum(np.expm1(harmonic(f)) ** 2 for f in hertz)))
    features = keras.ops.convert_to_numpy(HarmonicFeatures(3)(S[..., np.newaxis]))[0, :, 10]
    for f in hertz:
        at, others = partials(f), np.concatenate([[-9], *(partials(g) for g in hertz if g != f)])
        alone = at[np.abs(at[:, np.newaxis] - others).min(axis=1) > 4]
        number = alone * SR / 1024 / f
        # Bins are rounded, so the numbers of partials are not quite integers.
        np.testing.assert_allclose(features[alone, 0], np.cos(2 * np.pi * number), atol=0.15)
        np.testing.assert_allclose(features[alone, 2], np.cos(np.pi * number), atol=0.15)
        assert features[alone, -1].min() > 0.1
    sounding = np.concatenate([partials(f) for f in hertz])
    between = np.setdiff1d(np.arange(8, sounding.max()), sounding[:, np.newaxis] + np.arange(-3, 4))
    assert not len(between) or np.median(features[between, -1]) < 0.2 * features[sounding, -1].min()


def test_features_of_no_pitch_are_finite():
    S = np.zeros((1, 513, 4, 1), np.float32)
    S[:, :, 1:3] = np.random.default_rng(0).random((1, 513, 2, 1))
    S[:, :, 3] = 1e6
    features = keras.ops.convert_to_numpy(HarmonicFeatures(3)(S))
    assert np.isfinite(features).all()
    assert np.abs(features).max() < 2


def test_learnt_features_depend_on_pitch_and_partial():
    layer = HarmonicFeatures(1, learnt=1)
    layer(harmonic(440.0)[..., np.newaxis])
    layer.table.assign(np.arange(np.prod(layer.table.shape), dtype=np.float32).reshape(layer.table.shape))
    place, h = np.full((2, 1, 1, 1), [[[[60.0]]], [[[2.25]]]], np.float32)
    # A quarter of an octave above the lowest pitch, between two rows of 128 values, and between the values 4 and 5 of each.
    (values,) = layer._looked_up(*map(keras.ops.convert_to_tensor, (place, h)), keras.ops)
    (value,) = keras.ops.convert_to_numpy(values)[0, 0]
    assert value == pytest.approx(1.5 * 128 + 4.5)


def test_layers_are_rebuilt_from_their_configuration():
    x = np.random.default_rng(0).random((2, 65, 5, 1), np.float32)
    for layer in (PitchDictionary(2), HarmonicFeatures(2, 1), QuietLog(), QuietLog(inverse=True), Coordinates()):
        again = type(layer).from_config(layer.get_config())
        np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(made(x)) for made in (layer, again)))


def test_quiet_log_is_a_shift_by_gains_and_inverted_exactly():
    S = np.log1p(np.geomspace(1e-3, 200, 50, dtype=np.float32))
    quiet = keras.ops.convert_to_numpy(QuietLog()(S))
    np.testing.assert_allclose(quiet, np.log1p(np.expm1(S) / QUIET), rtol=1e-4)
    np.testing.assert_allclose(QuietLog(inverse=True)(quiet), S, rtol=1e-4, atol=1e-6)


def test_the_loss_weighs_quiet_values_in_their_own_logarithm():
    rng = np.random.default_rng(0)
    target, predicted = (rng.gamma(1, 0.5, (2, 9, 4, 1)).astype(np.float32) for _ in range(2))
    mask = np.ones((2, 1, 4, 1), np.float32)
    mask[0, :, 2:] = 0
    y_true = np.concatenate([target, mask], axis=1)
    inside = np.broadcast_to(mask, target.shape) > 0
    plain = np.mean((target - predicted)[inside] ** 2)
    quiet = np.mean((np.log1p(np.expm1(target) / QUIET) - np.log1p(np.expm1(predicted) / QUIET))[inside] ** 2)
    assert float(SpectralError()(y_true, predicted)) == pytest.approx(plain, rel=1e-5)
    assert float(SpectralError(0.1)(y_true, predicted)) == pytest.approx(plain + 0.1 * quiet, rel=1e-4)


@pytest.mark.slow
def test_options_that_have_no_use_are_refused(pair):
    with pytest.raises(ParameterError, match="tied_weights"):
        TimbreAutoencoder(tied_weights=True, epochs=1).fit(*pair)
    with pytest.raises(ParameterError, match="level by level"):
        TimbreAutoencoder(depth=2, pretraining="layerwise", epochs=1).fit(*pair)


@pytest.mark.parametrize(
    "change",
    [
        {"depth": 2},
        {"kernel_size": 5},
        {"activation": "prelu"},
        {"filters": 6},
    ],
)
def test_options_reach_the_network(change):
    usual = unet(65, NetworkOptions(filters=4)).count_params()
    assert unet(65, NetworkOptions(**{"filters": 4, **change})).count_params() != usual


@pytest.mark.slow
def test_sparsity_and_penalties_add_to_the_loss(pair):
    def losses(**more):
        model = TimbreAutoencoder(filters=4, epochs=1, random_state=0, quiet_weight=0, **more).fit(*pair)
        return model.history_["loss"][0] - model.history_["reconstruction_error"][0]

    assert abs(losses()) < 1e-3
    assert losses(sparsity_weight=0.5) > 0.01
    assert losses(l2=1e-2) > 0.01
