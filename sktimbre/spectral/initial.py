"""Initial phases for phase retrieval: random, zero, or estimated from the magnitudes in one pass."""

from functools import lru_cache
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_choice
from sktimbre._utils.seeds import draw_seed
from sktimbre.exceptions import AudioError
from sktimbre.spectral.geometry import STFTGeometry, check_magnitudes

__all__ = ["INITS", "initial_phasors"]

INITS = ("pghi", "spsi", "random", "zero")
# Smaller magnitudes, relative to the largest, are rounding errors of float32 (140 dB); they are raised to this.
FLOOR = np.float32(1e-7)


def initial_phasors(
    magnitudes: np.ndarray,
    geometry: STFTGeometry,
    init: str = "pghi",
    seed: int | None = None,
    known: np.ndarray | None = None,
) -> np.ndarray:
    """Return initial phases for phase retrieval, as unit phasors.

    Parameters
    ----------
    magnitudes : ndarray of shape (n_frequencies, n_frames), float32, non-negative
        Linear magnitudes.
    geometry : STFTGeometry
        STFT parameters.
    init : {"pghi", "spsi", "random", "zero"}
        "pghi", phase gradient integration [1]_ in a form without a heap: the phase's derivatives follow from those of the
        log-magnitude; they are integrated along time at each spectral peak, and along frequency from the peak to the valleys
        on both sides. "spsi", single pass spectrogram inversion [2]_: the phase of each peak, and of its neighbours, advances
        by the peak's interpolated frequency. "random", uniform in [-pi, pi). "zero", phase 0 everywhere.
    seed : int or None
        Seed of "random", which draws the phases of `librosa.griffinlim` with ``np.random.RandomState(seed)``; None draws new
        ones.
    known : ndarray of shape (n_frequencies, n_known), complex64, or None
        Unit phasors of the first frames, which "pghi" and "spsi" continue.

    Returns
    -------
    ndarray of shape (n_frequencies, n_frames), complex64

    Raises
    ------
    ParameterError
        ``init`` is unknown.
    AudioError
        The magnitudes do not have the shape of the STFT parameters, or are not finite.

    References
    ----------
    .. [1] Z. Prusa, P. Balazs and P. L. Sondergaard, "A noniterative method for reconstruction of phase from STFT
       magnitude", IEEE/ACM Transactions on Audio, Speech, and Language Processing 25(5), 2017.
    .. [2] G. T. Beauregard, M. Harish and L. Wyse, "Single pass spectrogram inversion", IEEE International Conference on
       Digital Signal Processing (DSP), 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.spectral import STFTGeometry, initial_phasors, istft, stft
    >>> S = np.abs(stft(np.sin(np.arange(8192, dtype=np.float32) / 5)))
    >>> y = istft(S * initial_phasors(S, STFTGeometry(1024)))
    >>> bool(np.linalg.norm(np.abs(stft(y)) - S) < 0.1 * np.linalg.norm(S))
    True
    """
    check_choice(init, "init", INITS)
    check_magnitudes(magnitudes, geometry)
    shape = magnitudes.shape
    if init == "zero":
        return np.ones(shape, np.complex64)
    if init == "random":
        turns = np.random.RandomState(None if seed is None else draw_seed(seed)).random_sample(shape)
        angles = (2 * np.pi * turns).astype(np.float32)
        phasors = np.empty(shape, np.complex64)
        phasors.real, phasors.imag = np.cos(angles), np.sin(angles)
        return phasors
    from sktimbre.spectral._kernels import phase

    kernel = phase.spsi if init == "spsi" else phase.peak_pghi
    floor = max(np.float32(magnitudes.max(initial=0)) * FLOOR, np.finfo(np.float32).tiny)
    S = np.maximum(magnitudes.T, floor, order="C", dtype=np.float32)
    out = np.empty(S.shape, np.complex64)
    n_known = 0
    if known is not None:
        if np.ndim(known) != 2 or len(known) != shape[0] or known.shape[1] > shape[1]:
            raise AudioError(
                f"known (shape {np.shape(known)}) must hold the first frames of magnitudes of shape {shape}."
            )
        n_known = known.shape[1]
        out[:n_known] = known.T
    kernel(np.log(S, out=S), geometry.hop, nearest_gaussian(geometry), n_known, out)
    return out.T


def unit_phasors(phase: np.ndarray) -> np.ndarray:
    """Return complex spectra or real angles in radians as unit phasors; bins that are zero get 1."""
    if not np.iscomplexobj(phase):
        return np.exp(1j * phase).astype(np.complex64)
    phase = phase.astype(np.complex64, copy=False)
    size = np.abs(phase)
    silent = size < np.finfo(np.float32).tiny
    phasors = phase / np.where(silent, np.float32(1), size)
    phasors[silent] = 1
    return phasors


def check_phases(phase: Any, S: Any) -> list[np.ndarray]:
    """Return the initial phase of each note as an array; raise `AudioError` if it does not fit the spectra."""
    phases = [np.asarray(p) for p in phase]
    if [p.shape for p in phases] != [note.shape for note in S]:
        raise AudioError(
            f"phase has the shapes {sorted({p.shape for p in phases})} in {len(phases)} notes, X has "
            f"{sorted({note.shape for note in S})} in {len(S)}: the initial phase needs the shapes of the spectra."
        )
    for i, p in enumerate(phases):
        if p.dtype.kind not in "fiuc" or not np.isfinite(p).all():
            raise AudioError(
                f"phase[{i}] is not finite numbers ({p.dtype}); give complex spectra or angles in radians."
            )
    return phases


@lru_cache(maxsize=16)
def nearest_gaussian(geometry: STFTGeometry) -> float:
    """Return gamma, in squared samples, of the Gaussian exp(-pi t^2 / gamma) nearest to the window in least squares.

    For a Hann window it is 0.258 times the squared length of the window; reference [1] of `initial_phasors` has 0.256.
    """
    taper = geometry.taper / np.abs(geometry.taper).max()
    t = (np.arange(geometry.n_fft) - geometry.n_fft / 2) ** 2
    gammas = np.geomspace(0.02, 2, 64) * geometry.win**2
    for _ in range(3):
        distances = [np.sum((taper - np.exp(-np.pi * t / gamma)) ** 2) for gamma in gammas]
        best = int(np.argmin(distances))
        gammas = np.geomspace(gammas[max(best - 1, 0)], gammas[min(best + 1, 63)], 64)
    return float(gammas[32])
