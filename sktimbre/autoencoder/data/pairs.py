"""Pairs of source and target spectra before training: made to match, split, measured."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from sktimbre._utils.containers import is_ragged
from sktimbre._utils.notes import NotesOnDisk, note_shapes
from sktimbre._utils.validation import Notes, check_audio, check_spectra
from sktimbre.exceptions import AudioError
from sktimbre.spectral.log_magnitudes import magnitudes

__all__ = ["frames_together", "mean_and_scale", "split_notes", "target_spectra"]

# A note ends where it falls from so far below its loudest frame to where it stays so far below it, in so many frames at most:
# 0.2 s at the default STFT. What dies away more slowly is a string or a bar, not an end.
ENDING, ENDED, FADE = 9.0, 30.0, 8  # dB, dB, frames


def target_spectra(S: Notes, y: Any, transformer: Any = None) -> Notes:
    """Return target spectra that match the source's.

    Parameters
    ----------
    S : ndarray of shape (n_notes, n_frequencies, n_frames), list of 2-D arrays or notes on disk
        Spectra of the source.
    y : spectra of the shapes of S, audio (n_notes, n_samples) or list of 1-D arrays, or None
        The target; None is the source itself.
    transformer : transformer or None
        Turns audio into spectra; None is ``LogSTFT()``. A clone of it is fitted.

    Returns
    -------
    ndarray or list of 2-D arrays, float32

    Raises
    ------
    AudioError
        The target is empty, not finite, of the wrong rank, or its spectra have other shapes than the source's.
    """
    if y is None:
        return S
    notes = list(y) if is_ragged(y) else None
    if (notes[0].ndim if notes else np.ndim(y)) == (1 if notes else 2):
        if transformer is None:
            from sktimbre.spectral import LogSTFT

            transformer = LogSTFT()
        audio = check_audio(y, name="y")
        T = clone(transformer).fit(audio).transform(audio)
        hint = f"y is audio and went through target_transformer={transformer!r}"
    else:
        T = check_spectra(y, name="y")
        hint = "y is spectra"
    if list(note_shapes(T)) != list(note_shapes(S)):
        raise AudioError(
            f"The source spectra have the shapes {_shapes(S)}, the target spectra {_shapes(T)}; {hint}. The two of a "
            "pair need the same shape: pass target_transformer=LogSTFT(...) with the parameters of the source's STFT, "
            "and notes of equal length."
        )
    return T


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


def _shapes(S):
    return sorted(set(note_shapes(S))) if isinstance(S, list | NotesOnDisk) else S.shape
