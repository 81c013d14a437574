"""What all displays share: figures of no window, axes that are handed in, colours, batches of audio or spectra."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sktimbre._checks import check_real
from sktimbre._validation import as_list
from sktimbre.exceptions import ParameterError
from sktimbre.metrics._inputs import check_batch, check_stft_sizes, log_spectra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# M. Okabe and K. Ito's colours, which the colour-blind can tell apart; without black and yellow, which vanish on a dark
# and on a light page.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
SIDES = {"source": COLOURS[0], "output": COLOURS[1], "target": COLOURS[2]}
DEFAULT_N_FFT = 1024


class Display:
    """A picture with the numbers that it is drawn from.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    axes_ : ndarray of matplotlib.axes.Axes
    ax_ : matplotlib.axes.Axes
        The first of them.
    """

    figure_: "Figure"
    axes_: np.ndarray
    ax_: "Axes"

    def _use_axes(self, ax: Any, n_rows: int, n_columns: int, size: tuple[float, float], **subplots: Any) -> np.ndarray:
        """Return axes (n_rows, n_columns): those handed in, or those of a figure that belongs to no window."""
        self._own = ax is None
        if ax is None:
            from matplotlib.figure import Figure

            figure = Figure(figsize=size, layout="constrained")
            axes = figure.subplots(n_rows, n_columns, squeeze=False, **subplots)
        else:
            axes = np.array(ax, dtype=object).ravel()
            if len(axes) != n_rows * n_columns:
                raise ParameterError(
                    f"ax holds {len(axes)} axes; this display has {n_rows} x {n_columns} panels. Pass as many, or None."
                )
            axes = axes.reshape(n_rows, n_columns)
            figure = axes[0, 0].get_figure()
        self.figure_, self.axes_, self.ax_ = figure, axes, axes[0, 0]
        return axes

    def _repr_png_(self) -> bytes | None:
        """Show the picture in a notebook; not one on axes of the user's, which is shown with their figure."""
        if not getattr(self, "_own", False):
            return None
        buffer = io.BytesIO()
        self.figure_.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()


class Spectra(NamedTuple):
    """Log-magnitude spectra, notes of any length, and their grid."""

    notes: list[np.ndarray]
    sr: float
    hop_length: int

    @property
    def n_fft(self) -> int:
        """Samples of the transform."""
        return 2 * (self.notes[0].shape[0] - 1)


def as_spectra(y: Any, name: str, sr: Any, n_fft: int | None, hop_length: int | None) -> Spectra:
    """Return audio or spectra as spectra.

    The hop of spectra is half of their transform if it is not given, as `LogSTFT` has it; that of audio a quarter, which
    looks better.
    """
    sr = check_real(sr, "sr", 0.0, open_end=True, fix="It is in Hz.")
    check_stft_sizes(n_fft, hop_length)
    batch, are_spectra = check_batch(y, name)
    if not are_spectra:
        n_fft = DEFAULT_N_FFT if n_fft is None else n_fft
        hop_length = max(1, n_fft // 4) if hop_length is None else hop_length
        return Spectra(as_list(log_spectra(batch, n_fft, hop_length, name)), sr, hop_length)
    implied = 2 * (batch[0].shape[0] - 1)
    if n_fft not in (None, implied):
        raise ParameterError(
            f"n_fft={n_fft} does not fit {name}, whose spectra have n_fft={implied}; leave it at None."
        )
    return Spectra(as_list(batch), sr, implied // 2 if hop_length is None else hop_length)


def analysis_of(estimator: Any) -> Any:
    """Return the `LogSTFT` in an estimator or a Pipeline, None if there is none."""
    steps = getattr(estimator, "steps", None)
    parts = [step for _, step in steps] if steps else [getattr(estimator, "stft_", None), estimator]
    return next((part for part in parts if hasattr(part, "geometry")), None)


def rate_of(estimator: Any, sr: float | None) -> float:
    """Return the sample rate that is given, else that of the estimator, else the usual one."""
    return float(getattr(estimator, "sr", 22050) if sr is None else sr)


def check_names(names: Sequence[str] | None, n_notes: int) -> list[str]:
    """Return a name for each note, empty where none are given."""
    if names is None:
        return [""] * n_notes
    if isinstance(names, str) or len(names) != n_notes:
        raise ParameterError(f"names={names!r} must have one for each of {n_notes} notes.")
    return [str(name) for name in names]


def choose_notes(notes: Any, n_notes: int, most: int = 3) -> np.ndarray:
    """Return the notes that were chosen; a few, evenly spread, where none were."""
    if notes is None:
        return np.unique(np.linspace(0, n_notes - 1, min(most, n_notes)).round().astype(int))
    chosen = np.atleast_1d(np.asarray(notes))
    if chosen.dtype.kind not in "iu" or not len(chosen) or chosen.min() < -n_notes or chosen.max() >= n_notes:
        raise ParameterError(f"notes={notes!r} must be indices of the {n_notes} notes: 0 to {n_notes - 1}.")
    return chosen


def choose_pairs(X: Any, y: Any, notes: Any, names: Sequence[str] | None) -> tuple[list, list, list[str] | None]:
    """Return the chosen notes of source and target as lists of arrays, and their names."""
    chosen = choose_notes(notes, len(X))
    source, target = ([np.asarray(side[i]) for i in chosen] for side in (X, y))
    return source, target, None if names is None else [names[i] for i in chosen]


def draw_references(ax: "Axes", references: Mapping[str, float] | None) -> None:
    """Draw errors to compare with as horizontal lines, told apart by their dashes."""
    for i, (name, value) in enumerate((references or {}).items()):
        dashes: Any = ((0, (5, 2)), "-.", ":")[i % 3]
        ax.axhline(value, color="#7F7F7F", linestyle=dashes, linewidth=1, label=name)


def add_legend(ax: "Axes") -> None:
    """Add a legend that stays readable where lines run behind it."""
    ax.legend(fontsize="small", framealpha=0.85, edgecolor="none")
