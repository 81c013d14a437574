"""The short-time Fourier transform, its inverse and its parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from sktimbre._utils.checks import check_flags, check_whole
from sktimbre._utils.validation import AXES, check_layout, check_numbers
from sktimbre.exceptions import AudioError, ParameterError

__all__ = ["STFTGeometry", "Window", "istft", "stft"]

Window = str | tuple | float | np.ndarray | Callable

# Bytes of frames that are transformed at a time; they fit into the processor's cache.
BLOCK_BYTES = 1 << 19
# 47 seconds at 22050 Hz.
LARGEST_N_FFT = 1 << 20
# Squares of magnitudes stay finite in float32.
LARGEST_MAGNITUDE = 3e17
IN_SAMPLES = "It is in samples."


@dataclass(frozen=True, eq=False)
class STFTGeometry:
    """STFT parameters, checked and with defaults filled in.

    Parameters
    ----------
    n_fft : int
        Length of the transform in samples, even.
    hop_length : int or None
        Samples from frame to frame; None is ``n_fft // 2``.
    win_length : int or None
        Length of the window in samples, centred in the frame; None is ``n_fft``.
    window : str, tuple, float, callable or array of shape (win_length,)
        As in `scipy.signal.get_window`.
    center : bool
        Whether frame t is centred on sample ``t * hop_length`` (the signal is padded with zeros), as in librosa.

    Raises
    ------
    ParameterError
        A parameter is out of range, or window and hop do not overlap enough to be inverted.

    Examples
    --------
    >>> from sktimbre.spectral import STFTGeometry
    >>> STFTGeometry(1024).n_frames(22050)
    44
    """

    n_fft: int = 1024
    hop_length: int | None = None
    win_length: int | None = None
    window: Any = "hann"
    center: bool = True

    def __post_init__(self) -> None:
        check_flags(center=self.center)
        # Python integers, which do not overflow.
        win_length = None if self.win_length is None else check_whole(self.win_length, "win_length", 1, fix=IN_SAMPLES)
        sizes = {
            "n_fft": check_n_fft(self.n_fft),
            "hop_length": check_hop_length(self.hop_length),
            "win_length": win_length,
        }
        for name, value in sizes.items():
            object.__setattr__(self, name, value)
        if self.win > self.n_fft:
            raise ParameterError(f"win_length={self.win_length} must lie in [1, n_fft={self.n_fft}].")
        # An inverse exists only if the overlapped window power is positive at every sample.
        if self.hop > self.n_fft or self._period_power.min() < 1e-10 * self._period_power.max():
            raise ParameterError(
                f"hop_length={self.hop} does not satisfy overlap-add with window={self.window!r} of {self.win} "
                f"samples: no frame covers some samples. Use a hop of at most {max(1, self.win // 2)}."
            )

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return self.n_fft // 2 if self.hop_length is None else self.hop_length

    @property
    def win(self) -> int:
        """Samples of the window."""
        return self.n_fft if self.win_length is None else self.win_length

    @property
    def pad(self) -> int:
        """Zeros before the first sample."""
        return self.n_fft // 2 if self.center else 0

    @property
    def n_frequencies(self) -> int:
        """Bins from 0 Hz to half the sample rate."""
        return self.n_fft // 2 + 1

    @cached_property
    def taper(self) -> np.ndarray:
        """The window, float32 of shape (n_fft,)."""
        try:
            if callable(self.window):
                taper = np.asarray(self.window(self.win), np.float64)
            elif isinstance(self.window, np.ndarray | list):
                taper = np.asarray(self.window, np.float64)
            else:
                taper = scipy.signal.get_window(self.window, self.win, fftbins=True)
        except (ValueError, TypeError, IndexError) as error:
            raise ParameterError(f"window={self.window!r}: {error} See scipy.signal.get_window.") from None
        if taper.shape != (self.win,) or not np.isfinite(taper).all():
            raise ParameterError(f"window has shape {taper.shape}; it must have win_length={self.win} finite values.")
        before = (self.n_fft - self.win) // 2
        return np.pad(taper, (before, self.n_fft - self.win - before)).astype(np.float32)

    @cached_property
    def _period_power(self) -> np.ndarray:
        """Overlapped window power inside a signal, one period of hop samples."""
        squares = np.pad(self.taper.astype(np.float64) ** 2, (0, -self.n_fft % self.hop))
        return squares.reshape(-1, self.hop).sum(axis=0)

    @property
    def overlap(self) -> int:
        """Hops in a frame, rounded up."""
        return -(-self.n_fft // self.hop)

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a signal.

        Parameters
        ----------
        n_samples : int
            Samples of the signal.

        Returns
        -------
        int
        """
        return 1 + (n_samples + 2 * self.pad - self.n_fft) // self.hop

    def n_samples(self, n_frames: int) -> int:
        """Return the number of samples that frames span, without padding.

        Parameters
        ----------
        n_frames : int
            Frames of the spectra.

        Returns
        -------
        int
        """
        return max(0, self.hop * (n_frames - 1) + (0 if self.center else self.n_fft))

    def check_length(self, n_samples: int, name: str) -> None:
        """Raise an error if a signal is too short for one frame.

        Parameters
        ----------
        n_samples : int
            Samples of the signal.
        name : str
            Name of the signal in the error.

        Raises
        ------
        AudioError
            The signal is shorter than ``n_fft`` and ``center=False``.
        """
        if not self.center and n_samples < self.n_fft:
            raise AudioError(
                f"{name} has {n_samples} samples, shorter than one window of n_fft={self.n_fft} with center=False. "
                "Use center=True, a smaller n_fft, or longer notes."
            )

    def overlap_power(self, n_frames: int) -> np.ndarray:
        """Return the overlapped window power: at each sample, the sum of the squared windows of all frames.

        Parameters
        ----------
        n_frames : int
            Number of frames.

        Returns
        -------
        ndarray of shape ((n_frames + overlap - 1) * hop,), float64
        """
        squares = np.pad(self.taper.astype(np.float64) ** 2, (0, self.overlap * self.hop - self.n_fft))
        total = np.zeros((n_frames + self.overlap - 1, self.hop))
        for r, part in enumerate(squares.reshape(self.overlap, self.hop)):
            total[r : r + n_frames] += part
        return total.ravel()


def check_n_fft(n_fft: Any) -> int:
    """Return n_fft as int, or raise `ParameterError` if it is out of range or odd."""
    n_fft = check_whole(n_fft, "n_fft", 2, LARGEST_N_FFT, fix=IN_SAMPLES)
    if n_fft % 2:
        raise ParameterError(f"n_fft={n_fft} must be an even number of samples, 2 or more; 1024 is usual.")
    return n_fft


def check_hop_length(hop_length: Any) -> int | None:
    """Return hop_length as int, or None (``n_fft // 2``), or raise `ParameterError` if it is out of range."""
    return (
        None
        if hop_length is None
        else check_whole(hop_length, "hop_length", 1, fix=f"{IN_SAMPLES} None is n_fft // 2.")
    )


def resolve_geometry(
    n_fft: int, hop_length: int | None, win_length: int | None, window: Any, center: bool
) -> STFTGeometry:
    """Return the `STFTGeometry`; it is cached, with its window, unless the window is an array or a function."""
    named = isinstance(window, str | int | float | tuple)
    return (_known_geometry if named else STFTGeometry)(n_fft, hop_length, win_length, window, center)


_known_geometry = lru_cache(maxsize=16)(STFTGeometry)


def geometry_of(transformer: Any) -> STFTGeometry | None:
    """Return the STFT parameters of a `LogSTFT`; None for other transformers."""
    geometry = getattr(transformer, "geometry", None)
    return geometry if isinstance(geometry, STFTGeometry) else None


def frame_spectra(y: np.ndarray, geometry: STFTGeometry) -> np.ndarray:
    """Return the STFT of one signal, time first: complex64 of shape (n_frames, n_frequencies)."""
    padded = np.pad(y, geometry.pad) if geometry.pad else y
    frames = np.lib.stride_tricks.sliding_window_view(padded, geometry.n_fft)[:: geometry.hop]
    step = max(1, BLOCK_BYTES // (4 * geometry.n_fft))
    out = np.empty((len(frames), geometry.n_frequencies), np.complex64)
    for start in range(0, len(frames), step):
        out[start : start + step] = scipy.fft.rfft(frames[start : start + step] * geometry.taper)
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


def check_magnitudes(magnitudes: Any, geometry: Any, name: str = "magnitudes") -> None:
    """Raise an error unless ``magnitudes`` are the magnitudes of one note and fit the STFT parameters."""
    if not isinstance(geometry, STFTGeometry):
        raise ParameterError(f"geometry={geometry!r} must be an STFTGeometry, such as STFTGeometry(1024).")
    shape, wanted = getattr(magnitudes, "shape", None), geometry.n_frequencies
    real = isinstance(magnitudes, np.ndarray) and magnitudes.dtype.kind == "f"
    if not real or magnitudes.ndim != 2 or len(magnitudes) != wanted or not magnitudes.shape[1]:
        raise AudioError(
            f"{name} (shape {shape}, {getattr(magnitudes, 'dtype', type(magnitudes).__name__)}) must be a float array of "
            f"shape ({wanted}, n_frames) for n_fft={geometry.n_fft}: one note, linear magnitudes."
        )
    if not (magnitudes.min() >= 0 and magnitudes.max() < LARGEST_MAGNITUDE):
        raise AudioError(f"{name} must be finite, not negative, and below {LARGEST_MAGNITUDE:g}, as abs(stft(y)) is.")
