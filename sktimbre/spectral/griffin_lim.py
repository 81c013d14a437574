"""Phase retrieval from magnitudes, as an array function: Griffin-Lim and its accelerated variants, ADMM."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_choice, check_real, check_whole
from sktimbre.exceptions import AudioError
from sktimbre.spectral._kernels.paths import takes_lanes
from sktimbre.spectral.ends import limit_ends
from sktimbre.spectral.geometry import STFTGeometry, check_magnitudes
from sktimbre.spectral.stft import cut

__all__ = ["ALGORITHMS", "Retrieved", "griffin_lim"]

ALGORITHMS = ("gla", "fgla", "agla", "admm")
# Chosen on real notes by benchmarks/phase.py; gamma at 1.3 or above can diverge.
AGLA_BETA, AGLA_GAMMA = 1.25, 1.25
ADMM_RHO = 0.1
# Iterations between measurements of convergence (with tol); a measurement costs half an iteration.
MEASURE_EVERY = 5


@dataclass(frozen=True)
class Retrieved:
    """A signal found by phase retrieval, and how well its spectra agree with the given magnitudes.

    Attributes
    ----------
    signal : ndarray of shape (n_samples,), float32
        The audio.
    n_iter : int
        Iterations that ran.
    spectral_convergence : float
        ``norm(abs(STFT(signal)) - magnitudes) / norm(magnitudes)``, 0 for silence; NaN if it was not measured.
    """

    signal: np.ndarray
    n_iter: int
    spectral_convergence: float


def griffin_lim(
    magnitudes: np.ndarray,
    phasors: np.ndarray,
    geometry: STFTGeometry,
    *,
    algorithm: str = "agla",
    n_iter: int = 30,
    momentum: float = 0.99,
    length: int | None = None,
    tol: float = 0.0,
    measure: bool = False,
) -> Retrieved:
    """Find a signal whose STFT has the given magnitudes, for one note.

    Parameters
    ----------
    magnitudes : ndarray of shape (n_frequencies, n_frames), float32, non-negative
        Linear magnitudes.
    phasors : ndarray of shape (n_frequencies, n_frames), complex64
        Initial phases as unit phasors; see `initial_phasors`.
    geometry : STFTGeometry
        STFT parameters. An ``n_fft`` that is a power of two with a hop that divides it runs in compiled kernels, others use
        scipy.fft.
    algorithm : {"gla", "fgla", "agla", "admm"}
        "gla", Griffin-Lim [1]_: alternates between setting the magnitudes and making the spectra consistent. "fgla", fast
        Griffin-Lim [2]_: adds ``momentum`` times the last step to each estimate, as `librosa.griffinlim` does. "agla",
        accelerated Griffin-Lim [3]_: has also a second momentum and a longer step. "admm" [4]_: alternating direction method
        of multipliers, for magnitudes that are not consistent.
    n_iter : int
        Iterations; 0 inverts with the initial phases.
    momentum : float, non-negative
        Momentum of "fgla" and "agla".
    length : int or None
        Samples to return; None is as many as the frames span.
    tol : float, non-negative
        Stop when the spectral convergence, measured every 5 iterations, changes by less than this fraction. 0 runs all
        iterations.
    measure : bool
        Whether to measure the spectral convergence of the result; with ``tol`` it is always measured.

    Returns
    -------
    Retrieved

    Raises
    ------
    ParameterError
        The algorithm is unknown, or a number is out of range.
    AudioError
        The magnitudes have the wrong shape or are not finite, or the phasors have another shape or type.

    References
    ----------
    .. [1] D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Transactions on
       Acoustics, Speech, and Signal Processing 32(2), 1984.
    .. [2] N. Perraudin, P. Balazs and P. L. Sondergaard, "A fast Griffin-Lim algorithm", IEEE Workshop on Applications of
       Signal Processing to Audio and Acoustics (WASPAA), 2013.
    .. [3] R. Nenov, D.-K. Nguyen, P. Balazs and R. I. Bot, "Accelerated Griffin-Lim algorithm: a fast and provably converging
       numerical method for phase retrieval", arXiv:2306.12504, 2023.
    .. [4] Y. Masuyama, K. Yatabe and Y. Oikawa, "Griffin-Lim like phase recovery via alternating direction method of
       multipliers", IEEE Signal Processing Letters 26(1), 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.spectral import STFTGeometry, griffin_lim, initial_phasors, stft
    >>> S = np.abs(stft(np.sin(np.arange(8192, dtype=np.float32) / 5)))
    >>> found = griffin_lim(S, initial_phasors(S, STFTGeometry(1024)), STFTGeometry(1024), measure=True)
    >>> found.spectral_convergence < 0.05
    True
    """
    check_choice(algorithm, "algorithm", ALGORITHMS)
    check_magnitudes(magnitudes, geometry)
    if not isinstance(phasors, np.ndarray) or phasors.dtype.kind not in "cf" or phasors.shape != magnitudes.shape:
        raise AudioError(
            f"phasors (shape {np.shape(phasors)}) must be a complex array of the magnitudes' shape {magnitudes.shape}."
        )
    n_iter, momentum = check_whole(n_iter, "n_iter", 0), check_real(momentum, "momentum", 0.0)
    tol = check_real(tol, "tol", 0.0)
    n_frames = magnitudes.shape[1]
    length = geometry.n_samples(n_frames) if length is None else check_whole(length, "length", 0)
    # As in librosa, samples beyond the length are zero in each analysis.
    end = min(geometry.pad + length, geometry.hop * (n_frames + geometry.overlap - 1))
    note = start_note(magnitudes, phasors, geometry, geometry.pad, end)
    step, admm = step_sizes(algorithm, momentum), algorithm == "admm"
    convergence, done = np.nan, 0
    if tol > 0:
        convergence = note.run(0, step, admm=admm, measure=True)
        while done < n_iter:
            turn = min(MEASURE_EVERY, n_iter - done)
            before, convergence = convergence, note.run(turn, step, admm=admm, measure=True)
            done += turn
            if abs(before - convergence) <= tol * before:
                break
    else:
        convergence = note.run(n_iter, step, admm=admm, measure=measure)
        done = n_iter
    signal = note.signal()
    limit_ends(signal, magnitudes, phasors, geometry, geometry.pad, end)
    return Retrieved(cut(signal, geometry, length), done, convergence)


def start_note(
    magnitudes: np.ndarray,
    phasors: np.ndarray,
    geometry: STFTGeometry,
    first: int,
    last: int,
    fixed: np.ndarray | None = None,
) -> Any:
    """Return a `LaneNote` (compiled kernels) if its STFT parameters and length allow it, else a `ScipyNote`."""
    if takes_lanes(geometry, magnitudes.shape[1]):
        from sktimbre.spectral._kernels.lanes import LaneNote

        return LaneNote(magnitudes, phasors, geometry, first, last, fixed)
    from sktimbre.spectral._kernels.scipy_note import ScipyNote

    return ScipyNote(magnitudes, phasors, geometry, first, last, fixed)


def step_sizes(algorithm: str, momentum: float) -> tuple[float, float, float]:
    """Return alpha, beta and gamma of "agla"; "gla" and "fgla" are special cases of it. For "admm", beta is rho."""
    return {
        "gla": (0.0, 0.0, 1.0),
        "fgla": (momentum, 0.0, 1.0),
        "agla": (momentum, AGLA_BETA, AGLA_GAMMA),
        "admm": (0.0, ADMM_RHO, 1.0),
    }[algorithm]
