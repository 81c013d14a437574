"""Operations on log-magnitude spectra ``log(1 + abs(STFT))``: convert to magnitudes, scale, transpose."""

import numpy as np

__all__ = ["LARGEST", "magnitudes", "scaled", "transposed"]

# Above any log-magnitude of audio in [-1, 1], and far below overflow.
LARGEST = 25.0
# Above this, squared magnitudes overflow float32; full-scale audio stays below 20 at any n_fft.
LARGEST_LOG_MAGNITUDE = 40.0


def magnitudes(S: np.ndarray) -> np.ndarray:
    """Return the magnitudes of log-magnitude spectra, whose values are clipped to [0, 25]."""
    return np.expm1(np.clip(S, 0, LARGEST))


def scaled(S: np.ndarray, gain: np.ndarray | np.float32) -> np.ndarray:
    """Return log-magnitude spectra (n_frequencies, n_frames) with their magnitudes multiplied by ``gain`` (broadcast).

    Values of S are clipped to [0, 25].
    """
    return np.log1p(magnitudes(S) * gain)


def transposed(S: np.ndarray, ratio: float) -> np.ndarray:
    """Transpose spectra: multiply all frequencies by ``ratio`` and keep the duration.

    Log-magnitudes, in which the main lobe of a window is nearly a parabola, are interpolated along frequency by cubic
    convolution (R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on Acoustics,
    Speech, and Signal Processing 29(6), 1981). Frequencies above the highest bin get the value of the highest bin.

    Parameters
    ----------
    S : ndarray of shape (n_frequencies, n_frames), float32
        Log-magnitude spectra.
    ratio : float, positive
        Frequency ratio; 2 is an octave up.
    """
    if ratio == 1 or len(S) < 2:
        return S
    from sktimbre.spectral._kernels.transposition import interpolate

    out = np.empty(S.shape, np.float32)
    interpolate(S, ratio, out)
    return out
