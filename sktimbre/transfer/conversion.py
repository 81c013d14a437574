"""Audio to predicted spectra: STFT, regressor, noise, loudness correction, amount, release."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

import numpy as np

from sktimbre._utils.validation import Batch
from sktimbre.exceptions import ParameterError
from sktimbre.spectral.geometry import geometry_of
from sktimbre.spectral.log_magnitudes import scaled
from sktimbre.transfer.loudness import follow_loudness
from sktimbre.transfer.noise import NOISE_CONTEXT, keep_noise, restore_noise
from sktimbre.transfer.transposing import margin, ratio_of, transposed_spectra

# How long the output may sound on after the source has ended in digital silence, and by how much it fades meanwhile.
RELEASE, FADE = 0.1, 60.0  # s, dB
# Loudness is compared with its mean over so many seconds to each side.
LOUDNESS_CONTEXT = 1.5


def transform(stft: Any, X: Batch) -> Batch:
    """Return the spectra of audio; a function, so that `joblib.Memory` can keep its results."""
    return stft.transform(X)


@dataclass(frozen=True)
class Conversion:
    """The fitted parts that turn audio into predicted spectra.

    Parameters
    ----------
    stft : transformer
        Fitted.
    regressor : regressor
        Fitted, on whole notes or on frames.
    sr : float
        Sample rate in Hz.
    loudness, noise, keep_noise, amount, transpose : float
        See `TimbreTransfer`.

    Raises
    ------
    ParameterError
        The transformer cannot transpose.
    """

    stft: Any
    regressor: Any
    sr: float
    loudness: float
    noise: float
    keep_noise: float
    amount: float
    transpose: float

    def __post_init__(self):
        if self.transpose and geometry_of(self.stft) is None:
            raise ParameterError(
                f"transpose={self.transpose:g} needs a LogSTFT, but stft is {type(self.stft).__name__}. Set transpose=0."
            )

    @property
    def loudness_context(self) -> int:
        """Frames to each side that the loudness of a frame is compared with."""
        return self._frames(LOUDNESS_CONTEXT) if self.loudness else 0

    @property
    def noise_context(self) -> int:
        """Frames to each side that the noise of a frame is compared with."""
        return NOISE_CONTEXT if self.noise else 0

    @property
    def reach(self) -> int:
        """Frames to each side of a frame that the regressor needs for it, without those that set its level."""
        network = getattr(self.regressor, "network_", None)
        field = network.reach if network else getattr(self.regressor, "receptive_field_", None)
        return getattr(field, "frames", 0) // 2

    @property
    def regressor_context(self) -> int:
        """Frames to each side of a frame that what the regressor predicts for it depends on."""
        return getattr(getattr(self.regressor, "receptive_field_", None), "frames", 0) // 2 + 1

    @property
    def context(self) -> int:
        """Frames to each side of a frame that its output depends on."""
        frames = self.regressor_context + self.loudness_context + self.noise_context
        geometry = geometry_of(self.stft)
        return frames + (-(-self.margin // geometry.hop) if geometry else 0)

    @property
    def margin(self) -> int:
        """Samples on each side of a frame that transposing needs besides it."""
        geometry = geometry_of(self.stft)
        return margin(geometry, ratio_of(self.transpose)) if geometry else 0

    def predict(self, X: Batch, transform: Callable[[Any, Batch], Batch] = transform) -> Batch:
        """Return the predicted spectra of audio.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_samples) or list of 1-D arrays, float32
            Audio of the source.
        transform : callable
            Called with ``stft`` and X where nothing is transposed; another one may keep its results.

        Returns
        -------
        ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, float32, non-negative
        """
        return self.converted(self.spectra(X, transform))

    def spectra(self, X: Batch, transform: Callable[[Any, Batch], Batch] = transform) -> Batch:
        """Return the spectra of audio, transposed."""
        geometry = geometry_of(self.stft)
        if not self.transpose or geometry is None:
            return transform(self.stft, X)
        ratio = ratio_of(self.transpose)
        n_frames = [self.stft.n_frames or geometry.n_frames(len(y)) for y in X]
        S = [transposed_spectra(y, geometry, ratio, n) for y, n in zip(X, n_frames, strict=True)]
        return S if isinstance(X, list) else np.stack(S)

    def converted(self, S: Batch) -> Batch:
        """Return the predicted spectra of spectra of the source."""
        return self._finished(S, self._regressed(S)) if self.amount else S

    def continued(self, S: np.ndarray, past: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the predicted spectra of a note that goes on, without regressing again what is known.

        Parameters
        ----------
        S : ndarray of shape (n_frequencies, n_frames), float32
            Spectra of the source.
        past : ndarray of shape (n_frequencies, n_known), float32
            What the regressor predicts for the first frames.

        Returns
        -------
        predicted, regressed : ndarray of shape (n_frequencies, n_frames), float32
            The predicted spectra, and what the regressor predicts for all frames.
        """
        if not self.amount:
            return S, S
        predict_rest = _predict_rest(self.regressor)
        if past.shape[1] and predict_rest:
            regressed = np.concatenate([past, predict_rest(S, past.shape[1])], axis=1)
        else:
            (regressed,) = self._regressed([S])
        return self._finished([S], [regressed])[0], regressed

    def _finished(self, S, predicted):
        """Return the spectra of the output from those that the regressor predicts."""
        if self.noise:
            predicted = restore_noise(S, predicted, self.noise)
        if self.loudness:
            predicted = follow_loudness(S, predicted, self.loudness, self.loudness_context)
        if self.keep_noise:
            predicted = keep_noise(S, predicted, self.keep_noise)
        if self.amount < 1:
            predicted = [
                s + np.float32(self.amount) * (np.maximum(p, 0) - s) for s, p in zip(S, predicted, strict=True)
            ]
        return self._released(S, predicted)

    @property
    def release(self) -> int:
        """Frames during which the output may sound on after the source."""
        return self._frames(RELEASE)

    def _frames(self, seconds):
        """Return a duration in frames; 0 where the transformer is not a `LogSTFT`."""
        geometry = geometry_of(self.stft)
        return int(seconds * self.sr / geometry.hop) if geometry else 0

    def _regressed(self, S):
        predicted = self.regressor.predict(*as_taken(self.regressor, S))
        if takes_notes(self.regressor):
            return predicted
        ends = np.cumsum([note.shape[1] for note in S])
        return [np.ascontiguousarray(part.T, np.float32) for part in np.split(predicted, ends[:-1])]

    def _released(self, S, predicted):
        """Return predicted spectra that fade to silence where the source S is digital silence."""
        notes = [_faded(np.maximum(p, 0), s.any(axis=0), self.release) for s, p in zip(S, predicted, strict=True)]
        return notes if isinstance(S, list) else np.stack(notes).astype(np.float32, copy=False)


def _predict_rest(regressor):
    """Return the method of a fitted `TimbreAutoencoder` that predicts the end of a note; None for other regressors."""
    return getattr(getattr(regressor, "network_", None), "predict_rest", None)


def takes_notes(regressor: Any) -> bool:
    """Return True if a regressor takes whole notes, by its tags; others take one frame a row."""
    # A fitted TimbreAutoencoder, for which scikit-learn need not be imported.
    if _predict_rest(regressor):
        return True
    from sklearn.utils import get_tags

    return get_tags(regressor).input_tags.three_d_array


def of_all_frames(stft: Any) -> Any:
    """Return an analysis of notes of any length: ``n_frames`` of a `LogSTFT` is the length of the training notes."""
    # Transformers of other packages may mean something else by it.
    if geometry_of(stft) is None or getattr(stft, "n_frames", None) is None:
        return stft
    if is_dataclass(stft) and not isinstance(stft, type):  # an `Analysis`, which is frozen
        return replace(stft, n_frames=None)
    stft = copy(stft)
    stft.n_frames = None
    return stft


def weights_as_taken(regressor: Any, S: Batch, fit_params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters of a regressor's ``fit`` with the weight of each note as those of its frames, if it takes these."""
    weights = fit_params.get("sample_weight")
    if weights is None or takes_notes(regressor) or np.shape(weights) != (len(S),):
        return fit_params
    return fit_params | {"sample_weight": np.repeat(weights, [note.shape[1] for note in S])}


def as_taken(regressor: Any, *sides: Batch) -> list[Any]:
    """Return spectra as a regressor takes them: whole notes, or the frames of all notes as rows."""
    return [S if takes_notes(regressor) else np.concatenate([note.T for note in S]) for S in sides]


def _faded(S, sounding, n_frames):
    """Fade spectra over so many frames after the source has stopped sounding, then silence them; in place."""
    frames = np.arange(len(sounding))
    since = (frames - np.maximum.accumulate(np.where(sounding, frames, -len(frames))))[~sounding]
    gain = np.where(since > n_frames, 0, 10 ** (-FADE / 20 * since / (n_frames + 1)))
    S[:, ~sounding] = scaled(S[:, ~sounding], gain.astype(np.float32))
    return S
