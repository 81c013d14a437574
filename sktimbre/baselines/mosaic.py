"""MosaicBaseline: the source rebuilt from spectra of the target's notes, by NMF with a fixed dictionary."""

from numbers import Integral
from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter1d
from sklearn.utils._param_validation import Interval

from sktimbre.baselines.regressors import SpectraBaseline
from sktimbre.spectral.log_magnitudes import magnitudes

__all__ = ["MosaicBaseline"]

# Added to denominators.
TINY = 1e-9
QUIET = 40.0  # dB below the loudest frame of a note; softer frames are no part of the dictionary


class MosaicBaseline(SpectraBaseline):
    """Rebuild each source from frames of the target's notes: NMF-inspired audio mosaicing [1]_.

    The dictionary is the frames of all target notes, in their order. Multiplicative updates find how strongly each of them
    sounds at each time, so that their sum is near the source by the Kullback-Leibler divergence; between updates, repeated
    frames and all but a few simultaneous ones are weakened, and frames that follow each other in the dictionary are
    encouraged to follow each other in the output. The baseline needs no pairs, no pitches and no training, and can play
    several notes at once; it cannot play pitches that the target's notes do not have.

    Parameters
    ----------
    n_iter : int
        Number of updates.
    repetition : int
        Frames to each side within which a frame of the dictionary sounds once.
    polyphony : int
        Frames of the dictionary that sound at a time.
    continuity : int
        Frames to each side along which the order of the dictionary is kept.
    max_frames : int
        Largest number of frames in the dictionary; of more, whole notes are left out evenly.
    target_transformer : transformer or None
        Computes the spectra of ``y`` if it is audio, usually a `LogSTFT`; None is ``LogSTFT`` with the ``n_fft`` of the
        sources.

    Attributes
    ----------
    dictionary_ : ndarray of shape (n_frequencies, n_frames), float32
        Magnitudes of the target's frames.
    n_features_in_ : int
        Number of frequencies.

    See Also
    --------
    SpectralEnvelopeBaseline, TransposedNeighboursBaseline

    Notes
    -----
    The original adds the complex frames of the target; here magnitudes are added, and phases retrieved as for all regressors.

    References
    ----------
    .. [1] J. Driedger, T. Prätzlich and M. Müller, "Let it bee: towards NMF-inspired audio mosaicing", ISMIR, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.baselines import MosaicBaseline
    >>> S = np.random.default_rng(0).uniform(0, 1, (2, 513, 44)).astype(np.float32)
    >>> MosaicBaseline().fit(S, S).predict(S).shape
    (2, 513, 44)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **SpectraBaseline._parameter_constraints,
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "repetition": [Interval(Integral, 0, None, closed="left")],
        "polyphony": [Interval(Integral, 1, None, closed="left")],
        "continuity": [Interval(Integral, 0, None, closed="left")],
        "max_frames": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_iter: int = 20,
        repetition: int = 3,
        polyphony: int = 10,
        continuity: int = 3,
        max_frames: int = 8000,
        target_transformer: Any = None,
    ) -> None:
        super().__init__(target_transformer)
        self.n_iter = n_iter
        self.repetition = repetition
        self.polyphony = polyphony
        self.continuity = continuity
        self.max_frames = max_frames

    def _learn(self, sources: list[np.ndarray], targets: list[np.ndarray]) -> None:
        notes = [_sounding(magnitudes(note)) for note in targets]
        total = sum(note.shape[1] for note in notes)
        kept = max(1, int(len(notes) * min(1.0, self.max_frames / max(1, total))))
        chosen = [notes[i] for i in np.linspace(0, len(notes) - 1, kept).round().astype(int)]
        self.dictionary_ = np.concatenate(chosen, axis=1).astype(np.float32)[:, : self.max_frames]

    def _predict_note(self, source: np.ndarray, i: int) -> np.ndarray:
        V, W = magnitudes(source).astype(np.float32), self.dictionary_
        if not V.any() or not W.any():
            return np.zeros_like(source)
        sums = W.sum(axis=0)[:, np.newaxis] + TINY
        H = np.full((W.shape[1], V.shape[1]), V.sum() / (W.sum() * V.shape[1] + TINY), np.float32)
        for done in range(1, self.n_iter + 1):
            H = self._constrained(H, np.float32(1 - done / self.n_iter))
            H *= (W.T @ (V / (W @ H + TINY))) / sums
        return np.log1p(W @ H)

    def _constrained(self, H, kept):
        """Weaken repetitions and all but the loudest frames to the share ``kept``, and join frames in their order."""
        loudest = maximum_filter1d(H, 2 * self.repetition + 1, axis=1, mode="constant")
        H = np.where(loudest > H, kept * H, H)
        if self.polyphony < len(H):
            least = np.partition(H, -self.polyphony, axis=0)[-self.polyphony]
            H = np.where(least > H, kept * H, H)
        joined, (n, m) = H.copy(), H.shape
        for by in range(1, min(self.continuity, n - 1, m - 1) + 1):
            joined[by:, by:] += H[:-by, :-by]
            joined[:-by, :-by] += H[by:, by:]
        return joined


def _sounding(M):
    """Return the frames of a note that are not silent, relative to its loudest."""
    power = (M.astype(np.float64) ** 2).sum(axis=0)
    return M[:, (power > power.max() * 10 ** (-QUIET / 10)) & (power > 0)] if power.any() else M[:, :1]
