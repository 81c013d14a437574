"""Loudness: what an output is brought back to where a regressor has evened out how the source was played."""

import numpy as np
from scipy.ndimage import convolve1d

from sktimbre._utils.validation import Batch
from sktimbre.spectral.log_magnitudes import magnitudes, scaled

# A curve that differs by more is another envelope, as of a plucked string beside a bowed one, and not another way of playing.
LIMIT = 6.0  # dB
# Frames so much quieter than what is around them are left alone, with a transition over as many dB as lie between.
QUIET, QUIETER = 30.0, 40.0  # dB


def follow_loudness(S: Batch, predicted: Batch, share: float, reach: int) -> list[np.ndarray]:
    """Return spectra whose loudness follows that of a source more closely.

    Loudness is the power of a frame in dB. What counts is how it moves: from the difference of source and prediction its mean
    over the neighbourhood is subtracted. So a gain changes nothing, nor does a target that is louder than its source.

    Parameters
    ----------
    S, predicted : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, float32, non-negative
        Log-magnitude spectra of the source and of what a regressor makes of it.
    share : float in [0, 1]
        Of the difference, up to 6 dB of it, that is made up for.
    reach : int
        Frames to each side that are the neighbourhood.

    Returns
    -------
    list of ndarray of shape (n_frequencies, n_frames), float32
    """
    window = np.hanning(2 * reach + 3)[1:-1]
    return [_follow(s, p, share, window / window.sum()) for s, p in zip(S, predicted, strict=True)]


def _follow(S, predicted, share, window):
    power, given = (np.sum(magnitudes(note) ** 2, axis=0, dtype=np.float64) for note in (S, predicted))
    tiny = np.finfo(np.float32).tiny
    difference = 10 * np.log10((power + tiny) / (given + tiny))
    # What only one of the two plays, such as a release, says nothing about how loud the other is beside it.
    both = np.sqrt(power * given)
    around, both_around, usual = (convolve1d(x, window, mode="constant") for x in (power, both, difference * both))
    usual = usual / np.maximum(both_around, tiny)
    loud = 10 * np.log10((power + tiny) / np.maximum(around, tiny))
    loud = np.clip((loud + QUIETER) / (QUIETER - QUIET), 0, 1)
    gain = share * loud * np.clip(difference - usual, -LIMIT, LIMIT)
    return scaled(predicted, (10 ** (gain / 20)).astype(np.float32))
