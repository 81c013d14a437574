"""Split notes into training and validation, find their ends, and measure their mean and standard deviation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from sktimbre.exceptions import ParameterError
from sktimbre.spectral.log_magnitudes import magnitudes

__all__ = ["frames_together", "mean_and_scale", "split_notes"]

# A note ends if its level falls from 9 dB to 30 dB below its loudest frame within 8 frames (0.2 s at the default STFT) and
# stays there. A slower decay, as of a string or a bar, is no end.
ENDING, ENDED, FADE = 9.0, 30.0, 8  # dB, dB, frames


def split_notes(
    n_notes: int, fraction: float, seed: int, groups: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted indices of training notes and of held-out notes, drawn with the seed.

    At least one group is held out and one is left, unless ``fraction`` is 0 or there is only one group.

    Parameters
    ----------
    n_notes : int
        Number of notes.
    fraction : float
        Fraction of the groups that is held out.
    seed : int
        Random seed.
    groups : array-like of shape (n_notes,) or None
        Notes of one group, such as a pitch, are held out together; None makes each note a group.

    Raises
    ------
    ParameterError
        The number of groups is not that of the notes.
    """
    group_of = np.arange(n_notes)
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != (n_notes,):
            raise ParameterError(
                f"groups has the shape {groups.shape}; it must have one value for each of {n_notes} notes."
            )
        group_of = np.unique(groups, return_inverse=True)[1]
    n_groups = int(group_of.max()) + 1
    n_held_out = min(max(1, round(fraction * n_groups)), n_groups - 1) if fraction else 0
    held_out = np.isin(group_of, np.random.default_rng(seed).permutation(n_groups)[:n_held_out])
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def frames_together(S: np.ndarray, T: np.ndarray) -> int:
    """Return the number of frames until source or target begins to end before the other; all frames if neither does.

    From later frames, for instance of a pair with only one recording cut, a network would learn to fade notes that go on or
    to sustain notes that have ended.

    Parameters
    ----------
    S, T : ndarray of shape (n_frequencies, n_frames), float32
        Log-magnitude spectra of source and target.
    """
    ends = {_begins_to_end(S), _begins_to_end(T)}
    return min(ends) if len(ends) == 2 else S.shape[1]


def mean_and_scale(notes: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return mean and standard deviation over all values of all notes; a standard deviation of 0 is returned as 1."""
    size = sum(note.size for note in notes)
    mean = sum(float(np.sum(note, dtype=np.float64)) for note in notes) / size
    power = sum(float(np.sum(np.square(note - mean), dtype=np.float64)) for note in notes) / size
    return mean, float(np.sqrt(power)) or 1.0


def _begins_to_end(S):
    power = np.sum(magnitudes(S) ** 2, axis=0, dtype=np.float64)
    loudness = 10 * np.log10(power + np.finfo(np.float32).tiny)
    ending, ended = (np.flatnonzero(loudness >= loudness.max() - below)[-1] + 1 for below in (ENDING, ENDED))
    return int(ending) if ended < len(loudness) and ended - ending <= FADE else len(loudness)
