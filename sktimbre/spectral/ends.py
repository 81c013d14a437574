"""Limit the ends of a signal, which phase retrieval may make far louder than its spectra are."""

import numpy as np
import scipy.fft

from sktimbre.spectral.stft import STFTGeometry

# Share of the largest overlapped window power; at the usual overlap of half a window, all samples inside have it.
WELL_COVERED = 0.5
# A sample may exceed the level of its frame where its error, relative to the frame, is below this.
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

    Least-squares synthesis divides by the overlapped window power. The first and last samples are covered by the edge of one
    window alone: there the power is next to nothing, and the quotient explodes unless the spectra are consistent. From the
    last well covered sample outwards, samples are multiplied by a Wiener filter's gain: the squared level over the squared
    loudest sample so far, at most 1. The level is the peak of the well covered samples of the outermost frame, or the root
    mean square that its magnitudes stand for where that is higher.

    Where the outermost frame of the signal has the given magnitudes and phases, as when both are those of a sound, the signal
    is left as it is, up to samples where rounding errors are amplified.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,), float32
        The uncut signal; it is changed.
    magnitudes, phasors : ndarray of shape (n_frequencies, n_frames)
        The spectra from which phase retrieval started.
    geometry : STFTGeometry
        Sizes and window.
    first, last : int
        The samples of the uncut signal that count.
    """
    hop, n_fft, n_frames = geometry.hop, geometry.n_fft, magnitudes.shape[1]
    # Enough frames at each end for all that overlap with the outermost one, and for the full power.
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
