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
from sktimbre.spectral.streaming import StreamingInverter
from sktimbre.transfer.converting import ConversionMixin
from sktimbre.transfer.pieces import STREAMED
from sktimbre.transfer.settings import PHASES, RANGES

__all__ = ["FittedTransfer", "fitted_transfer"]

# Parts of a `TimbreTransfer` and their classes.
PARTS = {"stft": "LogSTFT", "autoencoder": "TimbreAutoencoder", "inverter": "GriffinLimInverter"}


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
        for name in settings:
            check_choice(name, "setting", ("phase", *RANGES))
        vars(self).update(settings)

    def _check_ready(self) -> None:
        check_choice(self.phase, "phase", PHASES)
        for name, limits in RANGES.items():
            check_real(getattr(self, name), name, *limits)


def fitted_transfer(record: Any) -> FittedTransfer | None:
    """Return the model of a file, or None if it needs its estimators.

    It does if it has parts of other packages, comes from an earlier version that lacks a parameter, has a network that only
    Keras can run, or if any value is not exactly as `TimbreTransfer.fit` leaves it: the estimators then convert, or say what
    is wrong.

    Parameters
    ----------
    record : Record
        A `TimbreTransfer` as `sktimbre.persistence.files.load_record` returns it.
    """
    try:
        return _checked(record)
    except Exception:  # values of a file may be anything; the estimators name the fault
        return None


def _checked(record):
    """Return the model of a file; raise any error if the file is not as expected."""
    stft, inverter, network = record.stft_, record.inverter_, record.autoencoder_.network_
    _expect(_kind(record) == "TimbreTransfer")
    for name, kind in PARTS.items():
        _expect(_kind(getattr(record, name)) in (None, kind))
        _expect(_kind(getattr(record, f"{name}_")) == kind)
    _expect(record.memory is None or isinstance(record.memory, str))
    _expect(type(stft.n_fft) is int and stft.center is True)
    for value in (stft.hop_length, stft.win_length, stft.n_frames, stft.n_jobs, inverter.random_state):
        _expect(value is None or type(value) is int)
    _expect(stft.n_frames is None or stft.n_frames > 0)
    _expect(stft.n_jobs != 0)
    geometry = resolve_geometry(stft.n_fft, stft.hop_length, stft.win_length, stft.window, stft.center)
    _expect(isinstance(network, Network) and network.graph)
    _expect(record.autoencoder_.n_features_in_ == network.n_frequencies == geometry.n_frequencies)
    streamed = {name: getattr(inverter, name) for name in STREAMED}
    StreamingInverter(geometry.n_fft, **streamed)  # checks them
    settings = {name: getattr(record, name) for name in RANGES}
    _expect(all(type(value) in (int, float) for value in (record.sr, *settings.values())))
    _expect(0 < record.sr < float("inf"))
    model = FittedTransfer(
        Analysis(geometry, stft.n_frames, stft.n_jobs),
        FittedAutoencoder(network, getattr(record.autoencoder_, "trained_on_", None)),
        FittedInverter(**streamed),
        record.sr,
        phase=record.phase,
        **settings,
    )
    model._check_ready()
    return model


def _kind(part):
    """Return the class of a `Record`, None for None."""
    return None if part is None else part.kind


def _expect(true):
    if not true:
        raise ValueError("This file needs its estimators.")
