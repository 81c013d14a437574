"""Training on several devices by `tf.distribute`, which needs the TensorFlow backend.

Each device trains on a share of every batch. Shares contain different numbers of frames, so each device's loss is weighted by
its number of frames and the gradients are summed.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import keras
from packaging.version import Version

from sktimbre.autoencoder.backend.forks import check_not_forked
from sktimbre.exceptions import ParameterError

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

__all__ = ["n_replicas", "n_shares", "on_replicas", "scope", "share_clipping", "skip_all_reduce", "sum_over_replicas"]

# Earlier versions sum the metrics of several devices wrongly.
OLDEST_KERAS = "3.10"
# Arguments of optimizers that clip gradients.
CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")


def scope(distribution: str | None) -> AbstractContextManager:
    """Return a context for building and training networks on all devices that TensorFlow sees, or a null context.

    Parameters
    ----------
    distribution : {"mirrored"} or None
        As in `TimbreAutoencoder`.

    Raises
    ------
    ParameterError
        The backend is not TensorFlow, or Keras is too old.
    """
    if distribution is None:
        return nullcontext()
    if keras.backend.backend() != "tensorflow":
        raise ParameterError(
            f"distribution={distribution!r} needs Keras's TensorFlow backend; this is {keras.backend.backend()!r}. Set "
            "distribution=None, or KERAS_BACKEND=tensorflow in the environment before Python starts."
        )
    if Version(keras.__version__) < Version(OLDEST_KERAS):
        raise ParameterError(
            f"distribution={distribution!r} needs Keras {OLDEST_KERAS} or later; this is {keras.__version__}. Set "
            "distribution=None, or pip install --upgrade keras."
        )
    check_not_forked()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return _strategy(tuple(device.name for device in devices)).scope() if len(devices) > 1 else nullcontext()


@cache
def _strategy(devices):
    # Compiled models that are kept for later trainings belong to a strategy, so a process has one for all trainings.
    return tf.distribute.MirroredStrategy(devices)


def n_replicas() -> int:
    """Return the number of devices that networks of this scope are trained on."""
    return tf.distribute.get_strategy().num_replicas_in_sync if keras.backend.backend() == "tensorflow" else 1


def n_shares() -> int:
    """Return the number of which the rows of each batch are a multiple.

    It is the number of devices; at least 2 with torch, whose convolutions on a CPU have no gradient for a batch of one small
    example ("slow_conv2d: grad_weight must be contiguous", torch 2.13).
    """
    return 2 if keras.backend.backend() == "torch" else n_replicas()


def sum_over_replicas(x: Any) -> Any:
    """Return the sum of a tensor over all devices, or the tensor itself outside a distributed training."""
    if n_replicas() == 1 or tf.distribute.in_cross_replica_context():
        return x
    return tf.distribute.get_replica_context().all_reduce("SUM", x)


def on_replicas(model: keras.Model) -> keras.Model:
    """Return a model of the same layers that trains each device on its share of a batch; with one device, the model itself."""
    return _Replicated(model.input, model.output, name=model.name) if n_replicas() > 1 else model


def share_clipping(optimizer: keras.optimizers.Optimizer) -> None:
    """Divide an optimizer's clipping thresholds by the number of devices: it clips mean gradients, then sums them."""
    for name, largest in _clipping(optimizer).items():
        setattr(_inner(optimizer), name, largest / n_replicas())


def skip_all_reduce(optimizer: keras.optimizers.Optimizer) -> None:
    """Make an optimizer skip the sum of gradients over devices if there is only one.

    Keras sums even then, with a TensorFlow function that permanently registers its own gradient and with it the graph of the
    training: every trained network would stay in memory.
    """
    if keras.backend.backend() == "tensorflow" and n_replicas() == 1:
        _inner(optimizer)._all_reduce_sum_gradients = _unchanged


def _unchanged(gradients_and_variables):
    return gradients_and_variables


def _clipping(optimizer):
    return {name: getattr(_inner(optimizer), name) for name in CLIPPING if getattr(_inner(optimizer), name, None)}


def _inner(optimizer):
    """Return the optimizer without the wrapper that scales the loss in mixed precision."""
    return getattr(optimizer, "inner_optimizer", optimizer)


class _Replicated(keras.Model):
    """Model trained on several devices, with the loss of one device; rows without a note are left out."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred, loss = self._run(x, y, training=True)
            scaled = self.optimizer.scale_loss(loss)
        weights = self.trainable_weights
        gradients = tape.gradient(scaled, weights)
        # Keras clips, and checks for overflow in mixed precision, before it sums the gradients of the devices.
        if _clipping(self.optimizer) or _inner(self.optimizer) is not self.optimizer:
            gradients = tf.distribute.get_replica_context().all_reduce("MEAN", gradients)
        self.optimizer.apply(gradients, weights)
        return self._measure(y, y_pred, loss)

    def test_step(self, data):
        x, y = data
        return self._measure(y, *self._run(x, y, training=False))

    def _run(self, x, y, training):
        """Return the output and the share of this device in the loss."""
        frames = tf.reduce_sum(tf.cast(y[:, -1] > 0, y.dtype))
        share = frames / tf.maximum(sum_over_replicas(frames), 1)
        y_pred = self(x, training=training)
        # The devices share the layers' lists of penalties and take turns at each sum, so no sum may come between.
        penalties = [tf.cast(penalty, y.dtype) / n_replicas() for penalty in self.losses]
        self._clear_losses()
        return y_pred, share * self.loss(y, y_pred) + sum(penalties)

    def _measure(self, y, y_pred, loss):
        loss = sum_over_replicas(loss)
        holds_a_note = tf.reduce_any(y[:, -1] > 0, axis=(1, 2))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=tf.reduce_sum(tf.cast(holds_a_note, loss.dtype)))
            else:
                metric.update_state(y, y_pred)
        return self.get_metrics_result()
