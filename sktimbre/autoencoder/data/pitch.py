"""The pitch of a note from its spectra, in bins: near enough to tell by what ratio one note is above another."""

from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array

__all__ = ["comb", "pair_pitches", "pitch_in_bins"]

# Partials closer than this many bins run into one another.
LOWEST = 4.0
STEPS = 240  # pitches in an octave
PARTIALS = 12
# Partials have to stand out of what lies between them by this share of the spectrum, or there is no pitch.
CLEAR = 0.53
# Source and target of a pair are of one pitch; estimates further apart than a semitone are not to be trusted.
APART = 2 ** (1 / 12)


def pitch_in_bins(S: np.ndarray) -> float:
    """Return the fundamental frequency of a note in bins, or NaN where none stands out.

    The candidate whose partials stand highest above the places half-way between them (as in A. Camacho and J. Harris, "A
    sawtooth waveform inspired pitch estimator for speech and music", JASA 124(3), 2008), refined by the places of its
    first partials.

    Parameters
    ----------
    S : ndarray of shape (n_frequencies, n_frames), float32
        Log-magnitude spectra of one note.

    Returns
    -------
    float
        At least 4, or NaN.
    """
    spectrum = np.sqrt(np.expm1(S)).mean(axis=1)
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
    """Return pitches, and what each of them looks at: its partials, and the places half-way between them.

    Parameters
    ----------
    n_frequencies : int
        Bins of a spectrum.

    Returns
    -------
    candidates : ndarray of shape (n_candidates,)
        Fundamental frequencies in bins, 240 an octave, up to half the highest bin.
    on, between : ndarray of shape (n_candidates, n_frequencies)
        Weights of bins for the sum over partials, the h-th weighted by ``1 / sqrt(h)``, and over the places between.
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
            seen = inside * (candidates * at <= last) * share / np.sqrt(h)
            weights[every, low] += seen * (1 - (place - low))
            weights[every, low + 1] += seen * (place - low)
    return candidates, on, between


@lru_cache(maxsize=4)
def _sparse_comb(n_frequencies):
    # A pitch looks at few bins: as full matrices most of the time would go into reading zeros.
    candidates, on, between = comb(n_frequencies)
    return candidates, csr_array(on), csr_array(between)


def _refined(spectrum, pitch):
    """Return the mean of what the parabolas through the peaks of the first six partials say, strong ones first."""
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
    """Return the pitches of a pair of notes in bins, or NaN twice where they seem not to agree."""
    a, b = pitch_in_bins(source), pitch_in_bins(target)
    # Written so that a missing pitch compares as false.
    return (a, b) if a <= APART * b and b <= APART * a else (np.nan, np.nan)
