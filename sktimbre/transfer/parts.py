"""Parts of a `TimbreTransfer`: created with equal STFT parameters; those of other packages adapted."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from sktimbre.exceptions import ParameterError
from sktimbre.spectral import GriffinLimInverter, LogSTFT
from sktimbre.spectral.geometry import geometry_of, usual_n_fft
from sktimbre.transfer.converting import check_takes_phase

__all__ = [
    "Extent",
    "fit_stft",
    "new_autoencoder",
    "new_parts",
    "of_lengths",
]


class Extent(NamedTuple):
    """Milliseconds and hertz of the input that one output value depends on."""

    milliseconds: float
    hertz: float


def new_parts(stft: Any, inverter: Any, phase: str, sr: float) -> tuple[Any, Any]:
    """Return a new STFT and a new inverter with its STFT parameters.

    Parameters
    ----------
    stft, inverter : transformer or None
        Parameters of `TimbreTransfer`, which are cloned; None is a `LogSTFT` with the usual ``n_fft`` for the sample rate, and
        a `GriffinLimInverter`.
    phase : {"estimate", "source"}
        Parameter of `TimbreTransfer`.
    sr : float
        Sample rate in Hz.

    Raises
    ------
    ParameterError
        The inverter has other STFT parameters, or one of the two cannot use the phase of the source.
    """
    stft = LogSTFT(n_fft=usual_n_fft(sr)) if stft is None else clone(stft)
    inverter = _matched(GriffinLimInverter() if inverter is None else clone(inverter), stft)
    if phase == "source":
        check_takes_phase(stft, inverter)
    return stft, inverter


def new_autoencoder(autoencoder: Any) -> Any:
    """Return a new autoencoder: a clone, or for None a `TimbreAutoencoder`."""
    if autoencoder is not None:
        return clone(autoencoder)
    from sktimbre.autoencoder import TimbreAutoencoder

    return TimbreAutoencoder()


def _matched(inverter, stft):
    """Return the inverter with the STFT parameters of ``stft``; refuse an inverter with different ones."""
    geometry = geometry_of(stft)
    if not isinstance(inverter, GriffinLimInverter) or geometry is None:
        return inverter
    sizes = {"n_fft": geometry.n_fft, "hop_length": geometry.hop, "win_length": geometry.win}
    for name, size in sizes.items():
        given = getattr(inverter, name)
        if given not in (None, size):
            raise ParameterError(
                f"inverter has {name}={given}, the stft {name}={size}; both must be equal. Set that of the inverter to None."
            )
    return inverter.set_params(**sizes, window=geometry.window, center=geometry.center)


def fit_stft(stft: Any, X: Any) -> None:
    """Fit a transform on the sources if it learns from them; `LogSTFT` does not, and its ``transform`` checks the audio."""
    if get_tags(stft).requires_fit:
        stft.fit(X)


def of_lengths(notes: Iterable[np.ndarray], lengths: Sequence[int]) -> list[np.ndarray]:
    """Return notes cut or zero-padded to these numbers of samples."""
    return [np.pad(y[:n], (0, max(0, n - len(y)))) for y, n in zip(notes, lengths, strict=True)]
