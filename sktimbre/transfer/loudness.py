"""Restore the source's loudness contour in predicted spectra."""

import numpy as np
from scipy.ndimage import convolve1d

from sktimbre._utils.validation import Batch
from sktimbre.spectral.log_magnitudes import magnitudes, scaled

# Larger differences come from the instruments' envelopes (plucked and bowed), not from the playing; they are left alone.
LARGEST_GAIN = 6.0  # dB
# Frames this far below the mean of their surroundings are left alone; the correction fades between the two levels.
QUIET, QUIETER = 30.0, 40.0  # dB


def follow_loudness(S: Batch, predicted: Batch, share: float, context: int) -> list[np.ndarray]:
    """Return predicted spectra whose loudness follows that of the source.

    The loudness of a frame is its power in dB. The difference between source and prediction is compared with its mean over
    the surrounding frames, so that neither a gain nor a target that is louder than its source changes anything; what remains
    is how the source was played.

    Parameters
    ----------
    S, predicted : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, float32, non-negative
        Log-magnitude spectra of the source, and those that a regressor predicts for it.
    share : float in [0, 1]
        How much of the difference, up to 6 dB of it, is restored.
    context : int
        Number of frames to each side over which the mean is taken.

    Returns
    -------
    list of ndarray of shape (n_frequencies, n_frames), float32
    """
    window = np.hanning(2 * context + 3)[1:-1]
    return [_follow(s, p, share, window / window.sum()) for s, p in zip(S, predicted, strict=True)]


def _follow(S, predicted, share, window):
    source, output = (np.sum(magnitudes(note) ** 2, axis=0, dtype=np.float64) for note in (S, predicted))
    tiny = np.finfo(np.float32).tiny
    difference = 10 * np.log10((source + tiny) / (output + tiny))
    # The mean is weighted by what both play: a release of only one of them tells nothing about their usual difference.
    both = np.sqrt(source * output)
    around, both_around, usual = (convolve1d(x, window, mode="constant") for x in (source, both, difference * both))
    usual = usual / np.maximum(both_around, tiny)
    loudness = 10 * np.log10((source + tiny) / np.maximum(around, tiny))
    weight = np.clip((loudness + QUIETER) / (QUIETER - QUIET), 0, 1)
    gain = share * weight * np.clip(difference - usual, -LARGEST_GAIN, LARGEST_GAIN)
    return scaled(predicted, (10 ** (gain / 20)).astype(np.float32))
