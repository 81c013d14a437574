"""Several devices, each with its share of every batch, by `tf.distribute`: all that only the TensorFlow backend can do.

The mean over a batch is not the mean of its shares' means, as these hold different numbers of frames. So each device's loss is
weighed by the frames it holds, and their gradients are added up.
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

__all__ = ["n_replicas", "on_replicas", "scope", "share_clipping", "skip_all_reduce", "sum_over_replicas"]

# Earlier ones add up the metrics of several devices wrongly.
OLDEST_KERAS = "3.10"
# What an optimizer may be told to keep a gradient below.
CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")


def scope(distribution: str | None) -> AbstractContextManager:
    """Return a context in which networks are built and trained on all devices that TensorFlow sees, or as usual.

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
    # One for all trainings of a process, as a network that waits to be trained again belongs to its strategy.
    return tf.distribute.MirroredStrategy(devices)


def n_replicas() -> int:
    """Return on how many devices the networks of this scope are trained."""
    return tf.distribute.get_strategy().num_replicas_in_sync if keras.backend.backend() == "tensorflow" else 1


def sum_over_replicas(x: Any) -> Any:
    """Return the sum of what the devices have for a tensor; outside a training on several, the tensor itself."""
    if n_replicas() == 1 or tf.distribute.in_cross_replica_context():
        return x
    return tf.distribute.get_replica_context().all_reduce("SUM", x)


def on_replicas(model: keras.Model) -> keras.Model:
    """Return a network of the same layers that trains each device on its share of a batch, or on one device itself."""
    return _Replicated(model.input, model.output, name=model.name) if n_replicas() > 1 else model


def share_clipping(optimizer: keras.optimizers.Optimizer) -> None:
    """Have an optimizer clip what one device contributes to the gradient in place of the gradient."""
    for name, largest in _clipping(optimizer).items():
        setattr(_inner(optimizer), name, largest / n_replicas())


def skip_all_reduce(optimizer: keras.optimizers.Optimizer) -> None:
    """Have an optimizer on one device leave out the sum of what devices contribute to the gradient; on several it stays.

    Keras does so on one as well, through a function of TensorFlow's whose own gradient is registered for good, and with it the
    graph of the training: each network that was ever trained would stay in memory.
    """
    if keras.backend.backend() == "tensorflow" and n_replicas() == 1:
        _inner(optimizer)._all_reduce_sum_gradients = _unchanged


def _unchanged(gradients_and_variables):
    return gradients_and_variables


def _clipping(optimizer):
    return {name: getattr(_inner(optimizer), name) for name in CLIPPING if getattr(_inner(optimizer), name, None)}


def _inner(optimizer):
    """Return the optimizer in the wrapper that scales the loss in mixed precision."""
    return getattr(optimizer, "inner_optimizer", optimizer)


class _Replicated(keras.Model):
    """A network on several devices; the loss is given as for one device, with rows that hold no note left out."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred, loss = self._run(x, y, training=True)
            scaled = self.optimizer.scale_loss(loss)
        weights = self.trainable_weights
        gradients = tape.gradient(scaled, weights)
        # Keras clips, and looks for the overflows of mixed precision, before it adds up the devices' gradients.
        if _clipping(self.optimizer) or _inner(self.optimizer) is not self.optimizer:
            gradients = tf.distribute.get_replica_context().all_reduce("MEAN", gradients)
        self.optimizer.apply(gradients, weights)
        return self._measure(y, y_pred, loss)

    def test_step(self, data):
        x, y = data
        return self._measure(y, *self._run(x, y, training=False))

    def _run(self, x, y, training):
        """Return the output, and what this device adds to the loss."""
        frames = tf.reduce_sum(tf.cast(y[:, -1] > 0, y.dtype))
        share = frames / tf.maximum(sum_over_replicas(frames), 1)
        y_pred = self(x, training=training)
        # The devices' steps take turns whenever they add up, but share the layers' lists of penalties.
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
