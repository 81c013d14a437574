"""From audio to the spectra that a fitted transfer gives a phase to: a regressor, and what it is not left alone with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from sktimbre._loudness import follow_loudness
from sktimbre._validation import Batch
from sktimbre.autoencoder.level import scaled
from sktimbre.spectral import LogSTFT

# Seconds that an instrument may sound on when the source has ended in digital silence, and by how much it fades meanwhile.
RELEASE, FADE = 0.1, 60.0  # dB
# Seconds by which a note goes on, mirrored, for a network that looks around.
MIRRORED = 0.5
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

    def predict(
        self, X: Batch, n_frames: list[int] | None = None, transform: Callable[[Any, Batch], Batch] = transform
    ) -> tuple[Batch, Batch]:
        """Return the spectra of audio and what becomes of them, the first so many frames of each note."""
        S = transform(self.stft, X)
        predicted = self._regressed(S)
        if self.loudness:
            predicted = follow_loudness(S, predicted, self.loudness, self.neighbourhood)
        if n_frames is not None:
            S, predicted = first(S, n_frames), first(predicted, n_frames)
        return S, self._released(S, predicted)

    def prolonged(self, X: Batch) -> tuple[Batch, list[int] | None]:
        """Return notes that go on beyond their end, and how many frames to take of each, None being all.

        A network takes the end of a file for the end of a tone, as it mostly is in training, and lets notes fade that do not.
        So it sees them go on, mirrored. And phase retrieval makes audio as loud as spectra say: samples that are seen through
        the end of one window alone are blown up. So it is given the frames that follow, or silence up to a whole hop.
        """
        if not isinstance(self.stft, LogSTFT):
            return X, None
        g, beyond = self.stft.geometry, self._looked_at()
        lengths = [-(-len(note) // g.hop) * g.hop for note in X]
        if not beyond:
            return _padded(X, lengths, "constant"), None
        lengths = [n + g.overlap * g.hop for n in lengths]
        return _padded(X, [n + beyond for n in lengths], "reflect"), [g.n_frames(n) for n in lengths]

    def spectra(self, X: Batch, transform: Callable[[Any, Batch], Batch] = transform) -> Batch:
        """Return predicted spectra of as many frames as those of the notes have, as loud at the end as if nothing followed."""
        beyond = self._looked_at()
        if not beyond:
            return self.predict(X, transform=transform)[1]
        g = self.stft.geometry
        longer = _padded(X, [len(note) + beyond for note in X], "reflect")
        seen, predicted = self.predict(longer, [g.n_frames(len(note)) for note in X], transform)
        for own, shown, note in zip(transform(self.stft, X), seen, predicted, strict=True):
            level, shown_level = (np.linalg.norm(np.expm1(S[:, -g.overlap :]), axis=0) for S in (own, shown))
            gain = level / np.maximum(shown_level, np.finfo(np.float32).tiny)
            note[:, -g.overlap :] = scaled(note[:, -g.overlap :], gain)
        return predicted

    def _looked_at(self):
        """Return the samples beyond a note's end to show to the regressor: none unless it looks around and tells its reach."""
        looks = isinstance(self.stft, LogSTFT) and self.stft.n_frames is None
        return int(MIRRORED * self.sr) if looks and hasattr(type(self.regressor), "receptive_field_") else 0

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


def first(notes: Batch, lengths: list[int]) -> Batch:
    """Return the first so many samples or frames of each note."""
    if isinstance(notes, list):
        return [note[..., :n] for note, n in zip(notes, lengths, strict=True)]
    return notes[..., : lengths[0]]


def _padded(X, lengths, mode):
    """Return notes that go on to these lengths in a mode of `numpy.pad`."""
    if isinstance(X, list):
        return [np.pad(note, (0, n - len(note)), mode) for note, n in zip(X, lengths, strict=True)]
    return np.pad(X, ((0, 0), (0, lengths[0] - X.shape[1])), mode)


def _faded(S, sounding, n_frames):
    """Let spectra fade over so many frames when the source has stopped sounding, and be silent from then on; in place."""
    frames = np.arange(len(sounding))
    since = (frames - np.maximum.accumulate(np.where(sounding, frames, -len(frames))))[~sounding]
    gain = np.where(since > n_frames, 0, 10 ** (-FADE / 20 * since / (n_frames + 1)))
    S[:, ~sounding] = scaled(S[:, ~sounding], gain.astype(np.float32))
    return S
