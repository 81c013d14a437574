"""Bring targets to the pitch of their sources, so that a network keeps the pitch that is played."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sktimbre._utils.notes import NotesOnDisk
from sktimbre._utils.validation import Notes
from sktimbre.autoencoder.data.pitch import pair_pitches
from sktimbre.spectral.log_magnitudes import transposed
from sktimbre.storage.notes import choose

__all__ = ["chosen_pairs", "in_tune"]


class TransposedNotes(NotesOnDisk):
    """Notes on disk that are transposed when they are read."""

    def __init__(self, notes: NotesOnDisk, ratios: Sequence[float]):
        self.notes, self.ratios, self.shapes = notes, ratios, notes.shapes

    def read(self, index: int) -> np.ndarray:
        """Return the spectra of one note."""
        return transposed(self.notes.read(index), self.ratios[index])


def in_tune(S: Notes, T: Notes) -> Sequence[np.ndarray]:
    """Return targets transposed to the pitches of their sources.

    Parameters
    ----------
    S, T : sequence of ndarray of shape (n_frequencies, n_frames), float32
        Log-magnitude spectra of sources and targets.

    Returns
    -------
    sequence of ndarray
        Targets; those of pairs without a clear pitch, or more than a semitone apart, as they are.
    """
    ratios = []
    for source, target in zip(S, T, strict=True):
        a, b = pair_pitches(source, target)
        ratios.append(a / b if np.isfinite(a / b) else 1.0)
    if isinstance(T, NotesOnDisk):
        return TransposedNotes(T, ratios)
    return [transposed(note, ratio) for note, ratio in zip(T, ratios, strict=True)]


def chosen_pairs(S: Notes, T: Notes, indices: Iterable[int], tuning: str) -> tuple[Any, Any]:
    """Return the pairs of these indices; with ``tuning="source"``, targets are brought to the pitches of their sources.

    Parameters
    ----------
    S, T : sequence of ndarray of shape (n_frequencies, n_frames), float32
        Log-magnitude spectra of sources and targets.
    indices : iterable of int
        Pairs to return.
    tuning : {"source", "target"}
        Parameter of `TimbreAutoencoder`.
    """
    sources, targets = choose(S, indices), choose(T, indices)
    return sources, in_tune(sources, targets) if tuning == "source" else targets
