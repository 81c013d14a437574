"""Noise between partials of predicted spectra: as the source's in its fluctuation, or in its level."""

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from sktimbre._utils.validation import Batch
from sktimbre.spectral.log_magnitudes import magnitudes

__all__ = ["NOISE_CONTEXT", "keep_noise", "restore_noise"]

# Frames to each side of which the level of noise is the mean.
NOISE_CONTEXT = 1
# Bins to each side among which a partial would be louder: more than half the main lobe of a window.
PARTIAL_WITHIN = 6
# A bin is taken for noise if it is so much softer than the loudest bin near it; the restoration begins at the first level.
PERHAPS, SURELY = 18.0, 28.0  # dB
# Bins so much below the loudest of their frame, with all bins near them, are noise although no partial is near.
PERHAPS_WEAK, SURELY_WEAK = 45.0, 55.0  # dB
# Larger changes are not noise but beginnings and ends of notes.
LARGEST_CHANGE = 8.0  # dB
# Lowest magnitude, far below the last bit of 24.
LOWEST = 1e-6


def restore_noise(S: Batch, predicted: Batch, share: float) -> list[np.ndarray]:
    """Return predicted spectra whose noise fluctuates as that of the source.

    A regressor that minimizes a squared error predicts the mean of noise, which changes little from frame to frame. The level
    of noise itself has a standard deviation of 5.6 dB, for its power has an exponential distribution. The level of each bin is
    therefore compared with its mean over three frames; in bins of the prediction that lie between partials, the difference is
    replaced by that of the source.

    Parameters
    ----------
    S, predicted : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, float32, non-negative
        Log-magnitude spectra of the source, and those that a regressor predicts for it.
    share : float in [0, 1]
        How much of the difference in dB, up to 8 dB of it, is replaced.

    Returns
    -------
    list of ndarray of shape (n_frequencies, n_frames), float32
    """
    return [_restored(s, p, share) for s, p in zip(S, predicted, strict=True)]


def keep_noise(S: Batch, predicted: Batch, share: float) -> list[np.ndarray]:
    """Return predicted spectra that have the noise of the source between partials, such as its breath or bow.

    In bins that lie between or above the partials of both, the level is brought to that of the source.

    Parameters
    ----------
    S, predicted : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, float32, non-negative
        Log-magnitude spectra of the source, and those that a regressor predicts for it.
    share : float in [0, 1]
        How much of the difference in dB is removed.

    Returns
    -------
    list of ndarray of shape (n_frequencies, n_frames), float32
    """
    return [_kept(s, p, share) for s, p in zip(S, predicted, strict=True)]


def _restored(S, predicted, share):
    M = magnitudes(np.maximum(predicted, 0))
    level, source = _level(M), _level(magnitudes(S))
    missing = _change(source) - _change(level)
    gain = share * _between(level) * np.clip(missing, -LARGEST_CHANGE, LARGEST_CHANGE)
    return np.log1p(M * (10 ** (gain / 20)).astype(np.float32))


def _kept(S, predicted, share):
    level, source = (_level(magnitudes(np.maximum(side, 0))) for side in (predicted, S))
    level += share * _noise(level) * _noise(source) * (source - level)
    return np.log1p(10 ** (level / 20)).astype(np.float32)


def _level(M):
    return 20 * np.log10(np.maximum(M, LOWEST))


def _between(level):
    """Return how surely bins are noise, from 0 to 1, by the loudest bin near them."""
    return np.clip((_loudest_near(level) - level - PERHAPS) / (SURELY - PERHAPS), 0, 1)


def _noise(level):
    """Return how surely bins are noise, from 0 to 1: beside a partial, or where there are only weak ones."""
    below = level.max(axis=0) - _loudest_near(level)
    return np.maximum(_between(level), np.clip((below - PERHAPS_WEAK) / (SURELY_WEAK - PERHAPS_WEAK), 0, 1))


def _loudest_near(level):
    return maximum_filter1d(level, 2 * PARTIAL_WITHIN + 1, axis=0, mode="nearest")


def _change(level):
    return level - uniform_filter1d(level, 2 * NOISE_CONTEXT + 1, axis=1, mode="nearest")
