"""Limit the first and last samples of a signal, which least-squares synthesis can make far too loud."""

import numpy as np
import scipy.fft

from sktimbre.spectral.geometry import STFTGeometry

# Least overlapped window power of a well covered sample, as a share of the largest; at 50 % overlap all inner samples have it.
WELL_COVERED = 0.5
# A sample with a smaller error, relative to its frame, may exceed the level of the frame.
TRUSTED = 1e-2


def limit_ends(
    signal: np.ndarray,
    magnitudes: np.ndarray,
    phasors: np.ndarray,
    geometry: STFTGeometry,
    first: int,
    last: int,
) -> None:
    """Limit the ends of a signal to the level of their spectra, in place.

    Least-squares synthesis divides by the overlapped window power. Only the edge of one window covers the first and last
    samples: the power is close to zero there, and the quotient explodes unless the spectra are consistent. From the last
    well covered sample outwards, samples are multiplied by a Wiener filter's gain: the squared level over the squared
    loudest sample so far, at most 1. The level is the peak of the well covered samples of the outermost frame, or the RMS
    computed from its magnitudes if that is higher.

    If the outermost frame of the signal has the given magnitudes and phases, as when both come from one recording, the
    signal is left as it is, except for samples with amplified rounding errors.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,), float32
        The signal before padding is cut off; it is changed.
    magnitudes, phasors : ndarray of shape (n_frequencies, n_frames)
        The spectra from which phase retrieval started.
    geometry : STFTGeometry
        STFT parameters.
    first, last : int
        The range of samples that is returned, without padding.
    """
    hop, n_fft, n_frames = geometry.hop, geometry.n_fft, magnitudes.shape[1]
    # Enough frames at each end to include all that overlap with the outermost one, and samples of full power.
    near = min(n_frames, 2 * geometry.overlap)
    inside = hop * (n_frames - near)
    power = geometry.overlap_power(near)
    power /= power.max()
    covered = np.flatnonzero(power >= WELL_COVERED)
    beginning = np.arange(first, min(covered[0], last))[::-1]
    end = np.arange(max(inside + covered[-1] + 1, first), last)
    for t, outwards, skipped in ((0, beginning, 0), (n_frames - 1, end, inside)):
        if not outwards.size:
            continue
        frame = signal[t * hop : t * hop + n_fft]
        well_covered = power[t * hop - skipped :][:n_fft] >= WELL_COVERED
        wanted = magnitudes[:, t] * phasors[:, t].astype(np.complex128)
        size, tiny = np.linalg.norm(wanted), np.finfo(np.float32).tiny
        level = max(
            np.abs(frame[well_covered]).max(initial=0), np.sqrt(2 / n_fft) * size / np.linalg.norm(geometry.taper)
        )
        error = np.linalg.norm(scipy.fft.rfft(frame * geometry.taper) - wanted) / max(size, tiny)
        trust = TRUSTED * np.sqrt(power[outwards - skipped]) / max(error, np.finfo(np.float32).eps)
        gain = np.minimum.accumulate(level * np.maximum(trust, 1) / np.maximum(np.abs(signal[outwards]), tiny))
        signal[outwards] *= np.minimum(gain, 1) ** 2
