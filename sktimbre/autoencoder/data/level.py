"""Normalize spectra to the reference level before a network; the inverse of the gains restores the original level.

Training notes and recordings have any level. Each frame is therefore scaled by the loudest frame within about a second. The
normalized spectra are exactly independent of a recording's gain, keep the dynamics within a note, and have quiet notes of a
phrase at the level of training notes.
"""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import convolve1d, maximum_filter1d

from sktimbre._utils.notes import NotesOnDisk
from sktimbre._utils.validation import Notes
from sktimbre.spectral.log_magnitudes import magnitudes, scaled

__all__ = ["CONTEXT", "level_gain", "level_of", "level_of_magnitudes", "normalized_notes", "normalized_pairs"]

# Frames to each side in which the loudest frame is found: one second at the default STFT.
LOUDEST_WITHIN = 43
# Frames to each side over which the loudest level is smoothed, so that the gain never jumps.
SMOOTH = 10
# Frames to each side that the gain of a frame depends on.
CONTEXT = LOUDEST_WITHIN + SMOOTH
# The level of a frame is the norm of its magnitudes with this exponent, between 2 (root of the power), which is high for notes
# with one strong partial, and 1 (sum). With 1.5 the level varies least between notes that peak at full scale.
EXPONENT = 1.5
# Level of notes that peak at full scale, divided by n_fft: the mean over notes.
REFERENCE = 0.3
# Lower limit of the level, 70 dB below that of such notes, so that near silence is not amplified without limit.
QUIETEST = REFERENCE * 10 ** (-70 / 20)


def level_of(S: np.ndarray) -> np.ndarray:
    """Return the level of each frame of log-magnitude spectra (n_frequencies, n_frames)."""
    return level_of_magnitudes(magnitudes(S))


def level_of_magnitudes(M: np.ndarray) -> np.ndarray:
    """Return the level of each frame of magnitudes (n_frequencies, n_frames)."""
    return (M**EXPONENT).sum(axis=0, dtype=np.float64) ** (1 / EXPONENT)


def level_gain(S: np.ndarray, reference: float | None = None) -> np.ndarray:
    """Return the gain of each frame that normalizes a note to the reference level.

    Parameters
    ----------
    S : ndarray of shape (n_frequencies, n_frames), float32, non-negative
        Log-magnitude spectra ``log(1 + abs(STFT))`` of one note.
    reference : float or None
        The reference level; None is 0.3 ``n_fft``.

    Returns
    -------
    ndarray of shape (n_frames,), float32, positive
        Factors for magnitudes. The gains of ``log1p(g * expm1(S))`` are these divided by g, for notes louder than 70 dB below
        full scale.
    """
    loudest = maximum_filter1d(level_of(S), 2 * LOUDEST_WITHIN + 1, mode="constant")
    taper = np.hanning(2 * SMOOTH + 3)[1:-1]
    smooth = convolve1d(loudest, taper / taper.sum(), mode="nearest")
    n_fft = 2 * (len(S) - 1)
    reference = REFERENCE * n_fft if reference is None else reference
    return (reference / np.maximum(smooth, QUIETEST * n_fft)).astype(np.float32)


class ScaledNotes(NotesOnDisk):
    """Notes on disk that are scaled when they are read."""

    def __init__(self, notes: NotesOnDisk, gains: Sequence[np.ndarray]):
        self.notes, self.gains, self.shapes = notes, gains, notes.shapes

    def read(self, index: int) -> np.ndarray:
        """Return the spectra of one note."""
        return scaled(self.notes.read(index), self.gains[index])


def normalized_notes(S: Notes, reference: float | None = None) -> tuple[Sequence[np.ndarray], list[np.ndarray]]:
    """Return spectra normalized to the reference level (None is 0.3 ``n_fft``), and the gains of each note."""
    gains = [level_gain(note, reference) for note in S]
    return _all_scaled(S, gains), gains


def normalized_pairs(
    S: Notes, T: Notes, reference: float | None = None
) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray], list[np.ndarray]]:
    """Return sources and targets, both scaled by the gains that normalize the source, and these gains."""
    sources, gains = normalized_notes(S, reference)
    return sources, _all_scaled(T, gains), gains


def _all_scaled(S, gains):
    if isinstance(S, NotesOnDisk):
        return ScaledNotes(S, gains)
    return [scaled(note, gain) for note, gain in zip(S, gains, strict=True)]
