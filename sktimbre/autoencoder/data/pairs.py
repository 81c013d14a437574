"""Pairs of source and target spectra before training: made to match, split, measured."""

from collections.abc import Sequence

import numpy as np

from sktimbre.spectral.log_magnitudes import magnitudes

__all__ = ["frames_together", "mean_and_scale", "split_notes"]

# A note ends where it falls from so far below its loudest frame to where it stays so far below it, in so many frames at most:
# 0.2 s at the default STFT. What dies away more slowly is a string or a bar, not an end.
ENDING, ENDED, FADE = 9.0, 30.0, 8  # dB, dB, frames


def split_notes(n_notes: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices of training and of held-out notes, drawn by the seed, in order.

    Unless ``fraction`` is 0 or there is but one note, at least one note is held out and one is left.
    """
    n_held_out = round(fraction * n_notes)
    if fraction and n_notes > 1:
        n_held_out = min(max(1, n_held_out), n_notes - 1)
    order = np.random.default_rng(seed).permutation(n_notes)
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])


def frames_together(S: np.ndarray, T: np.ndarray) -> int:
    """Return for how many frames source and target of a pair go on alike: until one of them begins to end before the other.

    Else a network would learn to end notes that do not, and to play on where they have, as where only one of two recordings
    was cut.

    Parameters
    ----------
    S, T : ndarray of shape (n_frequencies, n_frames), float32
        Log-magnitude spectra of source and target.
    """
    ends = {_begins_to_end(S), _begins_to_end(T)}
    return min(ends) if len(ends) == 2 else S.shape[1]


def mean_and_scale(notes: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return mean and standard deviation over all values of all notes; a scale of 1 for constant ones."""
    size = sum(note.size for note in notes)
    mean = sum(float(np.sum(note, dtype=np.float64)) for note in notes) / size
    power = sum(float(np.sum(np.square(note - mean), dtype=np.float64)) for note in notes) / size
    return mean, float(np.sqrt(power)) or 1.0


def _begins_to_end(S):
    power = np.sum(magnitudes(S) ** 2, axis=0, dtype=np.float64)
    loudness = 10 * np.log10(power + np.finfo(np.float32).tiny)
    ending, ended = (np.flatnonzero(loudness >= loudness.max() - below)[-1] + 1 for below in (ENDING, ENDED))
    return int(ending) if ended < len(loudness) and ended - ending <= FADE else len(loudness)
