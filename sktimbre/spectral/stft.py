"""The short-time Fourier transform and its inverse as array functions."""

import numpy as np
import scipy.fft

from sktimbre._utils.checks import check_whole
from sktimbre._utils.validation import AXES, check_layout, check_numbers
from sktimbre.exceptions import AudioError
from sktimbre.spectral.geometry import STFTGeometry, Window

__all__ = ["istft", "stft"]

# Bytes of frames that are transformed at a time; they fit into the processor's cache.
BLOCK_BYTES = 1 << 19


def frame_spectra(y: np.ndarray, geometry: STFTGeometry) -> np.ndarray:
    """Return the STFT of one signal, time first: complex64 of shape (n_frames, n_frequencies)."""
    return windowed_spectra(np.pad(y, geometry.pad) if geometry.pad else y, geometry.taper, geometry.hop)


def windowed_spectra(y: np.ndarray, taper: np.ndarray, hop: int) -> np.ndarray:
    """Return the transforms of all whole frames of a signal, complex64 of shape (n_frames, len(taper) // 2 + 1)."""
    frames = np.lib.stride_tricks.sliding_window_view(y, len(taper))[::hop]
    step = max(1, BLOCK_BYTES // (4 * len(taper)))
    out = np.empty((len(frames), len(taper) // 2 + 1), np.complex64)
    for start in range(0, len(frames), step):
        out[start : start + step] = scipy.fft.rfft(frames[start : start + step] * taper)
    return out


def overlap_add(spectra: np.ndarray, geometry: STFTGeometry, normaliser: np.ndarray) -> np.ndarray:
    """Return the least-squares signal of time-first spectra (n_frames, n_frequencies), with its padding.

    ``normaliser`` is `inverse_power`, which may be set to zero where the signal is to be zero.
    """
    n_frames, hop, overlap = len(spectra), geometry.hop, geometry.overlap
    total = np.zeros((n_frames + overlap - 1, hop), np.float32)
    step = max(1, BLOCK_BYTES // (4 * geometry.n_fft))
    for start in range(0, n_frames, step):
        frames = scipy.fft.irfft(spectra[start : start + step], geometry.n_fft)
        frames *= geometry.taper
        if geometry.n_fft % hop:
            frames = np.pad(frames, ((0, 0), (0, -geometry.n_fft % hop)))
        stop = start + len(frames)
        for r in range(overlap):
            total[start + r : stop + r] += frames[:, r * hop : (r + 1) * hop]
    signal = total.ravel()
    signal *= normaliser
    return signal


def inverse_power(geometry: STFTGeometry, n_frames: int) -> np.ndarray:
    """Return one over the overlapped window power, float32; zero where no frame covers the sample."""
    power = geometry.overlap_power(n_frames)
    return np.where(power > np.finfo(np.float32).tiny, 1 / np.maximum(power, np.finfo(np.float32).tiny), 0).astype(
        np.float32
    )


def cut(signal: np.ndarray, geometry: STFTGeometry, length: int) -> np.ndarray:
    """Remove the padding and return ``length`` samples, padded with zeros if the signal is shorter."""
    signal = signal[geometry.pad : geometry.pad + length]
    return np.pad(signal, (0, length - len(signal))) if len(signal) < length else signal.copy()


def stft(
    y: np.ndarray,
    n_fft: int = 1024,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
) -> np.ndarray:
    """Short-time Fourier transform, equal to `librosa.stft` with zero padding.

    Parameters
    ----------
    y : ndarray of shape (..., n_samples), float32
        One or more signals.
    n_fft, hop_length, win_length, window, center
        See `STFTGeometry`.

    Returns
    -------
    ndarray of shape (..., n_fft // 2 + 1, n_frames), complex64

    Raises
    ------
    ParameterError
        An STFT parameter is out of range, or window and hop cannot be inverted.
    AudioError
        `y` has no samples, is not finite, has the shape (n_samples, n_channels) of soundfile, or is shorter than ``n_fft``
        with ``center=False``.

    See Also
    --------
    istft : The inverse.
    LogSTFT : The transformer.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.spectral import stft
    >>> stft(np.zeros((3, 22050), np.float32)).shape
    (3, 513, 44)
    """
    geometry = STFTGeometry(n_fft, hop_length, win_length, window, center)
    y = check_numbers(y, "y", np.float32)
    if y.ndim == 0 or y.size == 0:
        raise AudioError(f"y has shape {y.shape}; it must hold at least one sample.")
    check_layout(y.shape, "y")
    geometry.check_length(y.shape[-1], "y")
    flat = y.reshape(-1, y.shape[-1])
    out = np.empty((len(flat), geometry.n_frequencies, geometry.n_frames(y.shape[-1])), np.complex64)
    for note, signal in zip(out, flat, strict=True):
        note[:] = frame_spectra(signal, geometry).T
    return out.reshape(*y.shape[:-1], *out.shape[1:])


def istft(
    D: np.ndarray,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Window = "hann",
    center: bool = True,
    length: int | None = None,
) -> np.ndarray:
    """Inverse short-time Fourier transform by least squares, equal to `librosa.istft`.

    Parameters
    ----------
    D : ndarray of shape (..., n_frequencies, n_frames), complex
        Spectra; ``n_fft`` is ``2 * (n_frequencies - 1)``.
    hop_length, win_length, window, center
        See `STFTGeometry`.
    length : int or None
        Samples to return, cut or padded with zeros; None is as many as the frames span.

    Returns
    -------
    ndarray of shape (..., n_samples), float32

    Raises
    ------
    ParameterError
        An STFT parameter is out of range, or window and hop cannot be inverted.
    AudioError
        `D` is empty, not finite or has fewer than two dimensions.

    See Also
    --------
    GriffinLimInverter.invert : From magnitudes, with or without an initial phase.

    Notes
    -----
    Modified spectra can give far too loud samples where only the edge of one window covers them: at both ends with
    ``center=False``, beyond the centre of the last frame with ``center=True``. `GriffinLimInverter` limits these samples.

    References
    ----------
    .. [1] D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Transactions on
       Acoustics, Speech, and Signal Processing 32(2), 1984.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.spectral import istft, stft
    >>> y = np.random.default_rng(0).standard_normal(4096, np.float32)
    >>> bool(np.allclose(istft(stft(y), length=4096), y, atol=1e-5))
    True
    """
    D = check_numbers(D, "D", np.complex64, AXES["spectra"])
    if D.ndim < 2 or D.size == 0:
        raise AudioError(
            f"D has shape {D.shape}; it must be spectra of shape (..., n_frequencies, n_frames), not empty."
        )
    geometry = STFTGeometry(2 * (D.shape[-2] - 1), hop_length, win_length, window, center)
    n_frames = D.shape[-1]
    length = geometry.n_samples(n_frames) if length is None else check_whole(length, "length", 0)
    normaliser = inverse_power(geometry, n_frames)
    flat = D.reshape(-1, *D.shape[-2:])
    signals = [
        cut(overlap_add(np.ascontiguousarray(spectra.T), geometry, normaliser), geometry, length) for spectra in flat
    ]
    return np.stack(signals).reshape(*D.shape[:-2], length)
