"""Spectra of audio with given STFT parameters: what `LogSTFT` computes, as a function and as a record of its settings."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sktimbre._utils.validation import Batch
from sktimbre.spectral._kernels.paths import has_kernels
from sktimbre.spectral.geometry import STFTGeometry
from sktimbre.spectral.stft import frame_spectra
from sktimbre.spectral.threads import map_notes

__all__ = ["Analysis"]


@dataclass(frozen=True)
class Analysis:
    """The analysis of a `LogSTFT`, without its checks.

    Parameters
    ----------
    geometry : STFTGeometry
        STFT parameters.
    n_frames : int or None
        Number of frames to which each note is padded with zeros or cropped; None keeps all frames.
    n_jobs : int or None
        Largest number of threads.
    """

    geometry: STFTGeometry
    n_frames: int | None = None
    n_jobs: int | None = None

    def transform(self, X: Batch) -> Batch:
        """Return the log-magnitude spectra of audio, float32; parameters and result are those of `LogSTFT.transform`."""
        return self._spectra(X, np.float32)

    def complex_transform(self, X: Batch) -> Batch:
        """Return the complex spectra of audio, complex64; parameters and result are those of `LogSTFT.complex_transform`."""
        return self._spectra(X, np.complex64)

    def _spectra(self, X: Batch, dtype: Any) -> Batch:
        geometry = self.geometry
        n_frames = [self.n_frames or geometry.n_frames(len(note)) for note in X]
        out: Batch
        if isinstance(X, list):
            out = [np.empty((geometry.n_frequencies, n), dtype) for n in n_frames]
        else:
            out = np.empty((len(X), geometry.n_frequencies, n_frames[0]), dtype)
        map_notes(partial(_analyse, geometry), self.n_jobs, geometry.n_fft * sum(n_frames), X, out)
        return out


def _analyse(geometry, note, into):
    """Write one note's spectra into ``into`` (n_frequencies, n_frames), padded with zeros or cropped."""
    n_frames = min(into.shape[1], geometry.n_frames(len(note)))
    spectra = into if n_frames == into.shape[1] else np.empty((len(into), n_frames), into.dtype)
    real = into.dtype == np.float32
    if has_kernels(geometry):
        from sktimbre.spectral._kernels.lanes import lane_spectra

        lane_spectra(note, geometry, spectra)
    else:
        needed = geometry.hop * (n_frames - 1) + geometry.n_fft - geometry.pad
        found = frame_spectra(note[:needed], geometry)[:n_frames].T
        spectra[:] = np.log1p(np.abs(found)) if real else found
    if spectra is not into:
        into[:, :n_frames] = spectra
        into[:, n_frames:] = 0
