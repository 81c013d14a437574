"""Estimate the pitch of a note from its spectra, in bins, precisely enough for the interval between two notes."""

from functools import lru_cache

import numpy as np

from sktimbre.spectral.log_magnitudes import magnitudes

__all__ = ["comb", "combs", "pair_pitches", "pitch_in_bins"]

# Lowest pitch in bins; partials closer than this overlap.
LOWEST = 4.0
STEPS = 240  # candidate pitches in an octave
PARTIALS = 12
# A pitch is clear if its partials exceed the positions half-way between them by at least this share of their sum.
CLEAR = 0.53
# Largest ratio between the pitches of source and target, a semitone; estimates further apart are rejected.
APART = 2 ** (1 / 12)


def pitch_in_bins(S: np.ndarray) -> float:
    """Return the fundamental frequency of a note in bins, or NaN if no pitch is clear.

    The candidate with the largest difference between its partials and the positions half-way between them is chosen (as in A.
    Camacho and J. Harris, "A sawtooth waveform inspired pitch estimator for speech and music", JASA 124(3), 2008) and refined
    by interpolating its first partials.

    Parameters
    ----------
    S : ndarray of shape (n_frequencies, n_frames), float32
        Log-magnitude spectra of one note.

    Returns
    -------
    float
        At least 4, or NaN.
    """
    spectrum = np.sqrt(magnitudes(S)).mean(axis=1)
    if len(S) <= 2 * LOWEST + 1 or not spectrum.any():
        return np.nan
    candidates, on, between = _sparse_comb(len(S))
    peaks, valleys = on @ spectrum, between @ spectrum
    best = int(np.argmax(peaks - valleys))
    if peaks[best] - valleys[best] < CLEAR * (peaks[best] + valleys[best]):
        return np.nan
    return _refined(S.mean(axis=1), candidates[best])


@lru_cache(maxsize=4)
def comb(n_frequencies: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return candidate pitches and the weights of bins for their partials and the positions half-way between these.

    Parameters
    ----------
    n_frequencies : int
        Number of bins of a spectrum.

    Returns
    -------
    candidates : ndarray of shape (n_candidates,)
        Fundamental frequencies in bins, 240 an octave, up to half the highest bin.
    on, between : ndarray of shape (n_candidates, n_frequencies)
        Weights of bins for the sum over partials, the h-th weighted by ``1 / sqrt(h)``, and over the positions between.
    """
    last = n_frequencies - 1
    candidates = np.exp2(np.arange(np.log2(LOWEST), np.log2(max(2 * LOWEST, last / 2)), 1 / STEPS))
    on, between = np.zeros((2, len(candidates), n_frequencies))
    every = np.arange(len(candidates))
    for h in range(1, PARTIALS + 1):
        inside = candidates * h < last
        for weights, at, share in ((on, h, 1.0), (between, h - 0.5, 0.5), (between, h + 0.5, 0.5)):
            place = np.minimum(candidates * at, last)
            low = np.minimum(place.astype(int), last - 1)
            weight = inside * (candidates * at <= last) * share / np.sqrt(h)
            weights[every, low] += weight * (1 - (place - low))
            weights[every, low + 1] += weight * (place - low)
    return candidates, on, between


@lru_cache(maxsize=4)
def combs(n_frequencies: int) -> np.ndarray:
    """Return the weights ``on - between`` of `comb` as an array of shape (n_frequencies, n_candidates), float32."""
    _, on, between = comb(n_frequencies)
    return np.ascontiguousarray((on - between).T, np.float32)


@lru_cache(maxsize=4)
def _sparse_comb(n_frequencies):
    from scipy.sparse import csr_array

    # Each pitch has few non-zero weights; with dense matrices most of the time would be spent on zeros.
    candidates, on, between = comb(n_frequencies)
    return candidates, csr_array(on), csr_array(between)


def _refined(spectrum, pitch):
    """Return the fundamental by parabolic interpolation of the first six partials, weighted by height and number."""
    total = weight = 0.0
    for h in range(1, 7):
        k = round(pitch * h)
        if k + 2 >= len(spectrum):
            break
        k += int(np.argmax(spectrum[k - 1 : k + 2])) - 1
        a, b, c = spectrum[k - 1 : k + 2]
        if b <= max(a, c):
            continue
        place = (k + 0.5 * (a - c) / (a - 2 * b + c)) / h
        total, weight = total + b * h * place, weight + b * h
    return total / weight if weight else pitch


def pair_pitches(source: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Return the pitches of source and target in bins, or NaN for both if they differ by more than a semitone."""
    a, b = pitch_in_bins(source), pitch_in_bins(target)
    # A comparison with NaN is False.
    return (a, b) if a <= APART * b and b <= APART * a else (np.nan, np.nan)
