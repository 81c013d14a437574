"""Scores of each note, for a model and baselines."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from sktimbre.exceptions import AudioError

__all__ = ["METRICS", "Scores", "judge", "mean", "spectra_baselines"]

Scores = dict[str, list[float | None]]


class Metric(NamedTuple):
    """Title and number of digits of a metric in tables."""

    title: str
    digits: int


METRICS = {
    "reconstruction_error": Metric("Reconstruction error", 4),
    "log_spectral_distance": Metric("Log-spectral dist., dB", 2),
    "mfcc_distance": Metric("MFCC distance", 1),
    "f0_error": Metric("f0 error, cents", 1),
    "harmonic_distance": Metric("Harmonic dist., dB", 1),
    "loudness_correlation": Metric("Loudness correlation", 3),
    "loudness_distance": Metric("Loudness dist., dB", 1),
}


def judge(target: np.ndarray, audio: np.ndarray, target_spectra: Any, spectra: Any, sr: float) -> Scores:
    """Return every metric of `METRICS` for each note.

    Parameters
    ----------
    target, audio : ndarray of shape (n_notes, n_samples)
        Audio of target and output, which all metrics but the reconstruction error compare.
    target_spectra, spectra : ndarray of shape (n_notes, n_frequencies, n_frames) or None
        Log-magnitude spectra of target and output before phase retrieval, which the reconstruction error compares; it is
        left out if ``spectra`` is None.
    sr : float
        Sample rate in Hz.

    Returns
    -------
    dict of str to list
        A score for each note; None if the metric is undefined, such as the f0 error of noise or silence.
    """
    from sktimbre import metrics

    scores: Scores = {}
    if spectra is not None:
        scores["reconstruction_error"] = _score_notes(metrics.reconstruction_error, target_spectra, spectra)
    of_audio: dict[str, tuple[Callable, dict[str, Any]]] = {
        "log_spectral_distance": (metrics.log_spectral_distance, {}),
        "mfcc_distance": (metrics.mfcc_distance, {"sr": sr}),
        "f0_error": (metrics.f0_error, {"sr": sr, "fmax": min(4500.0, sr / 2)}),
        "harmonic_distance": (metrics.harmonic_distance, {"sr": sr}),
        "loudness_correlation": (metrics.loudness_correlation, {"sr": sr}),
        "loudness_distance": (metrics.loudness_distance, {"sr": sr}),
    }
    for name, (metric, options) in of_audio.items():
        scores[name] = _score_notes(metric, target, audio, **options)
    return scores


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of the values that are not None; None if there are none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def spectra_baselines(train: Sequence[Any], test: Sequence[Any]) -> dict[str, np.ndarray]:
    """Return the spectra that the baselines on spectra predict.

    Parameters
    ----------
    train, test : sequence of ndarray of shape (n_notes, n_frequencies, n_frames), or of lists of 2-D arrays
        Spectra of source and target, to fit on and to predict.

    Returns
    -------
    dict of str to ndarray
        Predicted spectra by the name of the baseline.
    """
    from sktimbre.baselines import IdentityBaseline, PerBinLinearBaseline

    return {
        "identity": IdentityBaseline().fit(*train).predict(test[0]),
        "per-bin linear": PerBinLinearBaseline().fit(*train).predict(test[0]),
    }


def _score_notes(metric: Callable, targets: Any, outputs: Any, **options: Any) -> list[float | None]:
    values: list[float | None] = []
    for a, b in zip(targets, outputs, strict=True):
        try:
            values.append(float(metric(a[np.newaxis], b[np.newaxis], **options)))
        except AudioError:
            # A silent or unpitched note gets no score; the others still do.
            values.append(None)
    return values
