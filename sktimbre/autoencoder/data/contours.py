"""Loudness contours of variations: the rate at which notes end, and random swells, tremolos, attacks and ends."""

from collections.abc import Sequence

import numpy as np

from sktimbre.autoencoder.data.level import level_of

__all__ = ["loudness_envelope", "release_rate"]

# Frames over which the rate of a release is measured; dB per frame of the slowest, and of one that is not known; dB below the
# loudest frame at which a note no longer sounds.
RELEASE, SLOWEST, USUAL_RATE, SILENT = 4, 1.0, 6.0, 60.0


def release_rate(notes: Sequence[np.ndarray]) -> float:
    """Return by how many dB per frame notes fade when they end, the median over notes.

    The end of a note is where its level falls most within four frames in the second half of its sound. Notes that do not end,
    such as notes that are cut, are left out; if none is left, 6 is returned.

    Parameters
    ----------
    notes : sequence of ndarray of shape (n_frequencies, n_frames), float32
        Log-magnitude spectra of one instrument.

    Returns
    -------
    float
        dB per frame, from 1 to 30.
    """
    rates = []
    for note in notes:
        loudness = 20 * np.log10(np.maximum(level_of(note), np.finfo(np.float32).tiny))
        sounding = np.flatnonzero(loudness > loudness.max() - SILENT)
        loudness = np.maximum(loudness, loudness.max() - 2 * SILENT)
        falls = (loudness[:-RELEASE] - loudness[RELEASE:])[sounding[len(sounding) // 2] : sounding[-1] + 1]
        if len(falls) and falls.max() >= RELEASE * SLOWEST:
            rates.append(falls.max() / RELEASE)
    return float(np.median(rates)) if rates else USUAL_RATE


def loudness_envelope(n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random loudness contour: a swell, and at times a tremolo, a late attack or an early end.

    Parameters
    ----------
    n_frames : int
        Number of frames, at least one.
    rng : numpy.random.Generator
        Source of random numbers.

    Returns
    -------
    ndarray of shape (n_frames,), float32, positive
        Factors for the magnitudes of each frame, at most 1.
    """
    frames = np.arange(n_frames)
    points = rng.normal(0, 6, int(rng.integers(2, 5)))
    decibels = np.interp(frames, np.linspace(0, max(1, n_frames - 1), len(points)), points)
    if rng.random() < 0.4:  # a tremolo of about two to ten hertz
        period = rng.uniform(4, 20)
        decibels += rng.uniform(1, 6) * np.sin(2 * np.pi * (frames / period + rng.random()))
    for order in (frames, frames[::-1]):
        if rng.random() < 0.2:
            silent = rng.integers(0, n_frames // 2 + 1)
            decibels -= 60 * np.clip((silent - order) / rng.integers(1, 8), 0, 1)
    return (10 ** ((decibels - decibels.max()) / 20)).astype(np.float32)
