"""Convert targets, given as spectra or as audio, to spectra."""

from typing import Any

import numpy as np

from sktimbre._utils.containers import is_ragged
from sktimbre._utils.validation import Notes, check_audio, check_pair, check_spectra
from sktimbre.exceptions import AudioError

__all__ = ["target_spectra"]


def target_spectra(X: Notes, y: Any, transformer: Any, *, fit: bool = False) -> Notes:
    """Return target spectra of the same shapes as the source's.

    Parameters
    ----------
    X : ndarray of shape (n_notes, n_frequencies, n_frames), list of 2-D arrays or notes on disk
        Spectra of the source.
    y : spectra of the shapes of X, audio (n_notes, n_samples) or list of 1-D arrays, or None
        The target; None is the source itself.
    transformer : transformer
        Computes spectra of audio.
    fit : bool
        Whether to fit the transformer first, if y is audio.

    Returns
    -------
    ndarray or list of 2-D arrays, float32

    Raises
    ------
    AudioError
        The target is empty, not finite, of the wrong rank, or its spectra have other shapes than the source's.
    """
    if y is None:
        return X
    notes = list(y) if is_ragged(y) else None
    try:
        is_audio = np.ndim(notes[0]) == 1 if notes else np.ndim(y) == 2
    except ValueError:  # no array, which the check below refuses
        is_audio = False
    if is_audio:
        audio = check_audio(y, name="y")
        T = (transformer.fit(audio) if fit else transformer).transform(audio)
        hint = (
            f" y is audio and went through target_transformer={transformer!r}: pass target_transformer=LogSTFT(...) with the "
            "parameters of the source's STFT."
        )
    else:
        T, hint = check_spectra(y, name="y"), ""
    try:
        check_pair(X, T)
    except AudioError as error:
        raise AudioError(f"{error}{hint}") from None
    return T
