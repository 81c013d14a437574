"""Stages, schedules, standardisation, and going on after an interruption."""

import contextlib
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from sktimbre import TimbreAutoencoder
from sktimbre.autoencoder import THESIS
from sktimbre.autoencoder.training.schedules import LearningRate
from sktimbre.exceptions import ParameterError, PersistenceError

PLAIN = {name: THESIS[name] for name in ("activation", "schedule", "augment", "normalize_level", "quiet_weight")}
SMALL = {**PLAIN, "architecture": "shallow", "filters": 4, "random_state": 0}


class Watch(keras.callbacks.Callback):
    """Keeps the encoder's first kernel after each epoch of each stage."""

    def __init__(self):
        super().__init__()
        self.kernels, self.trainable = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.kernels.append(self.model.get_layer("level0_conv1").get_weights()[0])
        self.trainable.append(len(self.model.trainable_variables))


@pytest.mark.backends
@pytest.mark.parametrize("architecture", ["shallow", pytest.param("dilated_residual", marks=pytest.mark.slow)])
def test_layerwise_keeps_the_level_below_and_finetuning_lets_it_go(pair, architecture):
    watch = Watch()
    model = TimbreAutoencoder(
        architecture, depth=3, filters=4, epochs=2, pretraining="layerwise_finetuned", random_state=0
    ).fit(*pair, callbacks=[watch])
    assert model.history_["stage"] == [0, 0, 1, 1, 2, 2, 3, 3]
    learnt = watch.kernels[1]
    assert not np.array_equal(watch.kernels[0], learnt)
    for kept in watch.kernels[2:6]:
        np.testing.assert_array_equal(kept, learnt)
    assert not np.array_equal(watch.kernels[7], learnt)
    greedy = TimbreAutoencoder(architecture, depth=3, filters=4, epochs=2, pretraining="layerwise", random_state=0)
    greedy.fit(*pair)
    assert greedy.history_["stage"] == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(greedy.network_.weights[0], learnt)


def test_layerwise_needs_levels(pair):
    with pytest.raises(ParameterError, match="depth=2"):
        TimbreAutoencoder(**SMALL, pretraining="layerwise").fit(*pair)

    def nameless(n_frequencies, options):
        spectra = keras.Input((n_frequencies, None, 1))
        return keras.Model(spectra, keras.layers.Conv2D(1, 1)(spectra))

    with pytest.raises(ParameterError, match="level by level"):
        TimbreAutoencoder(nameless, depth=2, epochs=1, pretraining="layerwise").fit(*pair)


@pytest.mark.parametrize(
    ("course", "at"),
    [
        ("constant", {0: 1.0, 99: 1.0}),
        ("step", {0: 1.0, 32: 1.0, 40: 0.1, 70: 0.01, 99: 0.01}),
        ("exponential", {0: 1.0, 50: 0.1, 100: 0.01}),
        ("cosine", {0: 1.0, 50: 0.5, 100: 0.0, 25: 0.5 + 0.5 / np.sqrt(2)}),
    ],
)
def test_courses_of_the_learning_rate(course, at):
    schedule = LearningRate(2.0, 100, course)
    for step, factor in at.items():
        assert schedule.at(step) == pytest.approx(2.0 * factor, abs=1e-6)
    warm = LearningRate(2.0, 100, course, warmup=0.2)
    np.testing.assert_allclose([warm.at(s) for s in (0, 9, 19)], [0.1, 1.0, 2.0], rtol=1e-5)
    assert LearningRate(2.0, 100, course, decay=0.1).at(10) == pytest.approx(schedule.at(10) / 2, rel=1e-5)


on_cpus_torch_has_no_half = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch on CPUs has no half floats"
)


@pytest.mark.backends
@pytest.mark.parametrize(
    ("precision", "warmup"),
    [("float32", None), ("float32", 0.5), pytest.param("mixed_float16", None, marks=on_cpus_torch_has_no_half)],
)
def test_each_step_has_its_rate(pair, precision, warmup):
    rates = []

    class Rates(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    options = {"epochs": 2, "batch_size": 1, "validation_split": 0, "optimizer__learning_rate": 0.01}
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(precision)
        TimbreAutoencoder("shallow", filters=2, augment=False, warmup=warmup, **options).fit(*pair, callbacks=[Rates()])
    finally:
        keras.config.set_dtype_policy(policy)
    course = LearningRate(0.01, 2 * len(pair[0]), "cosine", warmup=warmup or 0.05)
    np.testing.assert_allclose(rates, [course.at(step) for step in range(len(rates))], rtol=1e-5)
    assert len(rates) == 2 * len(pair[0])


def test_plateau_halves_the_rate(pair):
    rates = []

    class Rates(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    # With a rate of next to nothing there is never an improvement that counts.
    plateau = {**SMALL, "schedule": "plateau", "optimizer": "sgd", "optimizer__learning_rate": 1e-9}
    TimbreAutoencoder(**plateau, epochs=24).fit(*pair, callbacks=[Rates()])
    np.testing.assert_allclose(rates, 1e-9 * np.repeat([1, 0.5, 0.25], [11, 10, 3]), rtol=1e-5)
    with pytest.raises(ParameterError, match="plateau"):
        TimbreAutoencoder(**plateau, decay=1e-6).fit(*pair)


def test_standardisation_is_inverted_at_the_output(pair):
    S, T = pair
    model = TimbreAutoencoder(**SMALL, epochs=15, standardize=True, tuning="target", optimizer__learning_rate=1e-2).fit(
        S, 5 * T + 3
    )
    mean_in, std_in, mean_out, std_out = model.network_.options.standardization
    training = np.setdiff1d(np.arange(9), model.validation_indices_)
    np.testing.assert_allclose([mean_in, std_in], [S[training].mean(), S[training].std()], rtol=1e-4)
    np.testing.assert_allclose([mean_out, std_out], [5 * T[training].mean() + 3, 5 * T[training].std()], rtol=1e-4)
    assert model.predict(S).mean() == pytest.approx(5 * T.mean() + 3, rel=0.1)
    # Without it, the network has to learn offset and scale first.
    plain = TimbreAutoencoder(**SMALL, epochs=15, optimizer__learning_rate=1e-2).fit(S, 5 * T + 3)
    assert model.score(S, 5 * T + 3) > plain.score(S, 5 * T + 3)


class Interrupt(keras.callbacks.Callback):
    def __init__(self, at):
        super().__init__()
        self.at, self.seen = at, 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen += 1
        if self.seen == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"depth": 2, "dropout": 0.2, "pretraining": "layerwise_finetuned"}, marks=pytest.mark.slow),
        {"early_stopping": 2, "optimizer__learning_rate": 0.05},
        {"schedule": "cosine", "warmup": 0.2},
        pytest.param({"architecture": "unet", "augment": True}, marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_training_ends_in_the_same_weights(pair, tmp_path, parameters):
    def fresh(**more):
        return TimbreAutoencoder(**{**SMALL, "epochs": 4, **parameters, **more})

    reference = fresh().fit(*pair)
    for at in (2, 3):
        with contextlib.suppress(KeyboardInterrupt):  # early stopping may end before the interruption
            fresh(checkpoint=tmp_path).fit(*pair, callbacks=[Interrupt(at)])
    resumed = fresh(checkpoint=tmp_path).fit(*pair)
    assert resumed.history_ == reference.history_
    for a, b in zip(resumed.network_.weights, reference.network_.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    # A finished training is read back: no epoch runs.
    never = Interrupt(1)
    again = fresh(checkpoint=tmp_path).fit(*pair, callbacks=[never])
    assert never.seen == 0
    np.testing.assert_array_equal(again.predict(pair[0]), reference.predict(pair[0]))


KILLED = """
import os, signal, sys
import keras
import numpy as np
from sktimbre import TimbreAutoencoder

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

pair = np.load(sys.argv[1] + "/pair.npz")
model = TimbreAutoencoder(**{parameters}, checkpoint=sys.argv[1] + "/kept")
model.fit(pair["S"], pair["T"], callbacks=[Kill()])
"""


def test_a_killed_training_goes_on(pair, tmp_path):
    """Killed within its third epoch, it begins that epoch again and none before it."""
    np.savez(tmp_path / "pair.npz", S=pair[0], T=pair[1])
    parameters = {**SMALL, "epochs": 4}
    code = KILLED.format(parameters=parameters)
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=200)
    assert done.returncode == -signal.SIGKILL, done.stderr
    begun = []
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    resumed = TimbreAutoencoder(**parameters, checkpoint=tmp_path / "kept").fit(*pair, callbacks=[watch])
    assert begun == [2, 3]
    reference = TimbreAutoencoder(**parameters).fit(*pair)
    assert resumed.history_ == reference.history_
    for a, b in zip(resumed.network_.weights, reference.network_.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_checkpoints_of_other_data_or_parameters_are_left_alone(pair, tmp_path):
    S, T = pair
    for filters in (2, 3):
        TimbreAutoencoder("shallow", filters=filters, epochs=1, random_state=0, checkpoint=tmp_path).fit(S, T)
    TimbreAutoencoder("shallow", filters=2, epochs=1, random_state=0, checkpoint=tmp_path).fit(S, T + 1)
    assert len(list(tmp_path.iterdir())) == 3


def test_damaged_checkpoints_are_named(pair, tmp_path):
    model = TimbreAutoencoder(**SMALL, epochs=1, checkpoint=tmp_path).fit(*pair)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(PersistenceError, match="damaged"):
        model.fit(*pair)


def test_only_seeded_trainings_can_be_recognised(pair, tmp_path):
    with pytest.raises(ParameterError, match="random_state"):
        TimbreAutoencoder("shallow", epochs=1, checkpoint=tmp_path).fit(*pair)


def test_a_network_without_levels_is_refused_before_any_training(pair):
    trained = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: pytest.fail("it was trained"))
    model = TimbreAutoencoder(depth=2, filters=4, epochs=1, pretraining="layerwise", random_state=0)
    with pytest.raises(ParameterError, match="no layers named 'level0_"):
        model.fit(*pair, callbacks=[trained])
