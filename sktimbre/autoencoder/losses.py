"""Masked squared error as loss and as metric.

Targets carry their mask: after the last frequency stands one row that is 1 where a frame counts and 0 where it is
padding, so that the loss is a mean over real frames whatever a batch was padded to.
"""

import keras
from keras import ops

from sktimbre.autoencoder.layers import LARGEST, QUIET

__all__ = ["ReconstructionError", "SpectralError"]


def _squared_error(y_true, y_pred, domain=lambda S: S):
    """Return the summed squared error over frames that count, and how many values that is."""
    target, mask = y_true[:, :-1], y_true[:, -1:]
    # Of mixed precision the output is coarse; a sum over a note would overflow in it.
    y_pred = ops.cast(y_pred, target.dtype)
    error = ops.sum(ops.square(domain(target) - domain(y_pred)) * mask)
    return error, ops.sum(mask) * target.shape[1]


def _quiet(S):
    """Return ``log(1 + magnitude / QUIET)``; an output below zero, which only training sees, stays what it is."""
    return ops.log1p(ops.expm1(ops.clip(S, 0.0, LARGEST)) / QUIET) - ops.relu(-S)


@keras.saving.register_keras_serializable("sktimbre")
class SpectralError(keras.losses.Loss):
    """Mean squared error of log-magnitudes over frames that count, and of the logarithms of quieter magnitudes.

    Targets have the shape (batch, n_frequencies + 1, n_frames, 1): log-magnitude spectra, and the mask as last row.
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
        error, count = _squared_error(y_true, y_pred)
        if self.quiet_weight:
            error = error + self.quiet_weight * _squared_error(y_true, y_pred, _quiet)[0]
        return error / ops.maximum(count, 1)

    def get_config(self):
        """Return what rebuilds the loss."""
        return {"quiet_weight": self.quiet_weight, "name": self.name}


@keras.saving.register_keras_serializable("sktimbre")
class ReconstructionError(keras.metrics.Metric):
    """Mean squared error of log-magnitudes over all frames of an epoch that count, penalties left out."""

    def __init__(self, name="reconstruction_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(shape=(), initializer="zeros", name="total")
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add one batch, shaped as in `SpectralError`."""
        error, count = _squared_error(y_true, y_pred)
        self.total.assign_add(error)
        self.count.assign_add(count)

    def result(self):
        """Return the mean so far."""
        return self.total / ops.maximum(self.count, 1)
