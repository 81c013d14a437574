"""ConversionMixin: conversion by fitted parts and settings, which `TimbreTransfer` and `FittedTransfer` share."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_real
from sktimbre.exceptions import ParameterError
from sktimbre.transfer.conversion import Conversion, of_all_frames
from sktimbre.transfer.pieces import by_pieces, checked_blocks, streams, with_dry

__all__ = ["ConversionMixin", "check_takes_phase"]


class ConversionMixin:
    """Fitted parts ``stft_``, ``autoencoder_`` and ``inverter_`` with the settings of a `TimbreTransfer`."""

    stft_: Any
    autoencoder_: Any
    inverter_: Any
    sr: Any
    phase: str
    loudness: float
    noise: float
    keep_noise: float
    amount: float
    transpose: float
    mix: float

    def predict_blocks(
        self, blocks: Iterable[np.ndarray], piece: float = 12.0, overlap: float = 0.5, latency: float | None = None
    ) -> Iterator[np.ndarray]:
        """Convert a recording of any length in bounded memory, or sound while it is played.

        The recording is cut into pieces. Each is converted together with the context that the network and the loudness
        correction depend on, up to a quarter of ``piece`` on each side, so that the spectra agree with those of the whole
        recording. A `StreamingInverter` inverts the spectra of successive pieces; it runs all iterations whatever the
        inverter's ``tol``. With an STFT or inverter of another package, or frames that are not centred, each piece is inverted
        by itself and cross-faded with the next.

        Parameters
        ----------
        blocks : iterable of ndarray of shape (n_samples,)
            The recording at ``sr``, mono, in blocks of any size.
        piece : float
            Seconds converted at a time.
        overlap : float
            Seconds by which neighbouring pieces overlap: the length of the cross-fade, and the shortest context.
        latency : float or None
            Largest delay in seconds between a sample of the recording and that of the output; ``piece`` and ``overlap`` are
            then ignored. The context after a frame, and with it the quality, is what the latency allows
            (`benchmarks/latency.py`): with the default network, 0.12 s is about as good as the whole recording and 0.047 s
            the least. Each step takes half of the latency; its level is judged together with the 1.2 s before it.

        Returns
        -------
        iterator of ndarray of shape (n_samples,), float32
            Blocks of the converted recording, together as long as the recording.

        Raises
        ------
        AudioError
            A block is not finite or of the wrong rank; raised when the block is read.
        ParameterError
            A duration is out of range, ``blocks`` is not an iterable of blocks, or ``latency`` is given for a model whose
            pieces are cross-faded.
        """
        conversion = self._conversion
        shared = int(check_real(overlap, "overlap", 0.0, fix="It is in seconds.") * self.sr)
        size = int(check_real(piece, "piece", 0.0, fix="It is in seconds.") * self.sr)
        if not 0 < shared < size:
            raise ParameterError(f"overlap={overlap} s must be above 0 and below piece={piece} s.")
        if latency is not None:
            latency = check_real(latency, "latency", 0.0, fix="It is in seconds.")
        blocks = checked_blocks(blocks)
        convert = by_pieces(
            conversion, self.inverter_, self._converted, size, shared, latency, from_source=self._from_source
        )
        return convert(blocks) if self.mix == 1 else with_dry(convert, blocks, self.mix)

    def _check_ready(self) -> None:
        """Raise an error unless the model is fitted and its settings are valid."""
        raise NotImplementedError

    def _converted(self, X: list[np.ndarray]) -> Any:
        """Return the audio of X with the target's timbre, before it is mixed."""
        raise NotImplementedError

    @property
    def _conversion(self) -> Conversion:
        self._check_ready()
        names = ("loudness", "noise", "keep_noise", "amount", "transpose")
        return Conversion(
            of_all_frames(self.stft_), self.autoencoder_, self.sr, **{name: getattr(self, name) for name in names}
        )

    @property
    def _from_source(self) -> bool:
        """Whether phase retrieval starts from the phase of the source: if asked for, or for a mix if the parts can."""
        stft, inverter = self.stft_, self.inverter_
        if self.phase != "source":
            return self.mix < 1 and not self.transpose and _takes_phase(stft, inverter)
        check_takes_phase(stft, inverter)
        if self.transpose:
            raise ParameterError(
                f"phase='source' excludes transpose={self.transpose:g}: the phase is that of another pitch. Set "
                "phase='estimate'."
            )
        return True


def _takes_phase(stft, inverter):
    return hasattr(stft, "complex_transform") and (hasattr(inverter, "invert") or streams(inverter))


def check_takes_phase(stft: Any, inverter: Any) -> None:
    """Raise `ParameterError` unless the parts can start from the phase of the source."""
    if not _takes_phase(stft, inverter):
        raise ParameterError(
            f"phase='source' needs an stft with complex_transform and an inverter with invert, such as LogSTFT and "
            f"GriffinLimInverter; got {type(stft).__name__} and {type(inverter).__name__}. Use phase='estimate'."
        )
