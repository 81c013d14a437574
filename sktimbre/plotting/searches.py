"""Cross-validated errors of a parameter search."""

from collections.abc import Mapping
from itertools import chain
from numbers import Real
from typing import Any

import numpy as np

from sktimbre.exceptions import ParameterError
from sktimbre.plotting.display import COLOURS, Display, add_legend, draw_references

__all__ = ["SearchDisplay"]

# Ratio of largest to smallest value from which a parameter is drawn on a logarithmic axis.
WIDE = 20.0


class SearchDisplay(Display):
    """Cross-validated error over a parameter: a line for each setting of the other parameters, a dot for each fold.

    Parameters
    ----------
    cv_results : dict
        ``cv_results_`` of a fitted `sklearn.model_selection.GridSearchCV` or another search.
    parameter : str or None, default=None
        Parameter on the horizontal axis; None takes the only one that was varied.
    metric : str, default="score"
        Name of the score, if the search has several.

    Attributes
    ----------
    figure_, axes_, ax_
        The figure, its axes as an array of shape (1, 1), and the axes; after `plot`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sktimbre import LogSTFT, TimbreTransfer
    >>> from sktimbre.datasets import make_paired_notes
    >>> from sktimbre.plotting import SearchDisplay
    >>> notes = make_paired_notes(4, duration=0.3)
    >>> model = TimbreTransfer(stft=LogSTFT(n_fft=256), autoencoder=Ridge())
    >>> search = GridSearchCV(model, {"autoencoder__alpha": [0.1, 1.0, 10.0]}, cv=2).fit(notes.source, notes.target)
    >>> SearchDisplay.from_estimator(search).ax_.get_xlabel()
    'autoencoder__alpha'
    """

    def __init__(self, cv_results: Mapping[str, Any], parameter: str | None = None, metric: str = "score") -> None:
        settings = _settings(cv_results)
        varied = [name for name in settings[0] if len({repr(s.get(name)) for s in settings}) > 1]
        if parameter is None and len(varied) != 1:
            raise ParameterError(f"parameter=None, but {len(varied)} were varied: choose one of {sorted(settings[0])}.")
        self.parameter = varied[0] if parameter is None else parameter
        if not isinstance(self.parameter, str) or self.parameter not in settings[0]:
            raise ParameterError(f"parameter={parameter!r} was not searched; choose one of {sorted(settings[0])}.")
        splits = [key for key in cv_results if key.startswith("split") and key.endswith(f"_test_{metric}")]
        if not splits:
            known = sorted(key.removeprefix("mean_test_") for key in cv_results if key.startswith("mean_test_"))
            raise ParameterError(f"metric={metric!r} is not a score of the search: choose one of {known}.")
        self.metric = metric
        self.values = [s[self.parameter] for s in settings]
        # Scores are negative errors.
        self.errors = -_scores(cv_results, splits, len(settings))
        others = [name for name in varied if name != self.parameter]
        self.groups = [", ".join(f"{_short(name)}={_show(s[name])}" for name in others) for s in settings]

    @classmethod
    def from_estimator(
        cls, search: Any, *, parameter: str | None = None, metric: str = "score", ax: Any = None, **kwargs: Any
    ) -> "SearchDisplay":
        """Draw a fitted search.

        Parameters
        ----------
        search : GridSearchCV or another search
            Fitted search.
        parameter, metric
            As in the constructor.
        ax : Axes or None, default=None
            Axes to draw on; None makes a figure.
        **kwargs
            Passed to `plot`.

        Returns
        -------
        SearchDisplay

        Raises
        ------
        ParameterError
            The search is not fitted, ``parameter`` is None though several were varied, or the search has no such parameter
            or metric.
        """
        results = getattr(search, "cv_results_", None)
        if results is None:
            raise ParameterError(f"{type(search).__name__} has no cv_results_: fit the search first.")
        return cls(results, parameter, metric).plot(ax, **kwargs)

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        *,
        parameter: str | None = None,
        metric: str = "score",
        ax: Any = None,
        **kwargs: Any,
    ) -> "SearchDisplay":
        """Draw the ``cv_results_`` of a search.

        Parameters
        ----------
        cv_results : dict
            ``cv_results_`` of a fitted search.
        parameter, metric, ax, **kwargs
            As in `from_estimator`.

        Returns
        -------
        SearchDisplay
        """
        return cls(cv_results, parameter, metric).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, references: Mapping[str, float] | None = None) -> "SearchDisplay":
        """Draw the errors.

        Parameters
        ----------
        ax : Axes or None, default=None
            Axes to draw on; None makes a figure.
        references : dict of str to float or None, default=None
            Errors to compare with, such as those of baselines, by name; drawn as horizontal lines.

        Returns
        -------
        SearchDisplay
        """
        panel = self._use_axes(ax, 1, 1, (6.4, 3.8))[0, 0]
        numbers = all(
            isinstance(v, Real) and not isinstance(v, bool | np.bool_) and np.isfinite(float(v)) for v in self.values
        )
        order: list[Any] = sorted(set(self.values)) if numbers else list(dict.fromkeys(map(_show, self.values)))
        places = np.array(self.values, float) if numbers else np.array([order.index(_show(v)) for v in self.values])
        for i, group in enumerate(dict.fromkeys(self.groups)):
            chosen = np.flatnonzero([g == group for g in self.groups])
            chosen = chosen[np.argsort(places[chosen], kind="stable")]
            x, errors, colour = places[chosen], self.errors[chosen], COLOURS[i % len(COLOURS)]
            panel.plot(
                x, errors.mean(axis=1), "o-" if numbers else "o", color=colour, label=group or "mean of the folds"
            )
            panel.plot(np.repeat(x, errors.shape[1]), errors.ravel(), ".", color=colour, alpha=0.4, label="_folds")
        draw_references(panel, references)
        if numbers and order[0] > 0 and order[-1] / order[0] >= WIDE:
            panel.set_xscale("log")
        if not numbers or len(order) <= 8:
            panel.set_xticks(order if numbers else range(len(order)), [_show(v) for v in order])
            panel.minorticks_off()
        if not numbers:
            panel.margins(x=0.15)
        label = "Error" if self.metric == "score" else f"Negative {self.metric.replace('_', ' ')}"
        panel.set(xlabel=self.parameter, ylabel=label)
        panel.grid(visible=True, alpha=0.25)
        add_legend(panel)
        return self


def _settings(cv_results: Mapping[str, Any]) -> list[dict[str, Any]]:
    settings = cv_results.get("params") if isinstance(cv_results, Mapping) else None
    settings = list(settings) if np.iterable(settings) else []
    named = all(isinstance(setting, Mapping) for setting in settings)
    if not settings or not named or not all(isinstance(key, str) for key in (*cv_results, *chain(*settings))):
        raise ParameterError("cv_results has no legal 'params': pass cv_results_ of a fitted search.")
    # With a list of grids, settings may lack parameters of other grids.
    names = dict.fromkeys(name for setting in settings for name in setting)
    return [{name: setting.get(name) for name in names} for setting in settings]


def _scores(cv_results: Mapping[str, Any], splits: list[str], n_settings: int) -> np.ndarray:
    """Return scores (n_settings, n_splits)."""
    try:
        scores = np.stack([np.asarray(cv_results[key], float) for key in splits], axis=1)
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"cv_results[{', '.join(splits)}] must hold numbers: {error}. Pass cv_results_ of a fitted search."
        ) from None
    if scores.shape != (n_settings, len(splits)):
        raise ParameterError(
            f"cv_results[{', '.join(splits)}] must hold one score for each of the {n_settings} params. Pass cv_results_ of "
            "a fitted search."
        )
    return scores


def _short(name: str) -> str:
    return name.rsplit("__", 1)[-1]


def _show(value: Any) -> str:
    return f"{value:g}" if isinstance(value, Real) and not isinstance(value, bool | np.bool_) else str(value)
