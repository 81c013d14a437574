"""Numbers of a model beside those of the baselines, note by note."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from sktimbre.exceptions import AudioError

__all__ = ["METRICS", "Scores", "judge", "mean", "spectra_baselines"]

Scores = dict[str, list[float | None]]


class Metric(NamedTuple):
    """How a metric is shown."""

    title: str
    digits: int


METRICS = {
    "reconstruction_error": Metric("Reconstruction error", 4),
    "log_spectral_distance": Metric("Log-spectral dist., dB", 2),
    "mfcc_distance": Metric("MFCC distance", 1),
    "f0_error": Metric("f0 error, cents", 1),
    "loudness_correlation": Metric("Loudness correlation", 3),
}


def judge(target: np.ndarray, audio: np.ndarray, target_spectra: Any, spectra: Any, sr: float) -> Scores:
    """Return every metric of `METRICS` for each note.

    Parameters
    ----------
    target, audio : ndarray of shape (n_notes, n_samples)
        Wanted and given audio; all metrics but the reconstruction error are of these, after phase retrieval.
    target_spectra, spectra : ndarray of shape (n_notes, n_frequencies, n_frames) or None
        Wanted and given log-magnitude spectra before phase retrieval. Without ``spectra`` there is no reconstruction error.
    sr : float
        Sample rate in Hz.

    Returns
    -------
    dict of str to list
        A number for each note; None where the metric is not defined, as the pitch of noise or of silence is not.
    """
    from sktimbre import metrics

    scores: Scores = {}
    if spectra is not None:
        scores["reconstruction_error"] = _each(metrics.reconstruction_error, target_spectra, spectra)
    of_audio: dict[str, tuple[Callable, dict[str, Any]]] = {
        "log_spectral_distance": (metrics.log_spectral_distance, {}),
        "mfcc_distance": (metrics.mfcc_distance, {"sr": sr}),
        "f0_error": (metrics.f0_error, {"sr": sr, "fmax": min(4500.0, sr / 2)}),
        "loudness_correlation": (metrics.loudness_correlation, {"sr": sr}),
    }
    for name, (metric, options) in of_audio.items():
        scores[name] = _each(metric, target, audio, **options)
    return scores


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean over notes for which there is a number; None if there are none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def spectra_baselines(train: tuple[Any, Any], test: tuple[Any, Any]) -> dict[str, np.ndarray]:
    """Return spectra that the baselines give in the place of a network.

    Parameters
    ----------
    train, test : tuple of ndarray of shape (n_notes, n_frequencies, n_frames)
        Spectra of source and target: to fit on, and to judge on.

    Returns
    -------
    dict of str to ndarray
        By the name of the baseline.
    """
    from sktimbre.baselines import IdentityBaseline, PerBinLinearBaseline

    return {
        "identity": IdentityBaseline().fit(*train).predict(test[0]),
        "per-bin linear": PerBinLinearBaseline().fit(*train).predict(test[0]),
    }


def _each(metric: Callable, wanted: Any, given: Any, **options: Any) -> list[float | None]:
    values: list[float | None] = []
    for a, b in zip(wanted, given, strict=True):
        try:
            values.append(float(metric(a[np.newaxis], b[np.newaxis], **options)))
        except AudioError:
            # One silent or unpitched note is no reason to have no numbers of the others.
            values.append(None)
    return values
