"""Masked squared error as loss and as metric.

Targets have one more row after the last frequency: the gain that normalized each frame to the reference level, 0 for padding.
Padding is left out, so the loss is a mean over the frames of notes, whatever the padded length.
"""

import keras
from keras import ops

from sktimbre.autoencoder.networks.layers import quiet_log
from sktimbre.spectral.log_magnitudes import LARGEST

__all__ = ["ReconstructionError", "SpectralError"]


def _squared_error(y_true, y_pred, domain):
    """Return the squared error summed over the frames of notes, and the number of its values."""
    target, gain = y_true[:, :-1], y_true[:, -1:]
    mask = ops.cast(gain > 0, target.dtype)
    # In mixed precision the output is in half precision, in which a sum over a note would overflow.
    y_pred = ops.cast(y_pred, target.dtype)
    error = ops.sum(ops.square(domain(target, gain) - domain(y_pred, gain)) * mask)
    return error, ops.sum(mask) * target.shape[1]


def _reference_level(S, gain):
    return S


def _quiet(S, gain):
    """Return `quiet_log`; negative outputs, which occur in training only, are kept."""
    return quiet_log(S) - ops.relu(-S)


def _original_level(S, gain):
    """Return spectra at their original level."""
    return ops.log1p(ops.expm1(ops.clip(S, 0.0, LARGEST)) / ops.where(gain > 0, gain, 1.0))


@keras.saving.register_keras_serializable("sktimbre")
class SpectralError(keras.losses.Loss):
    """Mean squared error of log-magnitudes without padding, with an additional term for quiet bins.

    Targets have the shape (batch, n_frequencies + 1, n_frames, 1): log-magnitude spectra, with the gain as last row.
    Predictions lack this row.

    Parameters
    ----------
    quiet_weight : float, non-negative
        Weight of the squared error of ``log(1 + abs(STFT) / 0.02)``, in which noise and weak partials count as much as strong
        partials, as in a log-spectral distance. 0 is the thesis's loss.
    """

    def __init__(self, quiet_weight=0.0, name="spectral_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.quiet_weight = quiet_weight

    def call(self, y_true, y_pred):
        """Return the error, a scalar."""
        error, count = _squared_error(y_true, y_pred, _reference_level)
        if self.quiet_weight:
            error = error + self.quiet_weight * _squared_error(y_true, y_pred, _quiet)[0]
        return error / ops.maximum(count, 1)

    def get_config(self):
        """Return the arguments of the loss."""
        return {"quiet_weight": self.quiet_weight, "name": self.name}


@keras.saving.register_keras_serializable("sktimbre")
class ReconstructionError(keras.metrics.Metric):
    """Mean squared error of log-magnitudes at their original level over an epoch, without padding and penalties."""

    def __init__(self, name="reconstruction_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(shape=(), initializer="zeros", name="total")
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add one batch, shaped as in `SpectralError`."""
        error, count = _squared_error(y_true, y_pred, _original_level)
        self.total.assign_add(error)
        self.count.assign_add(count)

    def result(self):
        """Return the mean so far."""
        return self.total / ops.maximum(self.count, 1)
