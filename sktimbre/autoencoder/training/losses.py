"""Masked squared error as loss and as metric.

Targets have one more row, after the last frequency. Where it is 0 a frame is padding and does not count, so that the loss is a
mean over real frames whatever a batch was padded to; elsewhere it is the gain that brought the frame to the level of training.
"""

import keras
from keras import ops

from sktimbre.autoencoder.networks.layers import quiet_log
from sktimbre.spectral.log_magnitudes import LARGEST

__all__ = ["ReconstructionError", "SpectralError"]


def _squared_error(y_true, y_pred, domain):
    """Return the summed squared error over frames that count, and how many values that is."""
    target, gain = y_true[:, :-1], y_true[:, -1:]
    counts = ops.cast(gain > 0, target.dtype)
    # Of mixed precision the output is coarse; a sum over a note would overflow in it.
    y_pred = ops.cast(y_pred, target.dtype)
    error = ops.sum(ops.square(domain(target, gain) - domain(y_pred, gain)) * counts)
    return error, ops.sum(counts) * target.shape[1]


def _as_trained(S, gain):
    return S


def _quiet(S, gain):
    """Return `quiet_log`; an output below zero, which only training sees, stays what it is."""
    return quiet_log(S) - ops.relu(-S)


def _own_level(S, gain):
    """Return spectra at the level that they had."""
    return ops.log1p(ops.expm1(ops.clip(S, 0.0, LARGEST)) / ops.where(gain > 0, gain, 1.0))


@keras.saving.register_keras_serializable("sktimbre")
class SpectralError(keras.losses.Loss):
    """Mean squared error of log-magnitudes over frames that count, and of the logarithms of quieter magnitudes.

    Targets have the shape (batch, n_frequencies + 1, n_frames, 1): log-magnitude spectra, and the gain as last row.
    Predictions have one row less.

    Parameters
    ----------
    quiet_weight : float, non-negative
        Weight of the squared error of ``log(1 + abs(STFT) / 0.02)``, in which noise and weak partials count as much as strong
        ones, as they do in a log-spectral distance. 0 leaves the thesis's loss.
    """

    def __init__(self, quiet_weight=0.0, name="spectral_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.quiet_weight = quiet_weight

    def call(self, y_true, y_pred):
        """Return the error, a scalar."""
        error, count = _squared_error(y_true, y_pred, _as_trained)
        if self.quiet_weight:
            error = error + self.quiet_weight * _squared_error(y_true, y_pred, _quiet)[0]
        return error / ops.maximum(count, 1)

    def get_config(self):
        """Return what rebuilds the loss."""
        return {"quiet_weight": self.quiet_weight, "name": self.name}


@keras.saving.register_keras_serializable("sktimbre")
class ReconstructionError(keras.metrics.Metric):
    """Mean squared error of log-magnitudes at their own level over all frames of an epoch that count, penalties left out."""

    def __init__(self, name="reconstruction_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(shape=(), initializer="zeros", name="total")
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add one batch, shaped as in `SpectralError`."""
        error, count = _squared_error(y_true, y_pred, _own_level)
        self.total.assign_add(error)
        self.count.assign_add(count)

    def result(self):
        """Return the mean so far."""
        return self.total / ops.maximum(self.count, 1)
