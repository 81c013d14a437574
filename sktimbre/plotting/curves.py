"""Errors and losses of trainings, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_flags
from sktimbre.exceptions import ParameterError
from sktimbre.plotting.display import COLOURS, Display, add_legend, draw_references

__all__ = ["LearningCurveDisplay", "history_of"]


class LearningCurveDisplay(Display):
    """Errors or losses of one or several trainings over their epochs, on a logarithmic axis.

    Training notes are dashed, validation notes solid, with a dot on the best epoch.

    Parameters
    ----------
    histories : dict of str to dict of str to sequence of float
        By the name of the model: what ``history_`` of a `TimbreAutoencoder` holds.

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
            raise ParameterError(f"histories={histories!r} must be a dict of histories by the names of the models.")
        self.histories = dict(histories)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> "LearningCurveDisplay":
        """Draw how one or several models were trained.

        Parameters
        ----------
        estimator : estimator, or dict of str to estimator
            Fitted: a `TimbreAutoencoder`, or a `TimbreTransfer`, a Pipeline or a grid search around one. Several by name.
        ax : Axes, array of Axes or None, default=None
            Where to draw, one for each metric; None makes a figure.
        **kwargs
            Passed to `plot`.

        Returns
        -------
        LearningCurveDisplay

        Raises
        ------
        ParameterError
            An estimator has no history: it was not fitted, or does not learn in epochs.
        """
        named = estimator if isinstance(estimator, Mapping) else {"": estimator}
        histories = {}
        for name, model in named.items():
            history = history_of(model)
            if history is None:
                raise ParameterError(
                    f"{name or type(model).__name__} has no history_ to draw: fit it first; regressors that do not learn in "
                    "epochs have none."
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
        """Draw.

        Parameters
        ----------
        ax : Axes, array of Axes or None, default=None
            Where to draw, one for each metric; None makes a figure.
        metrics : str or sequence of str, default="reconstruction_error"
            What is drawn, each on axes of its own: "reconstruction_error", "loss", or what else the histories hold.
        training, validation : bool, default=True
            Which notes; histories without validation have none.
        references : dict of str to float or None, default=None
            Errors to compare with, such as those of baselines: horizontal lines, where the reconstruction error is drawn.

        Returns
        -------
        LearningCurveDisplay

        Raises
        ------
        ParameterError
            No history holds a metric.
        """
        check_flags(training=training, validation=validation)
        metrics = [metrics] if isinstance(metrics, str) or not np.iterable(metrics) else list(metrics)
        if not metrics or not all(isinstance(metric, str) for metric in metrics):
            raise ParameterError(f"metrics={metrics!r} must be a name or several, such as 'loss'.")
        axes = self._use_axes(ax, 1, len(metrics), (0.6 + 5.8 * len(metrics), 3.8))
        kinds = [("", "--", "training")] * training + [("val_", "-", "validation")] * validation
        for panel, metric in zip(axes.flat, metrics, strict=True):
            if not any(prefix + metric in history for history in self.histories.values() for prefix, *_ in kinds):
                known = sorted({key for history in self.histories.values() for key in history})
                raise ParameterError(f"metrics has {metric!r}, of which the histories hold nothing; they have {known}.")
            for i, (name, history) in enumerate(self.histories.items()):
                for prefix, style, kind in kinds:
                    values = np.asarray(history.get(prefix + metric, ()), float)
                    if len(values):
                        label = f"{name}, {kind}" if name else kind
                        _draw_curve(panel, values, style, COLOURS[i % len(COLOURS)], label, marked=prefix == "val_")
                # Level-by-level training starts anew with each stage.
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
    """Return the history of an estimator, of the one inside a transfer, a Pipeline or a search, or None."""
    if hasattr(estimator, "history_"):
        return estimator.history_
    inner = [getattr(estimator, name, None) for name in ("autoencoder_", "best_estimator_", "regressor_")]
    inner += [step for _, step in getattr(estimator, "steps", ())]
    found = (history_of(part) for part in inner if part is not None)
    return next((history for history in found if history is not None), None)


def _is_history(history: Any) -> bool:
    """Tell whether this is a dict of sequences of numbers by names."""
    if not isinstance(history, Mapping) or not all(isinstance(name, str) for name in history):
        return False
    try:
        return all(np.asarray(values, float).ndim == 1 for values in history.values())
    except (TypeError, ValueError):
        return False


def _draw_curve(ax, values, style, colour, label, marked):
    epochs = np.arange(1, len(values) + 1)
    # A training of one epoch is a point.
    marker = "o" if len(values) == 1 else None
    ax.plot(epochs, values, style, color=colour, label=label, linewidth=1.4, marker=marker, markersize=4)
    if marked and np.isfinite(values).any():
        best = int(np.nanargmin(values))
        ax.plot(epochs[best], values[best], "o", color=colour, markersize=5)


def _mark_decades(axis):
    """Label 1, 2 and 5 of each decade with plain numbers: errors rarely span as much as a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
