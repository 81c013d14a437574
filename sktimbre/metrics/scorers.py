"""Scorers for ``scoring=`` of scikit-learn's searches and cross-validation."""

import inspect
from collections.abc import Callable
from typing import Any

from sklearn.metrics import make_scorer

from sktimbre._utils.checks import check_choice
from sktimbre.exceptions import ParameterError
from sktimbre.metrics.contours import pitch_jaccard_distance, raw_pitch_accuracy
from sktimbre.metrics.harmonic import harmonic_distance
from sktimbre.metrics.perceptual import loudness_correlation, loudness_distance, mfcc_distance
from sktimbre.metrics.pitch import f0_error
from sktimbre.metrics.spectral import (
    log_spectral_distance,
    multiscale_spectral_distance,
    reconstruction_error,
    spectral_convergence,
)

__all__ = ["SCORERS", "get_scorer"]

# The metric, and whether greater is better. The scores of distances are negative, as in scikit-learn.
_METRICS: dict[str, tuple[Callable, bool]] = {
    "neg_reconstruction_error": (reconstruction_error, False),
    "neg_log_spectral_distance": (log_spectral_distance, False),
    "neg_multiscale_spectral_distance": (multiscale_spectral_distance, False),
    "neg_spectral_convergence": (spectral_convergence, False),
    "neg_mfcc_distance": (mfcc_distance, False),
    "neg_f0_error": (f0_error, False),
    "neg_pitch_jaccard_distance": (pitch_jaccard_distance, False),
    "neg_harmonic_distance": (harmonic_distance, False),
    "neg_loudness_distance": (loudness_distance, False),
    "loudness_correlation": (loudness_correlation, True),
    "raw_pitch_accuracy": (raw_pitch_accuracy, True),
}


def get_scorer(name: str, **parameters: Any) -> Callable:
    """Return a scorer by its name, with parameters of the metric.

    Parameters
    ----------
    name : str
        A key of `SCORERS`; distances have the prefix ``neg_``, so that higher is always better.
    **parameters
        Keyword parameters of the metric, such as ``sr=44100`` or ``floor=60``; not ``average``.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, which returns a float; higher is better. For ``reconstruction_error``,
        ``log_spectral_distance`` and ``spectral_convergence``, ``predict`` and ``y`` may each be audio or spectra; the
        others need audio for both.

    Raises
    ------
    ParameterError
        The name or a parameter is unknown.

    Examples
    --------
    >>> from sktimbre.baselines import IdentityBaseline
    >>> from sktimbre.metrics import get_scorer
    >>> import numpy as np
    >>> S = np.ones((2, 513, 44), np.float32)
    >>> get_scorer("neg_log_spectral_distance", floor=60)(IdentityBaseline().fit(S), S, S)
    -0.0
    """
    metric, greater_is_better = _METRICS[check_choice(name, "name", _METRICS)]
    known = set(inspect.signature(metric).parameters) - {"y_true", "y_pred", "average", "reference_hz"}
    if unknown := sorted(set(parameters) - known):
        raise ParameterError(
            f"{unknown[0]}={parameters[unknown[0]]!r} is no parameter of {name}; its parameters are {sorted(known)}."
        )
    return make_scorer(metric, greater_is_better=greater_is_better, **parameters)


#: Scorers by name, with the metrics' default parameters (sr 22050), for ``GridSearchCV(..., scoring=SCORERS[name])``
#: or several at once: ``scoring=SCORERS, refit="neg_log_spectral_distance"``.
SCORERS: dict[str, Callable] = {name: get_scorer(name) for name in _METRICS}
