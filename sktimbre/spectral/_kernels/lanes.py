"""Phase retrieval of one note in lanes: cut it into stretches, run the compiled iterations, join the stretches."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba as nb
import numpy as np

from sktimbre.spectral._kernels.lane_fft import compiled, tables
from sktimbre.spectral._kernels.lane_kernels import analysis, iteration
from sktimbre.spectral._kernels.paths import LANES, slots
from sktimbre.spectral.geometry import STFTGeometry
from sktimbre.spectral.stft import inverse_power

f4 = np.float32
# Layouts of notes up to so many samples are kept; those of long recordings are large, and hardly used twice.
MOST_KEPT = 1 << 21


@dataclass(frozen=True, eq=False)
class Layout:
    """Layout of the frames of a note in lanes, with its normaliser and window.

    Attributes
    ----------
    steps : int
        Frames in each lane.
    norm : ndarray of shape (steps * hop * LANES,), float32
        One over the overlapped window power; zero where the signal is held at zero.
    window : ndarray of shape (n_fft * LANES,), float32
        The window, repeated for each lane.
    """

    steps: int
    norm: np.ndarray
    window: np.ndarray


def layout(geometry: STFTGeometry, n_frames: int, first: int, last: int) -> Layout:
    """Return the layout of a note; its padded signal is free from sample ``first`` to ``last``."""
    return (_kept if n_frames * geometry.hop <= MOST_KEPT else _layout)(geometry, n_frames, first, last)


def _layout(geometry, n_frames, first, last):
    steps = slots(geometry, n_frames) // LANES
    power = inverse_power(geometry, n_frames)
    power[:first] = 0
    power[last:] = 0
    return Layout(steps, to_lanes(power, steps, geometry.hop) / f4(geometry.n_fft), wide_window(geometry))


_kept = lru_cache(maxsize=4)(_layout)


def to_lanes(signal: np.ndarray, steps: int, hop: int) -> np.ndarray:
    """Return a signal as [step, sample, lane], padded with zeros."""
    full = np.zeros(steps * hop * LANES, f4)
    full[: len(signal)] = signal
    return np.ascontiguousarray(full.reshape(LANES, -1).T).ravel()


@compiled
def pack_magnitudes(S, scale, out):
    """Write S (n_frequencies, n_frames), scaled, as [step, bin, lane]."""
    steps = out.shape[0]
    for k in range(S.shape[0]):
        for v in range(LANES):
            for s in range(steps):
                t = v * steps + s
                out[s, k * LANES + v] = S[k, t] * scale if t < S.shape[1] else f4(0)


@compiled
def pack_spectra(phasors, S, out):
    """Write magnitudes S (packed) times unit phasors (n_frequencies, n_frames) as [step, bin, part, lane]."""
    steps = out.shape[0]
    for k in range(phasors.shape[0]):
        for v in range(LANES):
            for s in range(steps):
                t, i, size = v * steps + s, 2 * k * LANES + v, S[s, k * LANES + v]
                phasor = phasors[k, t] if t < phasors.shape[1] else nb.complex64(0)
                out[s, i] = phasor.real * size
                out[s, i + LANES] = phasor.imag * size


class LaneNote:
    """State of phase retrieval for one note, in lanes.

    Parameters
    ----------
    S : ndarray of shape (n_frequencies, n_frames), float32, non-negative
        Magnitudes.
    phasors : ndarray of the shape of S, complex64
        Initial phase as unit phasors.
    geometry : STFTGeometry
        STFT parameters: n_fft is a power of two of at least 8, the hop divides it.
    first, last : int
        Range of samples of the padded signal that are estimated; the others are zero, or ``fixed``.
    fixed : ndarray of shape (first,) or None
        The first samples, if they are known.
    """

    def __init__(
        self,
        S: np.ndarray,
        phasors: np.ndarray,
        geometry: STFTGeometry,
        first: int,
        last: int,
        fixed: np.ndarray | None = None,
    ) -> None:
        self.n_frequencies, self.n_frames = S.shape
        self.geometry = geometry
        self.layout = layout(geometry, self.n_frames, first, last)
        steps, hop = self.layout.steps, geometry.hop
        # Scaling to at most 1 avoids overflow; a power of two is exact.
        largest = float(S.max(initial=0))
        self.scale = 2.0 ** -np.frexp(largest)[1] if largest > 0 else 1.0
        self.S = np.empty((steps, self.n_frequencies * LANES), f4)
        pack_magnitudes(S, f4(self.scale), self.S)
        self.V = np.empty((steps, 2 * self.n_frequencies * LANES), f4)
        pack_spectra(phasors, self.S, self.V)
        size = (steps + geometry.overlap - 1) * hop * LANES
        self.y, self.last, self.last2, self.new = (np.zeros(size, f4) for _ in range(4))
        self.fixed = np.empty(0, f4) if fixed is None else to_lanes(fixed * f4(self.scale), steps, hop)
        self.started = False

    def run(self, n_iter: int, step: tuple[float, float, float], *, admm: bool = False, measure: bool = False) -> float:
        """Run iterations, and return the spectral convergence if ``measure``, else NaN.

        ``step`` is (alpha, beta, gamma) of the accelerated algorithm; with ``admm``, beta is its rho.
        """
        kernel: Any = iteration(self.geometry.n_fft, admm)
        alpha, beta, gamma = step
        error = kernel(
            self.S,
            self.V,
            self.y,
            self.last,
            self.last2,
            self.new,
            self.layout.norm,
            self.fixed,
            self.geometry.hop,
            self.n_frames,
            0 if self.started else -1,
            n_iter,
            int(measure),
            f4(alpha),
            f4(beta),
            f4(gamma),
            self.layout.window,
            *tables(self.geometry.n_fft),
        )
        self.started = True
        if not measure:
            return np.nan
        norm = float(np.sqrt(np.sum(np.square(self.S), dtype=np.float64)))
        return float(np.sqrt(error)) / norm if norm > 0 else 0.0

    def signal(self) -> np.ndarray:
        """Return the padded signal, float32 of shape (slots * hop,)."""
        body = self.last[: self.layout.norm.size].reshape(-1, LANES)
        return body.T.ravel() * f4(1 / self.scale)


def lane_spectra(y: np.ndarray, geometry: STFTGeometry, out: np.ndarray) -> None:
    """Write the spectra of the first frames of a signal to ``out`` (n_frequencies, n_frames).

    ``out`` is contiguous: float32 for ``log(1 + abs(STFT))``, complex64 for the STFT itself.
    """
    kernel: Any = analysis(geometry.n_fft, out.dtype == f4)
    # A read-only array is copied: the kernel would have to be compiled once more for it.
    y = np.require(y, f4, ["C", "A", "W"])
    kernel(y, geometry.pad, geometry.hop, geometry.taper, *tables(geometry.n_fft), out)


@lru_cache(maxsize=4)
def wide_window(geometry: STFTGeometry) -> np.ndarray:
    """Return the window, each value repeated for every lane."""
    return np.repeat(geometry.taper, LANES)
