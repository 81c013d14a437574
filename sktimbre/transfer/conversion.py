"""From audio to the spectra that a fitted transfer gives a phase to: a regressor, and what it is not left alone with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from sktimbre._utils.validation import Batch
from sktimbre.spectral import LogSTFT
from sktimbre.spectral.log_magnitudes import scaled
from sktimbre.transfer.loudness import follow_loudness

# Seconds that an instrument may sound on when the source has ended in digital silence, and by how much it fades meanwhile.
RELEASE, FADE = 0.1, 60.0  # dB
# Seconds to each side that are usual where a frame is louder or quieter than usual.
NEIGHBOURHOOD = 1.5


def transform(stft: Any, X: Batch) -> Batch:
    """Return what a transformer makes of audio; a function, so that `joblib.Memory` can keep it."""
    return stft.transform(X)


@dataclass(frozen=True)
class Conversion:
    """Audio to predicted spectra.

    Parameters
    ----------
    stft : transformer
        Fitted.
    regressor : regressor
        Fitted, on whole notes or on frames.
    sr : float
        Sample rate in Hz.
    loudness : float in [0, 1]
        See `TimbreTransfer`.
    """

    stft: Any
    regressor: Any
    sr: float
    loudness: float

    @property
    def neighbourhood(self) -> int:
        """Frames to each side that loudness is compared with."""
        return self._frames(NEIGHBOURHOOD) if self.loudness else 0

    @property
    def reach(self) -> int:
        """Frames to each side that a frame of the output depends on."""
        return getattr(getattr(self.regressor, "receptive_field_", None), "frames", 0) // 2 + 1 + self.neighbourhood

    def predict(self, X: Batch, transform: Callable[[Any, Batch], Batch] = transform) -> Batch:
        """Return what becomes of the spectra of audio."""
        S = transform(self.stft, X)
        predicted = self._regressed(S)
        if self.loudness:
            predicted = follow_loudness(S, predicted, self.loudness, self.neighbourhood)
        return self._released(S, predicted)

    def padded(self, X: Batch) -> Batch:
        """Return notes with silence up to a whole hop.

        Phase retrieval makes audio as loud as spectra say: samples that are seen through the end of one window alone would be
        blown up.
        """
        if not isinstance(self.stft, LogSTFT):
            return X
        hop = self.stft.geometry.hop
        if isinstance(X, list):
            return [np.pad(note, (0, -len(note) % hop)) for note in X]
        return np.pad(X, ((0, 0), (0, -X.shape[1] % hop)))

    def _frames(self, seconds):
        """Return a duration in frames; 0 where the transform is not ours."""
        return int(seconds * self.sr / self.stft.geometry.hop) if isinstance(self.stft, LogSTFT) else 0

    def _regressed(self, S):
        predicted = self.regressor.predict(*as_taken(self.regressor, S))
        if takes_notes(self.regressor):
            return predicted
        ends = np.cumsum([note.shape[1] for note in S])
        return [np.ascontiguousarray(part.T, np.float32) for part in np.split(predicted, ends[:-1])]

    def _released(self, S, predicted):
        """Return predicted spectra without what sounds where the source S is digital silence, but for a release.

        There is nothing to transfer there, whatever a network makes of it; but what sounded just before may sound on.
        """
        release = self._frames(RELEASE)
        notes = [_faded(np.maximum(p, 0), s.any(axis=0), release) for s, p in zip(S, predicted, strict=True)]
        return notes if isinstance(S, list) else np.stack(notes).astype(np.float32, copy=False)


def takes_notes(regressor: Any) -> bool:
    """Tell whether a regressor is given whole notes; others are given one frame a row."""
    return get_tags(regressor).input_tags.three_d_array


def as_taken(regressor: Any, *sides: Batch) -> list[Any]:
    """Return spectra of sources, targets, ... as a regressor takes them: as they are, or all frames of all notes as rows."""
    return [S if takes_notes(regressor) else np.concatenate([note.T for note in S]) for S in sides]


def _faded(S, sounding, n_frames):
    """Let spectra fade over so many frames when the source has stopped sounding, and be silent from then on; in place."""
    frames = np.arange(len(sounding))
    since = (frames - np.maximum.accumulate(np.where(sounding, frames, -len(frames))))[~sounding]
    gain = np.where(since > n_frames, 0, 10 ** (-FADE / 20 * since / (n_frames + 1)))
    S[:, ~sounding] = scaled(S[:, ~sounding], gain.astype(np.float32))
    return S
