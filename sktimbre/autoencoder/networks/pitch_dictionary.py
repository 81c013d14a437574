"""PitchDictionary: a layer that hears which pitch a frame has, and looks up what is known of that pitch."""

import keras
import numpy as np
from keras import ops

from sktimbre.autoencoder.data.pitch import comb

__all__ = ["PitchDictionary"]

# Of the soft choice among pitches at the start: enough to take a handful of neighbouring entries.
SHARPNESS = 60.0


@keras.saving.register_keras_serializable("sktimbre")
class PitchDictionary(keras.layers.Layer):
    """Look up, for the pitch of each frame, learnt spectra of that pitch.

    Attention over pitches: each frame is compared with combs of partials at 240 pitches an octave, and entries of a learnt
    dictionary, spectra with some channels, are mixed by how well their pitches fit. So a convolution need not find out from
    partials far apart where the others belong. At the start the channels hold the cosine and the sine of the place of
    each bin between two partials, and nothing from the third on.

    Parameters
    ----------
    channels : int
        Spectra of each entry.
    """

    def __init__(self, channels=2, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape):
        """Make the combs, which are constant, and the dictionary for spectra (batch, n_frequencies, n_frames, 1)."""
        n_frequencies = input_shape[1]
        candidates, on, between = comb(n_frequencies)
        self._combs = (on - between).T.astype(np.float32)
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
        """Return spectra (batch, n_frequencies, n_frames, channels)."""
        frames = ops.transpose(ops.sqrt(ops.expm1(ops.relu(x[..., 0])) + 1e-6), (0, 2, 1))
        frames = frames / ops.sqrt(ops.sum(ops.square(frames), axis=-1, keepdims=True))
        fit = ops.matmul(frames, ops.convert_to_tensor(self._combs, x.dtype))
        mixed = ops.matmul(ops.softmax(ops.exp(self.sharpness) * fit, axis=-1), self.entries)
        shape = (ops.shape(x)[0], ops.shape(x)[2], self.channels, x.shape[1])
        return ops.transpose(ops.reshape(mixed, shape), (0, 3, 1, 2))

    def compute_output_shape(self, input_shape):
        """Return the shape of the input with other channels."""
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        """Return what rebuilds the layer."""
        return {**super().get_config(), "channels": self.channels}
