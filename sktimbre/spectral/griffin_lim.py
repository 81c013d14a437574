"""Phase retrieval from magnitudes: initial phases and the iterations of Griffin and Lim, as plain array functions."""

from dataclasses import dataclass

import numpy as np

from sktimbre.spectral.stft import STFTGeometry, cut, frame_spectra, inverse_power, overlap_add

__all__ = ["Retrieved", "griffin_lim", "initial_phasors"]


@dataclass(frozen=True)
class Retrieved:
    """A signal and how well its spectra agree with the magnitudes that were asked for.

    Attributes
    ----------
    signal : ndarray of shape (n_samples,), float32
        The audio.
    n_iter : int
        Iterations that ran.
    spectral_convergence : float
        ``norm(abs(STFT(signal)) - magnitudes) / norm(magnitudes)`` before the last projection; NaN unless ``tol > 0``.
    """

    signal: np.ndarray
    n_iter: int
    spectral_convergence: float


def initial_phasors(shape: tuple[int, int], init: str, seed: int | None) -> np.ndarray:
    """Return unit phasors to start from.

    Parameters
    ----------
    shape : tuple of int
        (n_frequencies, n_frames).
    init : {"random", "zero"}
        Uniform in [-pi, pi), or no phase at all.
    seed : int or None
        Equal seeds give the phases of `librosa.griffinlim`; None draws new ones.

    Returns
    -------
    ndarray of shape (n_frequencies, n_frames), complex64
    """
    if init == "zero":
        return np.ones(shape, np.complex64)
    turns = np.random.RandomState(seed).random_sample(shape)
    return np.exp(2j * np.pi * turns).astype(np.complex64)


def griffin_lim(
    magnitudes: np.ndarray,
    phasors: np.ndarray,
    geometry: STFTGeometry,
    *,
    n_iter: int = 100,
    momentum: float = 0.0,
    length: int | None = None,
    tol: float = 0.0,
) -> Retrieved:
    """Find a signal whose STFT has the given magnitudes, for one note.

    Parameters
    ----------
    magnitudes : ndarray of shape (n_frequencies, n_frames), float32, non-negative
        Linear magnitudes.
    phasors : ndarray of shape (n_frequencies, n_frames), complex64
        Initial phases as unit phasors.
    geometry : STFTGeometry
        Sizes and window.
    n_iter : int
        Iterations; 0 inverts with the initial phases.
    momentum : float, non-negative
        0 is Griffin-Lim [1]_; above it is fast Griffin-Lim [2]_ in librosa's parametrisation: each new estimate moves
        on by ``momentum / (1 + momentum)`` of the last step.
    length : int or None
        Samples to return; None is what the frames hold.
    tol : float, non-negative
        Stop when the spectral convergence changes by less than this fraction in one iteration; 0 never stops.

    Returns
    -------
    Retrieved

    References
    ----------
    .. [1] D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Transactions on
       Acoustics, Speech, and Signal Processing 32(2), 1984.
    .. [2] N. Perraudin, P. Balazs and P. Sondergaard, "A fast Griffin-Lim algorithm", IEEE WASPAA, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.spectral import STFTGeometry, griffin_lim, stft
    >>> from sktimbre.spectral.griffin_lim import initial_phasors
    >>> S = np.abs(stft(np.sin(np.arange(8192, dtype=np.float32) / 5)))
    >>> found = griffin_lim(S, initial_phasors(S.shape, "random", 0), STFTGeometry(1024), n_iter=30, tol=1e-6)
    >>> found.spectral_convergence < 0.2
    True
    """
    # Time first, so that the transforms run over contiguous rows; the signal stays uncut between iterations, because
    # what lies outside it belongs to the frames that reach over its ends.
    S = np.ascontiguousarray(magnitudes.T, np.float32)
    spectra = np.ascontiguousarray(phasors.T, np.complex64) * S
    n_frames = len(S)
    length = geometry.n_samples(n_frames) if length is None else length
    normaliser = inverse_power(geometry, n_frames)
    # librosa cuts the signal to its length before each analysis; samples beyond never come back.
    first, last = geometry.pad, min(geometry.pad + length, normaliser.size)
    normaliser[:first] = 0
    normaliser[last:] = 0
    needed = geometry.hop * (n_frames - 1) + geometry.n_fft
    step = np.float32(momentum / (1 + momentum))
    norm = float(np.linalg.norm(S))
    tiny = np.finfo(np.float32).tiny
    uncentred = STFTGeometry(geometry.n_fft, geometry.hop, geometry.win, geometry.window, center=False)
    last_rebuilt: np.ndarray | None = None
    convergence = error = np.nan
    done = 0
    for done in range(1, n_iter + 1):  # noqa: B007  (the count is reported)
        signal = overlap_add(spectra, geometry, normaliser)[:needed]
        rebuilt = frame_spectra(signal, uncentred)
        if tol > 0 and norm > 0:
            error = float(np.linalg.norm(np.abs(rebuilt) - S)) / norm
        ahead = rebuilt
        if step and last_rebuilt is not None:
            ahead = rebuilt - step * last_rebuilt
        last_rebuilt = rebuilt
        size = np.abs(ahead)
        size += tiny
        # First to length one, then to the magnitude: their quotient may overflow.
        np.divide(ahead, size, out=spectra)
        spectra *= S
        if tol > 0 and abs(convergence - error) < tol * convergence:
            convergence = error
            break
        convergence = error
    signal = overlap_add(spectra, geometry, normaliser)
    return Retrieved(cut(signal, geometry, length), done, convergence)
