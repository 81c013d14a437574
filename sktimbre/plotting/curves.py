"""Learning curves: errors and losses by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_flags
from sktimbre.exceptions import ParameterError
from sktimbre.plotting.display import COLOURS, Display, add_legend, draw_references

__all__ = ["LearningCurveDisplay", "history_of"]


class LearningCurveDisplay(Display):
    """Errors or losses of one or several models by epoch of their training, on a logarithmic axis.

    Curves of training notes are dashed. Curves of validation notes are solid, with a dot on the best epoch.

    Parameters
    ----------
    histories : dict of str to dict of str to sequence of float
        ``history_`` of each `TimbreAutoencoder`, by the name of the model.

    Attributes
    ----------
    figure_, axes_, ax_
        The figure, all axes, of shape (1, n_metrics), and the first of them; after `plot`.

    Examples
    --------
    >>> from sktimbre.plotting import LearningCurveDisplay
    >>> history = {"reconstruction_error": [0.4, 0.2], "val_reconstruction_error": [0.5, 0.3]}
    >>> display = LearningCurveDisplay({"shallow": history}).plot(references={"identity": 0.26})
    >>> [line.get_label() for line in display.ax_.lines if line.get_label()[0] != "_"]
    ['shallow, training', 'shallow, validation', 'identity']
    """

    def __init__(self, histories: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
        given = histories.values() if isinstance(histories, Mapping) else []
        if not given or not all(_is_history(history) for history in given):
            raise ParameterError(f"histories={histories!r} must be a dict of histories (history_) by names of models.")
        self.histories = dict(histories)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> "LearningCurveDisplay":
        """Draw the learning curves of one or several models.

        Parameters
        ----------
        estimator : estimator, or dict of str to estimator
            Fitted `TimbreAutoencoder`, or a `TimbreTransfer`, Pipeline or search that contains one; a dict for several, by
            name.
        ax : Axes, array of Axes or None, default=None
            Axes to draw on, one for each metric; None makes a figure.
        **kwargs
            Passed to `plot`.

        Returns
        -------
        LearningCurveDisplay

        Raises
        ------
        ParameterError
            An estimator has no ``history_``: it is not fitted, or is not trained in epochs.
        """
        named = estimator if isinstance(estimator, Mapping) else {"": estimator}
        histories = {}
        for name, model in named.items():
            history = history_of(model)
            if history is None:
                raise ParameterError(
                    f"{name or type(model).__name__} has no history_ to draw: fit it first. Only regressors that are trained "
                    "in epochs have one."
                )
            histories[name] = history
        return cls(histories).plot(ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        metrics: str | Sequence[str] = "reconstruction_error",
        training: bool = True,
        validation: bool = True,
        references: Mapping[str, float] | None = None,
    ) -> "LearningCurveDisplay":
        """Draw the learning curves.

        Parameters
        ----------
        ax : Axes, array of Axes or None, default=None
            Axes to draw on, one for each metric; None makes a figure.
        metrics : str or sequence of str, default="reconstruction_error"
            Metrics to draw, each on its own axes: "reconstruction_error", "loss", or another key of the histories.
        training, validation : bool, default=True
            Whether curves of training and validation notes are drawn; without validation notes there is no such curve.
        references : dict of str to float or None, default=None
            Reconstruction errors to compare with, such as those of baselines, by name; drawn as horizontal lines.

        Returns
        -------
        LearningCurveDisplay

        Raises
        ------
        ParameterError
            A metric is in none of the histories.
        """
        check_flags(training=training, validation=validation)
        metrics = [metrics] if isinstance(metrics, str) or not np.iterable(metrics) else list(metrics)
        if not metrics or not all(isinstance(metric, str) for metric in metrics):
            raise ParameterError(f"metrics={metrics!r} must be a name or a list of names, such as 'loss'.")
        axes = self._use_axes(ax, 1, len(metrics), (0.6 + 5.8 * len(metrics), 3.8))
        kinds = [("", "--", "training")] * training + [("val_", "-", "validation")] * validation
        for panel, metric in zip(axes.flat, metrics, strict=True):
            if not any(prefix + metric in history for history in self.histories.values() for prefix, *_ in kinds):
                known = sorted({key for history in self.histories.values() for key in history})
                raise ParameterError(f"metrics has {metric!r}, which is in no history; choose from {known}.")
            for i, (name, history) in enumerate(self.histories.items()):
                for prefix, style, kind in kinds:
                    values = np.asarray(history.get(prefix + metric, ()), float)
                    if len(values):
                        label = f"{name}, {kind}" if name else kind
                        _draw_curve(panel, values, style, COLOURS[i % len(COLOURS)], label, marked=prefix == "val_")
                # Mark the beginning of each stage of layerwise training.
                for epoch in np.flatnonzero(np.diff(history.get("stage", ()))):
                    panel.axvline(epoch + 1.5, color=COLOURS[i % len(COLOURS)], linestyle=":", linewidth=0.8)
            if metric == "reconstruction_error":
                draw_references(panel, references)
            panel.set(xlabel="Epoch", ylabel=metric.replace("_", " ").capitalize(), yscale="log")
            panel.grid(visible=True, which="both", alpha=0.25)
            panel.xaxis.get_major_locator().set_params(integer=True)
            _mark_decades(panel.yaxis)
            add_legend(panel)
        return self


def history_of(estimator: Any) -> Any:
    """Return ``history_`` of an estimator or of one inside a TimbreTransfer, a Pipeline or a search; None without one."""
    if hasattr(estimator, "history_"):
        return estimator.history_
    inner = [getattr(estimator, name, None) for name in ("autoencoder_", "best_estimator_", "regressor_")]
    inner += [step for _, step in getattr(estimator, "steps", ())]
    found = (history_of(part) for part in inner if part is not None)
    return next((history for history in found if history is not None), None)


def _is_history(history: Any) -> bool:
    """Return True if ``history`` is a dict of sequences of numbers by name."""
    if not isinstance(history, Mapping) or not all(isinstance(name, str) for name in history):
        return False
    try:
        return all(np.asarray(values, float).ndim == 1 for values in history.values())
    except (TypeError, ValueError):
        return False


def _draw_curve(ax, values, style, colour, label, marked):
    epochs = np.arange(1, len(values) + 1)
    # One epoch has no line, so mark it.
    marker = "o" if len(values) == 1 else None
    ax.plot(epochs, values, style, color=colour, label=label, linewidth=1.4, marker=marker, markersize=4)
    if marked and np.isfinite(values).any():
        best = int(np.nanargmin(values))
        ax.plot(epochs[best], values[best], "o", color=colour, markersize=5)


def _mark_decades(axis):
    """Label 1, 2 and 5 of each decade with plain numbers, since errors often span less than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
