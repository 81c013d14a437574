"""STFT parameters, resolved and checked; frames and samples follow from them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_flags, check_whole
from sktimbre.exceptions import AudioError, ParameterError

__all__ = [
    "STFTGeometry",
    "check_hop_length",
    "check_magnitudes",
    "check_n_fft",
    "geometry_of",
    "resolve_geometry",
    "usual_n_fft",
]

Window = str | tuple | float | np.ndarray | Callable

# 47 seconds at 22050 Hz.
LARGEST_N_FFT = 1 << 20
# Squares of magnitudes stay finite in float32.
LARGEST_MAGNITUDE = 3e17
IN_SAMPLES = "It is in samples."
# Seconds of the usual window, which separates the partials of notes above 86 Hz.
WINDOW = 1024 / 22050


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
        return taper_of(self.window, self.win, self.n_fft)

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


def taper_of(window: Any, win: int, n_fft: int) -> np.ndarray:
    """Return a window of ``win`` samples in the middle of ``n_fft``, float32 of shape (n_fft,).

    Raises
    ------
    ParameterError
        The window is unknown, or an array of another length.
    """
    try:
        if callable(window):
            taper = np.asarray(window(win), np.float64)
        elif isinstance(window, np.ndarray | list):
            taper = np.asarray(window, np.float64)
        elif isinstance(window, str) and window == "hann" and win > 1:
            # As scipy computes it, whose import takes longer than the conversion of a short recording.
            taper = 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, win + 1)[:-1])
        else:
            import scipy.signal

            taper = scipy.signal.get_window(window, win, fftbins=True)
    except (ValueError, TypeError, IndexError) as error:
        raise ParameterError(f"window={window!r}: {error} See scipy.signal.get_window.") from None
    if taper.shape != (win,) or not np.isfinite(taper).all():
        raise ParameterError(f"window has shape {taper.shape}; it must have win_length={win} finite values.")
    before = (n_fft - win) // 2
    return np.pad(taper, (before, n_fft - win - before)).astype(np.float32)


def usual_n_fft(sr: float) -> int:
    """Return the power of two that is nearest to 46 ms on a logarithmic scale, at least 16.

    Parameters
    ----------
    sr : float
        Sample rate in Hz.

    Examples
    --------
    >>> from sktimbre.spectral.geometry import usual_n_fft
    >>> [usual_n_fft(sr) for sr in (16000, 22050, 44100, 48000, 96000)]
    [1024, 1024, 2048, 2048, 4096]
    """
    return int(2 ** max(4, round(float(np.log2(WINDOW * sr)))))


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
