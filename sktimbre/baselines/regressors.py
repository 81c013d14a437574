"""Baselines that predict spectra from spectra: identity, per-bin linear, phase oracle."""

import hashlib
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, _fit_context, clone
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from sktimbre._utils.containers import returns_notes
from sktimbre._utils.fitting import restores_on_failure
from sktimbre._utils.validation import Batch, as_list, check_spectra
from sktimbre.exceptions import AudioError
from sktimbre.metrics.spectral import reconstruction_error
from sktimbre.spectral import LogSTFT
from sktimbre.spectral.targets import target_spectra

__all__ = ["IdentityBaseline", "PerBinLinearBaseline", "PhaseOracleBaseline"]

# Largest difference between two spectra of the same audio, computed by different libraries or in different batches. Spectra
# of two recordings of a note differ by 1 or more in some bin.
SAME = 1e-3


class SpectraBaseline(RegressorMixin, TransformerMixin, BaseEstimator):
    """Base of the baselines that predict spectra from spectra and can replace a `TimbreAutoencoder`."""

    _parameter_constraints: dict = {"target_transformer": [HasMethods(["fit", "transform"]), None]}  # noqa: RUF012

    def __init__(self, target_transformer: Any = None) -> None:
        self.target_transformer = target_transformer

    @_fit_context(prefer_skip_nested_validation=False)
    @restores_on_failure
    def fit(self, X: Any, y: Any = None) -> "SpectraBaseline":
        """Fit the baseline to pairs.

        Parameters
        ----------
        X : array of shape (n_notes, n_frequencies, n_frames), or list of 2-D arrays
            Log-magnitude spectra of the sources.
        y : array of the shape of X or (n_notes, n_samples), or list of arrays, or None
            Spectra or audio of the targets; None is X itself.

        Returns
        -------
        self
            The fitted baseline.

        Raises
        ------
        AudioError
            X or y is empty, not finite, of the wrong rank or mismatched.
        """
        X = check_spectra(X, estimator=self)
        transformer = LogSTFT(n_fft=2 * (len(X[0]) - 1)) if self.target_transformer is None else self.target_transformer
        self.target_transformer_ = clone(transformer)
        self._learn(as_list(X), as_list(target_spectra(X, y, self.target_transformer_, fit=True)))
        return self

    @returns_notes
    def predict(self, X: Any) -> Batch:
        """Predict the spectra of the targets.

        Parameters
        ----------
        X : array of shape (n_notes, n_frequencies, n_frames), or list of 2-D arrays
            Log-magnitude spectra of sources.

        Returns
        -------
        ndarray of the shape of X, or list of 2-D ndarray, float32, non-negative

        Raises
        ------
        AudioError
            X is empty, not finite, of the wrong rank, or has another number of frequencies than in ``fit``.
        NotFittedError
            The baseline is not fitted.
        """
        check_is_fitted(self)
        X = check_spectra(X, estimator=self, reset=False)
        predicted = [self._predict_note(note, i) for i, note in enumerate(X)]
        return np.stack(predicted) if isinstance(X, np.ndarray) else predicted

    def transform(self, X: Any) -> Batch:
        """Return the result of `predict`, so that an inverter can follow in a Pipeline.

        Parameters
        ----------
        X : array of shape (n_notes, n_frequencies, n_frames), or list of 2-D arrays
            As in `predict`.

        Returns
        -------
        ndarray of the shape of X, or list of 2-D ndarray, float32, non-negative
        """
        return self.predict(X)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the negative `reconstruction_error`: at most 0, higher is better.

        Parameters
        ----------
        X, y : arrays or lists
            As in `fit`.

        Returns
        -------
        float
        """
        predicted = self.predict(X)
        return -float(reconstruction_error(target_spectra(check_spectra(X), y, self.target_transformer_), predicted))

    def _learn(self, sources: list[np.ndarray], targets: list[np.ndarray]) -> None:
        raise NotImplementedError

    def _predict_note(self, source: np.ndarray, i: int) -> np.ndarray:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.target_tags.required = False
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class IdentityBaseline(SpectraBaseline):
    """Predict the source itself.

    A model with a greater error than this baseline is worse than no change at all.

    Parameters
    ----------
    target_transformer : transformer or None
        Computes the spectra of ``y`` if it is audio, usually a `LogSTFT`; None is ``LogSTFT`` with the ``n_fft`` of the
        sources.

    Attributes
    ----------
    n_features_in_ : int
        Number of frequencies.

    See Also
    --------
    PerBinLinearBaseline, PhaseOracleBaseline, TransposedNeighboursBaseline

    Notes
    -----
    On the flute to clarinet pairs of the benchmark its reconstruction error is 0.263.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.baselines import IdentityBaseline
    >>> S = np.ones((2, 513, 44), np.float32)
    >>> IdentityBaseline().fit(S, S + 0.5).score(S, S + 0.5)
    -0.25
    """

    def _learn(self, sources: list[np.ndarray], targets: list[np.ndarray]) -> None:
        pass

    def _predict_note(self, source: np.ndarray, i: int) -> np.ndarray:
        return source.copy()


class PerBinLinearBaseline(SpectraBaseline):
    """Linear least-squares regression from source to target in each frequency bin, as a trained equaliser.

    It ignores pitch, time and neighbouring bins. A network that is not clearly better has learnt no more than an equaliser.

    Parameters
    ----------
    target_transformer : transformer or None
        Computes the spectra of ``y`` if it is audio, usually a `LogSTFT`; None is ``LogSTFT`` with the ``n_fft`` of the
        sources.

    Attributes
    ----------
    coef_, intercept_ : ndarray of shape (n_frequencies,) float64
        Slope, and intercept in log1p units; bins that are constant in the sources have slope 0.
    n_features_in_ : int
        Number of frequencies.

    See Also
    --------
    IdentityBaseline, PhaseOracleBaseline, TransposedNeighboursBaseline

    Notes
    -----
    On the flute to clarinet pairs of the benchmark its reconstruction error is 0.197.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.baselines import PerBinLinearBaseline
    >>> S = np.random.default_rng(0).uniform(0, 1, (2, 513, 44)).astype(np.float32)
    >>> baseline = PerBinLinearBaseline().fit(S, 2 * S + 1)
    >>> baseline.coef_[:2].round(3), baseline.intercept_[:2].round(3)
    (array([2., 2.]), array([1., 1.]))
    """

    def _learn(self, sources: list[np.ndarray], targets: list[np.ndarray]) -> None:
        # Frames of all notes side by side, in float64 and centred, to avoid cancellation.
        source = np.concatenate(sources, axis=1).astype(np.float64)
        target = np.concatenate(targets, axis=1).astype(np.float64)
        source_mean, target_mean = source.mean(axis=1), target.mean(axis=1)
        source -= source_mean[:, np.newaxis]
        target -= target_mean[:, np.newaxis]
        variance = np.mean(source**2, axis=1)
        moves = variance > np.finfo(np.float32).eps ** 2 * (1 + source_mean**2)
        self.coef_ = np.zeros(len(variance))
        np.divide(np.mean(source * target, axis=1), variance, out=self.coef_, where=moves)
        self.intercept_ = target_mean - self.coef_ * source_mean

    def _predict_note(self, source: np.ndarray, i: int) -> np.ndarray:
        line = self.coef_[:, np.newaxis] * source + self.intercept_[:, np.newaxis]
        return np.maximum(line, 0).astype(np.float32)


class PhaseOracleBaseline(SpectraBaseline):
    """Return the true target of each source given to `fit`, so that only the error of phase retrieval is left.

    Fit it on the pairs to be evaluated. Its error after an inverter is a lower bound for models with the same inverter.

    Parameters
    ----------
    target_transformer : transformer or None
        Computes the spectra of ``y`` if it is audio, usually a `LogSTFT`; None is ``LogSTFT`` with the ``n_fft`` of the
        sources.

    Attributes
    ----------
    sources_, targets_ : list of ndarray of shape (n_frequencies, n_frames), float32
        The pairs.
    n_features_in_ : int
        Number of frequencies.

    Raises
    ------
    AudioError
        A source in ``predict`` was not in ``fit``, or a source in ``fit`` has two different targets.

    See Also
    --------
    IdentityBaseline, PerBinLinearBaseline, TransposedNeighboursBaseline

    Notes
    -----
    A source is found by its bytes, or else by its values within 1e-3, because implementations of the STFT round differently.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.baselines import PhaseOracleBaseline
    >>> S = np.random.default_rng(0).uniform(0, 1, (2, 513, 44)).astype(np.float32)
    >>> bool((PhaseOracleBaseline().fit(S, S + 1).predict(S[1:]) == S[1:] + 1).all())
    True
    """

    def _learn(self, sources: list[np.ndarray], targets: list[np.ndarray]) -> None:
        self.sources_ = [source.copy() for source in sources]
        self.targets_ = [target.copy() for target in targets]
        self._index: dict[str, int] = {}
        for i, source in enumerate(self.sources_):
            first = self._index.setdefault(_digest(source), i)
            if not np.array_equal(self.targets_[first], self.targets_[i]):
                raise AudioError(
                    f"X[{first}] and X[{i}] are the same source with different targets: the right target is "
                    "ambiguous. Leave one of them out."
                )

    def _predict_note(self, source: np.ndarray, i: int) -> np.ndarray:
        known = self._index.get(_digest(source))
        if known is None:
            differences = [
                float(np.abs(seen - source).max()) if seen.shape == source.shape else np.inf for seen in self.sources_
            ]
            known = int(np.argmin(differences))
            if differences[known] > SAME:
                raise AudioError(
                    f"X[{i}] was not in fit: PhaseOracleBaseline has the targets of its {len(self.sources_)} training "
                    "sources only. Fit it on the pairs to be evaluated, with the same STFT."
                )
        return self.targets_[known].copy()


def _digest(source: np.ndarray) -> str:
    return hashlib.blake2b(repr(source.shape).encode() + source.tobytes(), digest_size=16).hexdigest()
