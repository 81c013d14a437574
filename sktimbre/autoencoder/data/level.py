"""Level: spectra brought to one level before a network sees them, and given their own back afterwards.

A network learns from notes of whatever level they were published at, and is then shown recordings of any level. So each frame
is scaled by the loudest frame within about a second of it: what follows is exactly independent of a recording's gain, the
dynamics inside a note stay as they are, and a quiet note of a phrase is shown at the level that notes were learnt at.
"""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import convolve1d, maximum_filter1d

from sktimbre._utils.notes import NotesOnDisk
from sktimbre._utils.validation import Notes
from sktimbre.spectral.log_magnitudes import magnitudes, scaled

__all__ = ["HALO", "at_one_level", "level_gain", "pairs_at_one_level"]

# Frames to each side that the reference looks for its loudest one: one second at the default STFT.
REACH = 43
# Frames to each side over which the reference is then smoothed, so that it never jumps.
SMOOTH = 10
# All that one frame's gain depends on, to each side.
HALO = REACH + SMOOTH
# The level is the norm of a frame's magnitudes with this exponent: between the root of the power (2), which is high for notes
# with one strong partial, and the sum (1). Of notes that peak at full scale it differs least.
EXPONENT = 1.5
# What every note is brought to, over n_fft: the mean of those notes.
REFERENCE = 0.3
# The quietest reference, 70 dB below: frames of near silence are not blown up without end.
QUIETEST = REFERENCE * 10 ** (-70 / 20)


def level_gain(S: np.ndarray) -> np.ndarray:
    """Return the gain of each frame that brings a note to the level that networks are trained at.

    Parameters
    ----------
    S : ndarray of shape (n_frequencies, n_frames), float32, non-negative
        Log-magnitude spectra ``log(1 + abs(STFT))`` of one note.

    Returns
    -------
    ndarray of shape (n_frames,), float32, positive
        Factors for magnitudes. Those of ``log1p(g * expm1(S))`` are the same divided by g, as long as the note is louder
        than 70 dB below full scale.
    """
    level = np.sum(magnitudes(S) ** EXPONENT, axis=0, dtype=np.float64) ** (1 / EXPONENT)
    loudest = maximum_filter1d(level, 2 * REACH + 1, mode="constant")
    taper = np.hanning(2 * SMOOTH + 3)[1:-1]
    smooth = convolve1d(loudest, taper / taper.sum(), mode="nearest")
    n_fft = 2 * (len(S) - 1)
    return (REFERENCE * n_fft / np.maximum(smooth, QUIETEST * n_fft)).astype(np.float32)


class ScaledNotes(NotesOnDisk):
    """Spectra of notes on disk, scaled when they are read."""

    def __init__(self, notes: NotesOnDisk, gains: Sequence[np.ndarray]):
        self.notes, self.gains, self.shapes = notes, gains, notes.shapes

    def read(self, index: int) -> np.ndarray:
        """Return the spectra of one note."""
        return scaled(self.notes.read(index), self.gains[index])


def at_one_level(S: Notes) -> tuple[Sequence[np.ndarray], list[np.ndarray]]:
    """Return spectra at the level that networks are trained at, note by note, and the gains that brought them there."""
    gains = [level_gain(note) for note in S]
    return _all_scaled(S, gains), gains


def pairs_at_one_level(S: Notes, T: Notes) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray], list[np.ndarray]]:
    """Return sources and targets, each pair by the gains of its source, and the gains."""
    sources, gains = at_one_level(S)
    return sources, _all_scaled(T, gains), gains


def _all_scaled(S, gains):
    if isinstance(S, NotesOnDisk):
        return ScaledNotes(S, gains)
    return [scaled(note, gain) for note, gain in zip(S, gains, strict=True)]
