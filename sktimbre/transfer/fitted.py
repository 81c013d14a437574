"""FittedTransfer: a fitted `TimbreTransfer` as it stands in its file, which converts without scikit-learn.

Importing scikit-learn takes about as long as everything else that `sktimbre convert` does for a short recording.
"""

from dataclasses import dataclass
from typing import Any

from sktimbre._utils.checks import check_choice, check_real
from sktimbre._utils.validation import Batch
from sktimbre.autoencoder.network import Network
from sktimbre.autoencoder.receptive_field import ReceptiveField
from sktimbre.spectral.analysis import Analysis
from sktimbre.spectral.geometry import resolve_geometry
from sktimbre.transfer.converting import ConversionMixin
from sktimbre.transfer.pieces import STREAMED
from sktimbre.transfer.settings import PHASES, RANGES

__all__ = ["FittedTransfer", "fitted_transfer"]


@dataclass(frozen=True)
class FittedAutoencoder:
    """What is used of a fitted `TimbreAutoencoder`."""

    network_: Network
    trained_on_: dict[str, Any] | None

    @property
    def receptive_field_(self) -> ReceptiveField:
        """Frames and bins of the input that one output value depends on."""
        return self.network_.receptive_field

    def predict(self, S: Batch) -> Batch:
        """Return the predicted spectra of spectra."""
        return self.network_.predict(S)


@dataclass(frozen=True)
class FittedInverter:
    """What is used of a fitted `GriffinLimInverter`."""

    n_iter: int
    algorithm: str
    init: str
    momentum: float
    random_state: Any


class FittedTransfer(ConversionMixin):
    """A fitted `TimbreTransfer` without its estimators: it converts blocks and nothing else.

    Parameters
    ----------
    stft : Analysis
        Settings of the fitted `LogSTFT`, with centred frames.
    autoencoder : FittedAutoencoder
        The fitted network.
    inverter : FittedInverter
        Settings of the fitted `GriffinLimInverter`.
    sr : float
        Sample rate in Hz.
    **settings : float or str
        ``phase`` and those of `RANGES`, as parameters of `TimbreTransfer`.
    """

    def __init__(
        self, stft: Analysis, autoencoder: FittedAutoencoder, inverter: FittedInverter, sr: float, **settings: Any
    ):
        self.stft_ = stft
        self.autoencoder_ = autoencoder
        self.inverter_ = inverter
        self.sr = sr
        self.set_params(**settings)

    def set_params(self, **settings: Any) -> None:
        """Change settings of the conversion, as `TimbreTransfer.set_params` does."""
        vars(self).update(settings)

    def _check_ready(self) -> None:
        check_choice(self.phase, "phase", PHASES)
        for name, limits in RANGES.items():
            check_real(getattr(self, name), name, *limits)


def fitted_transfer(record: Any) -> FittedTransfer | None:
    """Return the model of a file, or None if it needs its estimators.

    It does if it has parts of other packages, comes from an earlier version that lacks a parameter, or has a network that
    only Keras can run.

    Parameters
    ----------
    record : Record
        A `TimbreTransfer` as `sktimbre.persistence.load_record` returns it.
    """
    try:
        if [record.kind, record.stft_.kind, record.autoencoder_.kind, record.inverter_.kind] != [
            "TimbreTransfer", "LogSTFT", "TimbreAutoencoder", "GriffinLimInverter",
        ]:  # fmt: skip
            return None
        stft, network = record.stft_, record.autoencoder_.network_
        geometry = resolve_geometry(stft.n_fft, stft.hop_length, stft.win_length, stft.window, stft.center)
        trained_on = getattr(record.autoencoder_, "trained_on_", None)
        inverter = FittedInverter(*(getattr(record.inverter_, name) for name in STREAMED))
        model = FittedTransfer(
            Analysis(geometry, stft.n_frames, stft.n_jobs), FittedAutoencoder(network, trained_on), inverter, record.sr,
            phase=record.phase, **{name: getattr(record, name) for name in RANGES},
        )  # fmt: skip
    except AttributeError:
        return None
    return model if isinstance(network, Network) and network.graph and geometry.center else None
