"""A phrase to try things on."""

from pathlib import Path

import numpy as np

__all__ = ["load_phrase"]

FILE = Path(__file__).with_name("phrase.flac")


def load_phrase(sr: int | None = None) -> tuple[np.ndarray, int]:
    """Return a recorded phrase that comes with the package.

    Six seconds of a cello, from the sounds of sms-tools (Music Technology Group, Universitat Pompeu Fabra, CC BY 4.0), cut
    before the last note and faded.

    Parameters
    ----------
    sr : int or None
        Sample rate in Hz; None is that of the recording, 44100 Hz.

    Returns
    -------
    audio : ndarray of shape (n_samples,), float32
        Mono, in [-1, 1].
    sr : int
        Sample rate in Hz.

    Examples
    --------
    >>> from sktimbre.datasets import load_phrase
    >>> audio, sr = load_phrase(22050)
    >>> audio.dtype, sr
    (dtype('float32'), 22050)
    """
    from sktimbre.audio import read_audio

    return read_audio(FILE, sr)
