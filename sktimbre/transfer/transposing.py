"""Spectra at another pitch, by a window of another length."""

import numpy as np

from sktimbre.exceptions import ParameterError
from sktimbre.spectral.geometry import STFTGeometry, taper_of
from sktimbre.spectral.stft import windowed_spectra

__all__ = ["margin", "ratio_of", "transposed_spectra"]


def ratio_of(semitones: float) -> float:
    """Return the frequency ratio of an interval."""
    return float(2 ** (semitones / 12))


def margin(geometry: STFTGeometry, ratio: float) -> int:
    """Return how many samples more than the STFT, on each side of a frame, `transposed_spectra` depends on."""
    return max(0, -(-(round(geometry.n_fft * ratio) - geometry.n_fft) // 2))


def transposed_spectra(y: np.ndarray, geometry: STFTGeometry, ratio: float, n_frames: int) -> np.ndarray:
    """Return the log-magnitude spectra of a signal as if it were played at another pitch, and as fast.

    Frames are centred where those of the STFT are, and their windows are longer by the frequency ratio. Bin k of such a frame
    is then what bin k would be at the other pitch: partials keep the shape of the window, which they lose where the frequency
    axis of spectra is stretched. Windows have whole samples: with ``n_fft=1024`` the pitch is exact to 0.85 cents, divided by
    the ratio.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float32
        Audio.
    geometry : STFTGeometry
        STFT parameters.
    ratio : float, positive
        Frequency ratio; 2 is an octave up.
    n_frames : int
        Number of frames.

    Returns
    -------
    ndarray of shape (n_frequencies, n_frames), float32
        Zero above the frequencies that the signal has.

    Raises
    ------
    ParameterError
        The window is an array, which has one length only.
    """
    if isinstance(geometry.window, np.ndarray | list):
        raise ParameterError(
            "transpose needs windows of other lengths, and the stft's window is an array. Give it by name or as a function."
        )
    n_fft, win = (max(2, round(size * ratio)) for size in (geometry.n_fft, geometry.win))
    taper = taper_of(geometry.window, win, n_fft)
    first = geometry.n_fft // 2 - geometry.pad - n_fft // 2
    padded = np.zeros(geometry.hop * (n_frames - 1) + n_fft, np.float32)
    here = y[max(0, first) : max(0, first + len(padded))]
    padded[max(0, -first) : max(0, -first) + len(here)] = here
    known = min(geometry.n_frequencies, n_fft // 2 + 1)
    scale = geometry.taper.sum() / taper.sum()
    out = np.zeros((geometry.n_frequencies, n_frames), np.float32)
    out[:known] = np.log1p(scale * np.abs(windowed_spectra(padded, taper, geometry.hop)[:, :known])).T
    return out
