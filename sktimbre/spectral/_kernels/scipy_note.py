"""Phase retrieval of one note by scipy.fft, for any n_fft; `lanes.LaneNote` is faster, for powers of two."""

import numpy as np

from sktimbre.spectral.geometry import STFTGeometry
from sktimbre.spectral.stft import frame_spectra, inverse_power, overlap_add

TINY = np.float32(1e-18)


class ScipyNote:
    """State of phase retrieval for one note, with the parameters and methods of `lanes.LaneNote`."""

    def __init__(
        self,
        S: np.ndarray,
        phasors: np.ndarray,
        geometry: STFTGeometry,
        first: int,
        last: int,
        fixed: np.ndarray | None = None,
    ) -> None:
        # Time first, so that the transforms run over contiguous rows.
        largest = float(S.max(initial=0))
        self.scale = np.float32(2.0 ** -np.frexp(largest)[1] if largest > 0 else 1.0)
        self.S = np.ascontiguousarray(S.T, np.float32) * self.scale
        self.V = np.ascontiguousarray(phasors.T, np.complex64) * self.S
        self.V[:, [0, -1]] = self.V[:, [0, -1]].real  # a real signal's first and last bin
        self.geometry = geometry
        self.uncentred = STFTGeometry(geometry.n_fft, geometry.hop, geometry.win, geometry.window, center=False)
        self.normaliser = inverse_power(geometry, len(self.S))
        self.normaliser[:first] = 0
        self.normaliser[last:] = 0
        self.fixed = None if fixed is None else fixed * self.scale
        self.y = self.last = self.last2 = self._synthesise(self.V)

    def run(self, n_iter: int, step: tuple[float, float, float], *, admm: bool = False, measure: bool = False) -> float:
        """Run iterations, and return the spectral convergence if ``measure``, else NaN."""
        alpha, beta, gamma = (np.float32(x) for x in step)
        for _ in range(n_iter):
            spectra = self._analyse(self.y)
            new = self._synthesise(self._pull(spectra, beta) if admm else self._project(spectra))
            if gamma != 1:
                ahead = self.last + beta * (self.last - self.last2)
                new = ahead + gamma * (new - ahead)
            self.y = new + alpha * (new - self.last) if alpha else new
            self.last, self.last2 = new, self.last
        norm = float(np.linalg.norm(self.S))
        if not measure or norm == 0:
            return 0.0 if measure else np.nan
        return float(np.linalg.norm(np.abs(self._analyse(self.last)) - self.S)) / norm

    def signal(self) -> np.ndarray:
        """Return the padded signal, float32, with at least the samples that the frames span."""
        return self.last / self.scale

    def _analyse(self, signal):
        needed = self.geometry.hop * (len(self.S) - 1) + self.geometry.n_fft
        return frame_spectra(signal[:needed], self.uncentred)

    def _synthesise(self, spectra):
        signal = overlap_add(spectra, self.geometry, self.normaliser)
        if self.fixed is not None:
            signal[: len(self.fixed)] += self.fixed
        return signal

    def _project(self, spectra):
        """Set the magnitude of every bin and keep its phase."""
        size = np.abs(spectra)
        size += TINY
        np.divide(self.S, size, out=size)
        spectra *= size
        return spectra

    def _pull(self, spectra, rho):
        """Return the sum of ADMM's two spectra, and store it for the next iteration."""
        dual = (self.V - spectra) / (1 + rho)
        self.V = self._project(2 * spectra - (1 - rho) * self.V) + dual
        return self.V
