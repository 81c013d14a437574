"""HarmonicFeatures: a layer that finds the pitches of each frame and says which partial each bin belongs to."""

import keras
import numpy as np
from keras import ops

from sktimbre.autoencoder.data.pitch import LOWEST, STEPS, comb, combs
from sktimbre.spectral.log_magnitudes import LARGEST

__all__ = ["HarmonicFeatures"]

# Half the width of a partial in bins: half the main lobe of a Hann window.
LOBE = 2.0
# Multiple of a partial's lobe that is removed before the next pitch is found: bins near its middle are removed whole.
REMOVED = 1.5
# Rows of the learnt table in an octave of pitch; partials in each row, and values between one partial and the next.
ROWS, PARTIALS, FINENESS = 6, 64, 2
# Least sum of weights, below which features are small.
SILENCE = 0.003
# Weight of a pitch for bins between its partials, beside 1 for bins on them.
BETWEEN = 0.03


@keras.saving.register_keras_serializable("sktimbre")
class HarmonicFeatures(keras.layers.Layer):
    """Find up to ``pitches`` pitches in each frame and describe each bin by its place among their partials.

    The first pitch is that of the comb of partials that agrees best with the frame; the bins of its partials are then removed,
    and the next pitch is found in what remains (as in A. Klapuri, "Multiple fundamental frequency estimation based on
    harmonicity and spectral smoothness", IEEE Transactions on Speech and Audio Processing 11(6), 2003). For each pitch a bin
    has a number ``h``, its frequency divided by the pitch, so that integers are partials. The features of a bin are
    the cosines and sines of ``2 pi h`` and of ``pi h``, which tell odd partials from even ones, and values from a learnt table
    over pitch and ``h``. They are averages over the pitches, weighted by the strength of each and by whether the bin lies on
    one of its partials. The last feature is how strongly a bin lies on partials at all.

    Only the table is learnt; pitches have no gradient.

    Parameters
    ----------
    pitches : int
        Largest number of pitches in a frame.
    learnt : int
        Number of values in each entry of the table.
    """

    def __init__(self, pitches=3, learnt=3, **kwargs):
        super().__init__(**kwargs)
        self.pitches = pitches
        self.learnt = learnt

    def build(self, input_shape):
        """Build the constant combs and the table for spectra (batch, n_frequencies, n_frames, 1)."""
        candidates, *_ = comb(input_shape[1])
        self.constants = {"combs": combs(input_shape[1])}
        self._n_candidates = len(candidates)
        self._n_rows = int(np.ceil(len(candidates) / STEPS * ROWS)) + 1
        shape = (self._n_rows, PARTIALS * FINENESS * self.learnt)
        self.table = self.add_weight(shape=shape, initializer="zeros", name="table")

    def call(self, x):
        """Return the features (batch, n_frequencies, n_frames, 5 + learnt)."""
        return self.compute(x, ops)

    def compute(self, x, ops):
        """Return the features by these operations."""
        magnitudes = ops.expm1(ops.clip(ops.cast(x[..., 0], "float32"), 0.0, LARGEST))
        frames = ops.transpose(ops.sqrt(magnitudes + 1e-6), (0, 2, 1))
        frames = ops.stop_gradient(frames / ops.sqrt(ops.sum(ops.square(frames), axis=-1, keepdims=True)))
        bins = ops.reshape(ops.arange(x.shape[1], dtype="float32"), (1, 1, -1))
        # One tensor for each feature: operations on a last axis of eight are slow.
        totals = [0.0] * (4 + self.learnt)
        weights = on = 0.0
        for _ in range(self.pitches):
            place, strength = self._strongest(frames, ops)
            pitch = LOWEST * ops.exp(place * (np.log(2) / STEPS))
            h = bins / pitch
            away = pitch * ops.abs(h - ops.maximum(ops.round(h), 1.0))
            lobe = ops.relu(1 - ops.square(away / LOBE))
            frames = frames * ops.relu(1 - REMOVED * lobe)
            weight = ops.square(strength) * (lobe + BETWEEN)
            values = [*_waves(h, ops), *self._looked_up(place, h, ops)]
            totals = [total + weight * value for total, value in zip(totals, values, strict=True)]
            weights = weights + weight
            on = on + strength * lobe
        weights = 1 / (weights + SILENCE)
        features = [ops.transpose(feature, (0, 2, 1)) for feature in (*(total * weights for total in totals), on)]
        return ops.cast(ops.stack(features, axis=-1), x.dtype)

    def _strongest(self, frames, ops):
        """Return the candidate that fits each frame best, a fraction by interpolation, and how well; both (batch, n, 1)."""
        fit = ops.matmul(frames, ops.convert_to_tensor(self.constants["combs"]))
        best = ops.clip(ops.argmax(fit, axis=-1), 1, self._n_candidates - 2)
        around = ops.take_along_axis(fit, best[..., None] + ops.convert_to_tensor([-1, 0, 1], best.dtype), axis=-1)
        before, at, after = (around[..., i : i + 1] for i in range(3))
        curve = ops.minimum(before - 2 * at + after, -1e-9)
        shift = ops.clip(0.5 * (before - after) / curve, -0.5, 0.5)
        return ops.cast(best, "float32")[..., None] + shift, ops.relu(at)

    def _looked_up(self, place, h, ops):
        """Return the learnt values at the pitch of each frame and the number of each bin, interpolated in the table."""
        rows = ops.relu(1 - ops.abs(place * (ROWS / STEPS) - ops.arange(self._n_rows, dtype="float32")))
        entries = PARTIALS * FINENESS
        table = ops.reshape(ops.matmul(rows, ops.cast(self.table, "float32")), (-1, self.learnt))
        table = ops.transpose(table, (1, 0))
        at = ops.minimum(h * FINENESS, entries - 1.001)
        low = ops.floor(at)
        frame = ops.reshape(ops.arange(ops.shape(h)[0] * ops.shape(h)[1]), (ops.shape(h)[0], ops.shape(h)[1], 1))
        index = ops.cast(low, "int32") + ops.cast(frame, "int32") * entries
        part = at - low
        columns = [table[i] for i in range(self.learnt)]
        return [ops.take(column, index) * (1 - part) + ops.take(column, index + 1) * part for column in columns]

    def compute_output_shape(self, input_shape):
        """Return the shape of the output."""
        return (*input_shape[:-1], 5 + self.learnt)

    def get_config(self):
        """Return the arguments of the layer."""
        return {**super().get_config(), "pitches": self.pitches, "learnt": self.learnt}


def _waves(h, ops):
    """Return the cosine and sine of ``2 pi h`` and of ``pi h``."""
    cos, sin = ops.cos(np.pi * h), ops.sin(np.pi * h)
    return 1 - 2 * sin * sin, 2 * sin * cos, cos, sin
