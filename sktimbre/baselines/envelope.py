"""SpectralEnvelopeBaseline: the source's partials under the target's mean spectral envelope."""

from numbers import Integral
from typing import Any

import numpy as np
import scipy.fft
from sklearn.utils._param_validation import Interval

from sktimbre.baselines.regressors import SpectraBaseline
from sktimbre.spectral.log_magnitudes import magnitudes

__all__ = ["SpectralEnvelopeBaseline"]

QUIET = 30.0  # dB below the loudest frame of a note; the mean envelope is over louder frames
ITERATIONS = 20  # of the truncation
FLOOR = 80.0  # dB below the loudest bin of a frame, under which magnitudes are raised to this level


class SpectralEnvelopeBaseline(SpectraBaseline):
    """Replace the spectral envelope of each frame by the mean envelope of the target, at the source's level.

    Envelopes are true envelopes [1]_: the cepstrum is truncated repeatedly, with the envelope so far in place of what lies
    below it, until it joins the partials. The baseline needs no pairs, only notes of the target. It keeps the partials, the
    noise and the decay of the source, and has one envelope for all pitches.

    Parameters
    ----------
    n_coefficients : int
        Coefficients of the cepstrum that are kept; more follow single partials.
    target_transformer : transformer or None
        Computes the spectra of ``y`` if it is audio, usually a `LogSTFT`; None is ``LogSTFT`` with the ``n_fft`` of the
        sources.

    Attributes
    ----------
    envelope_ : ndarray of shape (n_frequencies,), float64
        Natural logarithm of the target's mean envelope, for frames whose power is 1.
    n_features_in_ : int
        Number of frequencies.

    See Also
    --------
    PerBinLinearBaseline, TransposedNeighboursBaseline

    References
    ----------
    .. [1] A. Röbel and X. Rodet, "Efficient spectral envelope estimation and its application to pitch shifting and envelope
       preservation", DAFx, 2005, for the true envelope.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.baselines import SpectralEnvelopeBaseline
    >>> S = np.random.default_rng(0).uniform(0, 1, (2, 513, 44)).astype(np.float32)
    >>> SpectralEnvelopeBaseline().fit(S, S).predict(S).shape
    (2, 513, 44)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **SpectraBaseline._parameter_constraints,
        "n_coefficients": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_coefficients: int = 30, target_transformer: Any = None) -> None:
        super().__init__(target_transformer)
        self.n_coefficients = n_coefficients

    def _learn(self, sources: list[np.ndarray], targets: list[np.ndarray]) -> None:
        total, count = np.zeros(len(targets[0])), 0
        for note in targets:
            power = (magnitudes(note) ** 2).sum(axis=0, dtype=np.float64)
            sounding = (power >= power.max() * 10 ** (-QUIET / 10)) & (power > 0)
            envelopes = self._envelopes(note[:, sounding]) - 0.5 * np.log(power[sounding])
            total, count = total + envelopes.sum(axis=1), count + envelopes.shape[1]
        self.envelope_ = total / max(1, count)

    def _predict_note(self, source: np.ndarray, i: int) -> np.ndarray:
        M = magnitudes(source).astype(np.float64)
        filtered = M * np.exp(self.envelope_[:, np.newaxis] - self._envelopes(source))
        before, after = (np.sqrt(np.sum(side**2, axis=0)) for side in (M, filtered))
        gain = np.divide(before, after, out=np.zeros(len(after)), where=after > 0)
        return np.log1p(filtered * gain).astype(np.float32)

    def _envelopes(self, S):
        """Return the natural logarithm of the envelope of each frame."""
        M = magnitudes(S).astype(np.float64)
        floor = np.maximum(M.max(axis=0) * 10 ** (-FLOOR / 20), np.finfo(np.float32).tiny) if M.size else 1.0
        levels = np.log(np.maximum(M, floor))
        if min(M.shape) == 0 or len(M) == 1:  # a cosine transform needs two values
            return levels
        envelopes = np.full_like(levels, -np.inf)
        for _ in range(ITERATIONS):
            cepstra = scipy.fft.dct(np.maximum(levels, envelopes), type=1, axis=0)
            cepstra[self.n_coefficients :] = 0
            envelopes = scipy.fft.idct(cepstra, type=1, axis=0)
        return envelopes
