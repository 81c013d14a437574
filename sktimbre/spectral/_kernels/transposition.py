"""Interpolation along frequency, compiled: many short spectra are transposed for each batch of a training."""

import numpy as np

from sktimbre.spectral._kernels.lane_fft import compiled

__all__ = ["interpolate"]


@compiled
def interpolate(S, ratio, out):
    """Fill ``out`` with S (n_frequencies, n_frames) read at ``k / ratio`` by cubic convolution; negative values become 0."""
    last = len(S) - 1
    for k in range(len(S)):
        at = min(k / ratio, last)
        i = min(int(at), last - 1)
        t = np.float32(at - i)
        before, here, after = S[max(i - 1, 0)], S[i], S[i + 1]
        then = S[min(i + 2, last)]
        w_before, w_here = t * (t * (2 - t) - 1) / 2, (t * t * (3 * t - 5) + 2) / 2
        w_after, w_then = t * (t * (4 - 3 * t) + 1) / 2, t * t * (t - 1) / 2
        for j in range(S.shape[1]):
            value = w_before * before[j] + w_here * here[j] + w_after * after[j] + w_then * then[j]
            out[k, j] = max(value, np.float32(0))
