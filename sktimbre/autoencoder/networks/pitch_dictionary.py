"""PitchDictionary: a layer that estimates the pitch of each frame and looks up learnt spectra for it."""

import keras
import numpy as np
from keras import ops

from sktimbre.autoencoder.data.pitch import comb, combs

__all__ = ["PitchDictionary"]

# Initial sharpness of the softmax over pitches, with which a few neighbouring entries are mixed.
SHARPNESS = 60.0


@keras.saving.register_keras_serializable("sktimbre")
class PitchDictionary(keras.layers.Layer):
    """Look up learnt spectra for the pitch of each frame.

    The layer is an attention over pitches. Each frame is compared with combs of partials at 240 pitches an octave, and a
    softmax of the similarities weights the entries of a learnt dictionary. Convolutions then need not infer from distant
    partials where the others lie. The first two channels of the dictionary are initialized with the cosine and sine of the
    position of each bin between two partials, further channels with zeros.

    Parameters
    ----------
    channels : int
        Number of spectra in each entry of the dictionary.
    """

    def __init__(self, channels=2, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape):
        """Build the constant combs and the dictionary for spectra (batch, n_frequencies, n_frames, 1)."""
        n_frequencies = input_shape[1]
        candidates, *_ = comb(n_frequencies)
        self.constants = {"combs": combs(n_frequencies)}
        phase = 2 * np.pi * np.arange(n_frequencies) / candidates[:, np.newaxis]
        entries = np.zeros((len(candidates), self.channels, n_frequencies), np.float32)
        for channel, wave in zip(range(self.channels), (np.cos, np.sin), strict=False):
            entries[:, channel] = wave(phase)
        self.entries = self.add_weight(
            shape=(len(candidates), self.channels * n_frequencies),
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(entries.reshape(shape), dtype),
            name="entries",
        )
        self.sharpness = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(np.log(SHARPNESS)), name="sharpness"
        )

    def call(self, x):
        """Return the looked-up spectra (batch, n_frequencies, n_frames, channels)."""
        return self.compute(x, ops)

    def compute(self, x, ops):
        """Return the looked-up spectra by these operations."""
        frames = ops.transpose(ops.sqrt(ops.expm1(ops.relu(x[..., 0])) + 1e-6), (0, 2, 1))
        frames = frames / ops.sqrt(ops.sum(ops.square(frames), axis=-1, keepdims=True))
        fit = ops.matmul(frames, ops.convert_to_tensor(self.constants["combs"], x.dtype))
        mixed = ops.matmul(ops.softmax(ops.exp(self.sharpness) * fit, axis=-1), self.entries)
        shape = (ops.shape(x)[0], ops.shape(x)[2], self.channels, x.shape[1])
        return ops.transpose(ops.reshape(mixed, shape), (0, 3, 1, 2))

    def compute_output_shape(self, input_shape):
        """Return the shape of the output."""
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        """Return the arguments of the layer."""
        return {**super().get_config(), "channels": self.channels}
