"""Levels of the harmonics of source, output and target."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_real, check_whole
from sktimbre._utils.validation import as_list, check_audio, check_pair
from sktimbre.exceptions import ParameterError
from sktimbre.metrics import estimate_f0
from sktimbre.metrics.harmonic import harmonic_levels
from sktimbre.plotting.display import SIDES, Display, add_legend, check_fitted, check_names, choose_pairs, rate_of

__all__ = ["HarmonicDisplay"]

MARKERS = {"source": "s", "output": "o", "target": "^"}


class HarmonicDisplay(Display):
    """Levels of the harmonics of source, output and target, a panel for each note.

    `from_estimator` and `from_predictions` measure the levels and draw them.

    Parameters
    ----------
    levels : dict of str to ndarray of shape (n_notes, n_harmonics)
        Levels in dB relative to the strongest harmonic of the same sound, by "source", "output" and "target"; NaN for
        harmonics that were not measured.
    names : sequence of str or None, default=None
        Names of the notes.

    Attributes
    ----------
    figure_, axes_, ax_
        The figure, all axes, of shape (1, n_notes), and the first of them; after `plot`.

    Notes
    -----
    The fundamental frequency is estimated for each sound separately, since two players are rarely tuned alike. The level of
    a harmonic is the highest value of the mean power spectrum within half a semitone of its frequency.

    Examples
    --------
    >>> from sktimbre.datasets import make_paired_notes
    >>> from sktimbre.plotting import HarmonicDisplay
    >>> notes = make_paired_notes(1)
    >>> display = HarmonicDisplay.from_predictions(notes.source, notes.source, notes.target, n_harmonics=3)
    >>> [int(level) for level in display.levels["target"][0].round()]
    [0, -30, -6]
    """

    def __init__(self, levels: dict[str, np.ndarray], *, names: Sequence[str] | None = None) -> None:
        self.levels = _checked(levels)
        self.names = check_names(names, len(self.levels["source"]))

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        notes: Any = None,
        names: Sequence[str] | None = None,
        n_harmonics: int = 12,
        ax: Any = None,
        **kwargs: Any,
    ) -> "HarmonicDisplay":
        """Convert notes with a model and draw the harmonics of source, output and target.

        Parameters
        ----------
        estimator : TimbreTransfer
            Fitted model; or another one from audio to audio.
        X, y : array-like of shape (n_notes, n_samples) or lists of 1-D arrays
            Audio of source and target.
        notes : int, sequence of int or None, default=None
            Indices of the notes to draw; None draws at most three, evenly spread.
        names : sequence of str or None, default=None
            Names of all notes of X.
        n_harmonics : int, default=12
            Number of harmonics; those above half the sample rate are left out.
        ax : Axes, array of Axes or None, default=None
            Axes to draw on, one for each note; None makes a figure.
        **kwargs
            Passed to `plot`.

        Returns
        -------
        HarmonicDisplay
        """
        check_fitted(estimator, "predict")
        X, y, names = choose_pairs(X, y, notes, names)
        return cls.from_predictions(
            X,
            estimator.predict(X),
            y,
            sr=rate_of(estimator, None),
            names=names,
            n_harmonics=n_harmonics,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        source: Any,
        output: Any,
        target: Any,
        *,
        sr: float = 22050,
        names: Sequence[str] | None = None,
        n_harmonics: int = 12,
        ax: Any = None,
        **kwargs: Any,
    ) -> "HarmonicDisplay":
        """Draw the harmonics of audio.

        Parameters
        ----------
        source, output, target : array-like of shape (n_notes, n_samples) or lists of 1-D arrays
            Audio in [-1, 1].
        sr : float, default=22050
            Sample rate in Hz.
        names, n_harmonics, ax, **kwargs
            As in `from_estimator`.

        Returns
        -------
        HarmonicDisplay

        Raises
        ------
        AudioError
            Audio is empty, not finite, of the wrong rank or too short to estimate its pitch, or the shapes differ.
        ParameterError
            A number is out of range, or ``names`` has another length than the notes.
        """
        sr = check_real(sr, "sr", 0.0, open_low=True, fix="It is in Hz.")
        n_harmonics = check_whole(n_harmonics, "n_harmonics", 1, fix="12 are usual.")
        given = dict(zip(SIDES, (source, output, target), strict=True))
        audio = {name: check_audio(y, name=name) for name, y in given.items()}
        for name in ("output", "target"):
            check_pair(audio["source"], audio[name], ("source", name))
        fmax = min(4500.0, sr / 2)
        levels = {}
        for name, notes in audio.items():
            f0 = estimate_f0(notes, sr=sr, fmax=fmax)
            rows = [harmonic_levels(y, hz, sr, n_harmonics) for y, hz in zip(as_list(notes), f0, strict=True)]
            levels[name] = np.stack(rows)
        return cls(levels, names=names).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, floor: float = 60.0) -> "HarmonicDisplay":
        """Draw the levels.

        Parameters
        ----------
        ax : Axes, array of Axes or None, default=None
            Axes to draw on, one for each note; None makes a figure.
        floor : float, default=60.0
            Range of the level axis in dB; weaker harmonics are drawn at its lower end.

        Returns
        -------
        HarmonicDisplay
        """
        floor = check_real(floor, "floor", 0.0, open_low=True, fix="It is in dB below the strongest harmonic.")
        n_notes, n_harmonics = self.levels["source"].shape
        axes = self._use_axes(ax, 1, n_notes, (1.2 + 3.6 * n_notes, 3.6), sharey=True)
        numbers = np.arange(1, n_harmonics + 1)
        for i, (panel, name) in enumerate(zip(axes.flat, self.names, strict=True)):
            for side, colour in SIDES.items():
                level = np.maximum(self.levels[side][i], -floor)
                label = side.capitalize() if np.isfinite(level).any() else f"{side.capitalize()}: no pitch"
                panel.plot(numbers, level, color=colour, marker=MARKERS[side], markersize=5, linewidth=1.2, label=label)
            panel.set(title=name, xlabel="Harmonic", xlim=(0.5, n_harmonics + 0.5), ylim=(-floor - 3, 3))
            panel.set_xticks(numbers[:: 1 + n_harmonics // 16])
            panel.grid(visible=True, axis="y", alpha=0.25)
        axes.flat[0].set_ylabel("Level (dB, 0 is the strongest)")
        add_legend(axes.flat[-1])
        return self


def _checked(levels: Any) -> dict[str, np.ndarray]:
    """Return the levels of the three sides as arrays of one shape (n_notes, n_harmonics)."""
    try:
        made = {side: np.atleast_2d(np.asarray(levels[side], float)) for side in SIDES}
    except (TypeError, ValueError, LookupError):
        made = {}
    if len({level.shape for level in made.values()}) != 1 or made["source"].ndim != 2 or not made["source"].size:
        raise ParameterError(
            f"levels={levels!r} must be a dict of arrays of one shape (n_notes, n_harmonics) for {', '.join(SIDES)}."
        )
    return made
