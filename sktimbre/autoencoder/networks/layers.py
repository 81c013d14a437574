"""Custom Keras layers for every backend."""

import math

import keras
from keras import ops

from sktimbre.autoencoder.backend.distribution import sum_over_replicas
from sktimbre.spectral.log_magnitudes import LARGEST

__all__ = ["Coordinates", "KLSparsity", "NonNegative", "QuietLog", "TiedConv2D", "quiet_log"]

# Magnitude up to which `quiet_log` is nearly linear: about 80 dB below a sine at full scale in a window of 1024 samples.
QUIET = 0.02


def quiet_log(S, ops=ops):
    """Return ``log(1 + abs(STFT) / 0.02)`` of a tensor ``log(1 + abs(STFT))``; negative values are clipped to 0."""
    return ops.log1p(ops.expm1(ops.clip(S, 0.0, LARGEST)) / QUIET)


@keras.saving.register_keras_serializable("sktimbre")
class NonNegative(keras.layers.Layer):
    """Rectify the output; in training, negative values keep a gradient.

    A plain ReLU has no gradient for negative values: a network whose values are all negative predicts silence for good, which
    was measured for `dilated_residual` at learning rate 1e-3. In training, negative values are therefore divided by ten;
    predictions are rectified.
    """

    slope = 0.1

    def call(self, x, training=False):
        """Return ``x`` where it is positive; elsewhere 0, or ``x / 10`` in training."""
        return ops.leaky_relu(x, self.slope) if training else ops.relu(x)


@keras.saving.register_keras_serializable("sktimbre")
class QuietLog(keras.layers.Layer):
    """Transform ``log(1 + abs(STFT))`` to ``log(1 + abs(STFT) / 0.02)``, or back.

    On this scale a gain is a shift for all but the quietest bins, so a network that adds to its input filters it.

    Parameters
    ----------
    inverse : bool
        Whether to transform back.
    """

    def __init__(self, inverse=False, **kwargs):
        super().__init__(**kwargs)
        self.inverse = inverse

    def call(self, x):
        """Return the transformed spectra."""
        return self.compute(x, ops)

    def compute(self, x, ops):
        """Return the transformed spectra by these operations."""
        if self.inverse:
            return ops.log1p(QUIET * ops.expm1(ops.minimum(x, LARGEST)))
        return quiet_log(x, ops)

    def get_config(self):
        """Return the arguments of the layer."""
        return {**super().get_config(), "inverse": self.inverse}


@keras.saving.register_keras_serializable("sktimbre")
class Coordinates(keras.layers.Layer):
    """Append two channels with the frequency: its position from 0 to 1, and a sine of two periods over it.

    R. Liu et al., "An intriguing failing of convolutional neural networks and the CoordConv solution", NeurIPS, 2018.
    """

    def call(self, x):
        """Return ``x`` (batch, height, width, channels) with two more channels."""
        return self.compute(x, ops)

    def compute(self, x, ops):
        """Return ``x`` with two more channels by these operations."""
        place = ops.reshape(ops.linspace(0.0, 1.0, x.shape[1]), (1, x.shape[1], 1, 1))
        channels = ops.cast(ops.concatenate([place, ops.sin(4 * math.pi * place)], axis=-1), x.dtype)
        shape = (ops.shape(x)[0], x.shape[1], ops.shape(x)[2], 2)
        return ops.concatenate([x, ops.broadcast_to(channels, shape)], axis=-1)


@keras.saving.register_keras_serializable("sktimbre")
class KLSparsity(keras.layers.Layer):
    """Return the code unchanged and add a Kullback-Leibler penalty on the mean activation of its channels to the loss.

    The penalty is the thesis's formula (2.6), ``weight * sum(KL(target || mean_c))`` over the channels c. The mean over
    batch, frequency and time is clipped to (0, 1), so that a ReLU mean above 1 gives a large number and not NaN. Frames with
    silent input, such as padding, are left out.

    Parameters
    ----------
    target : float in (0, 1)
        Target mean activation.
    weight : float, non-negative
        Weight of the penalty.
    """

    def __init__(self, target=0.01, weight=0.5, **kwargs):
        super().__init__(**kwargs)
        self.target = target
        self.weight = weight

    def call(self, inputs, training=False):
        """Return ``code`` of the inputs ``(code, spectra)``."""
        code, spectra = inputs
        if training:
            self.add_loss(self.weight * self.penalty(code, spectra))
        return code

    def penalty(self, code, spectra):
        """Return the divergence summed over channels, a scalar."""
        sounding = ops.cast(ops.any(spectra > 0, axis=(1, 3), keepdims=True), code.dtype)
        # A frame of a pooled code sounds if any of its input frames does.
        sounding = ops.reshape(sounding, (ops.shape(code)[0], 1, ops.shape(code)[2], -1, 1))
        sounding = ops.max(sounding, axis=3)
        count = sum_over_replicas(ops.sum(sounding)) * ops.cast(ops.shape(code)[1], code.dtype)
        mean = sum_over_replicas(ops.sum(code * sounding, axis=(0, 1, 2))) / ops.maximum(count, 1)
        mean = ops.clip(mean, 1e-6, 1 - 1e-6)
        p = self.target
        return ops.sum(p * ops.log(p / mean) + (1 - p) * ops.log((1 - p) / (1 - mean)))

    def get_config(self):
        """Return the arguments of the layer."""
        return {**super().get_config(), "target": self.target, "weight": self.weight}


class TiedConv2D(keras.layers.Layer):
    """Transpose of another convolution, with the same kernel and its own bias (thesis section 2.3.3).

    Parameters
    ----------
    tied_to : keras.layers.Conv2D
        A convolution with "same" padding and stride 1.
    """

    def __init__(self, tied_to, **kwargs):
        super().__init__(**kwargs)
        # Keras does not track a layer in a tuple, so the shared weights are counted once.
        self._tied_to = (tied_to,)

    def build(self, input_shape):
        """Add the bias, one value for each input channel of the other convolution."""
        self.bias = self.add_weight(shape=(self._tied_to[0].kernel.shape[2],), initializer="zeros", name="bias")

    def call(self, x):
        """Return the transposed convolution of ``x``."""
        conv = self._tied_to[0]
        # With stride 1 the transpose is a convolution with the kernel flipped and its channels swapped.
        # Keras 3.6 cannot flip two axes at once.
        kernel = ops.transpose(ops.flip(ops.flip(conv.kernel, axis=0), axis=1), (0, 1, 3, 2))
        return ops.conv(x, kernel, padding="same", dilation_rate=conv.dilation_rate) + self.bias

    def get_config(self):
        """Return the arguments of the layer; ``tied_to`` is the name of the other convolution."""
        return {**keras.layers.Layer.get_config(self), "tied_to": self._tied_to[0].name}
