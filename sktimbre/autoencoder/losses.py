"""Masked squared error as loss and as metric.

Targets carry their mask: after the last frequency stands one row that is 1 where a frame counts and 0 where it is
padding, so that the loss is a mean over real frames whatever a batch was padded to.
"""

import keras
from keras import ops

__all__ = ["ReconstructionError", "masked_squared_error"]


def _squared_error(y_true, y_pred):
    """Return the summed squared error over frames that count, and how many values that is."""
    target, mask = y_true[:, :-1], y_true[:, -1:]
    # Of mixed precision the output is coarse; a sum over a note would overflow in it.
    y_pred = ops.cast(y_pred, target.dtype)
    error = ops.sum(ops.square(target - y_pred) * mask)
    return error, ops.sum(mask) * target.shape[1]


@keras.saving.register_keras_serializable("sktimbre")
def masked_squared_error(y_true, y_pred):
    """Return the mean squared error over frames that count, a scalar.

    Parameters
    ----------
    y_true : tensor of shape (batch, n_frequencies + 1, n_frames, 1)
        Log-magnitude target spectra, and the mask as last row.
    y_pred : tensor of shape (batch, n_frequencies, n_frames, 1)
        Predicted spectra.
    """
    error, count = _squared_error(y_true, y_pred)
    return error / ops.maximum(count, 1)


@keras.saving.register_keras_serializable("sktimbre")
class ReconstructionError(keras.metrics.Metric):
    """Mean squared error of log-magnitudes over all frames of an epoch that count, penalties left out."""

    def __init__(self, name="reconstruction_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(shape=(), initializer="zeros", name="total")
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add one batch, shaped as in `masked_squared_error`."""
        error, count = _squared_error(y_true, y_pred)
        self.total.assign_add(error)
        self.count.assign_add(count)

    def result(self):
        """Return the mean so far."""
        return self.total / ops.maximum(self.count, 1)
