"""Common parts of all displays: figures, axes, colours, and checks of notes and names."""

import io
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sktimbre._utils.checks import check_real
from sktimbre._utils.validation import as_list, check_audio, check_pair
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.metrics.inputs import DEFAULT_N_FFT, check_batch, log_spectra
from sktimbre.spectral.geometry import check_hop_length, check_n_fft

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# M. Okabe and K. Ito's colours for the colour-blind, without black and yellow, which are invisible on a dark and on a light
# page.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
SIDES = {"source": COLOURS[0], "output": COLOURS[1], "target": COLOURS[2]}


class Display:
    """Base class of displays, which hold data and draw them.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    axes_ : ndarray of matplotlib.axes.Axes
    ax_ : matplotlib.axes.Axes
        The first of ``axes_``.
    """

    figure_: "Figure"
    axes_: np.ndarray
    ax_: "Axes"

    def _use_axes(self, ax: Any, n_rows: int, n_columns: int, size: tuple[float, float], **subplots: Any) -> np.ndarray:
        """Return axes of shape (n_rows, n_columns): the given ones, or those of a new figure, which needs no window."""
        self._own = ax is None
        if ax is None:
            from matplotlib.figure import Figure

            figure = Figure(figsize=size, layout="constrained")
            axes = figure.subplots(n_rows, n_columns, squeeze=False, **subplots)
        else:
            from matplotlib.axes import Axes

            axes = np.array(ax, dtype=object).ravel()
            if not all(isinstance(one, Axes) for one in axes):
                raise ParameterError(f"ax={ax!r} must be matplotlib Axes, one for each panel; None makes a figure.")
            if len(axes) != n_rows * n_columns:
                raise ParameterError(
                    f"ax has {len(axes)} axes, but the display has {n_rows} x {n_columns} panels. Pass one for each, or None."
                )
            axes = axes.reshape(n_rows, n_columns)
            figure = axes[0, 0].get_figure()
        self.figure_, self.axes_, self.ax_ = figure, axes, axes[0, 0]
        return axes

    def _repr_png_(self) -> bytes | None:
        """Show the figure in a notebook; on axes given by the user return None, since their figure is shown anyway."""
        if not getattr(self, "_own", False):
            return None
        buffer = io.BytesIO()
        self.figure_.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()


class Spectra(NamedTuple):
    """Log-magnitude spectra of notes of any length, with sample rate and hop length."""

    notes: list[np.ndarray]
    sr: float
    hop_length: int

    @property
    def n_fft(self) -> int:
        """Samples in a window of the STFT."""
        return 2 * (self.notes[0].shape[0] - 1)


def as_spectra(y: Any, name: str, sr: Any, n_fft: int | None, hop_length: int | None) -> Spectra:
    """Return audio or spectra as spectra.

    The default hop length is half of n_fft for spectra, as in `LogSTFT`, and a quarter for audio, which gives smoother
    pictures.
    """
    sr = check_real(sr, "sr", 0.0, open_low=True, fix="It is in Hz.")
    n_fft, hop_length = None if n_fft is None else check_n_fft(n_fft), check_hop_length(hop_length)
    batch, are_spectra = check_batch(y, name)
    if are_spectra and len(batch[0]) < 2:
        raise AudioError(f"{name} has spectra of one frequency; spectra have n_fft // 2 + 1 frequencies, two or more.")
    if not are_spectra:
        n_fft = DEFAULT_N_FFT if n_fft is None else n_fft
        hop_length = max(1, n_fft // 4) if hop_length is None else hop_length
        return Spectra(as_list(log_spectra(batch, n_fft, hop_length, name)), sr, hop_length)
    implied = 2 * (batch[0].shape[0] - 1)
    if n_fft not in (None, implied):
        raise ParameterError(
            f"n_fft={n_fft} does not fit {name}, which has spectra of n_fft={implied}; leave it at None."
        )
    return Spectra(as_list(batch), sr, implied // 2 if hop_length is None else hop_length)


def analysis_of(estimator: Any) -> Any:
    """Return the `LogSTFT` of an estimator or a Pipeline, or None."""
    steps = getattr(estimator, "steps", None)
    parts = [step for _, step in steps] if steps else [getattr(estimator, "stft_", None), estimator]
    return next((part for part in parts if hasattr(part, "geometry")), None)


def rate_of(estimator: Any, sr: float | None) -> float:
    """Return ``sr``; if it is None, the sample rate of the estimator, or else 22050."""
    return getattr(estimator, "sr", 22050) if sr is None else sr


def check_names(names: Sequence[str] | None, n_notes: int) -> list[str]:
    """Return a name for each note; empty names for None."""
    if names is None:
        return [""] * n_notes
    listed = [] if isinstance(names, str) or not np.iterable(names) else [str(name) for name in names]
    if len(listed) != n_notes:
        raise ParameterError(f"names={names!r} must have one name for each of the {n_notes} notes; None gives none.")
    return listed


def choose_notes(notes: Any, n_notes: int, most: int = 3) -> np.ndarray:
    """Return the chosen indices of notes; for None, at most ``most`` evenly spread ones."""
    if notes is None:
        return np.unique(np.linspace(0, n_notes - 1, min(most, n_notes)).round().astype(int))
    chosen = np.array(notes, dtype=object).ravel()
    if not len(chosen) or not all(is_index(i, n_notes) for i in chosen):
        raise ParameterError(f"notes={notes!r} must be indices of the {n_notes} notes: 0 to {n_notes - 1}.")
    return chosen.astype(int)


def is_index(value: Any, length: int) -> bool:
    """Return True if ``value`` is an index into a sequence of this length, negative ones included."""
    return isinstance(value, Integral) and not isinstance(value, bool) and -length <= int(value) < length


def choose_pairs(X: Any, y: Any, notes: Any, names: Sequence[str] | None) -> tuple[list, list, list[str]]:
    """Return the chosen notes of source and target as lists of arrays, and their names."""
    X, y = check_audio(X, name="X"), check_audio(y, name="y")
    check_pair(X, y)
    names = check_names(names, len(X))
    chosen = choose_notes(notes, len(X))
    return [X[i] for i in chosen], [y[i] for i in chosen], [names[i] for i in chosen]


def draw_references(ax: "Axes", references: Mapping[str, float] | None) -> None:
    """Draw errors of baselines as horizontal lines with different dashes."""
    if references is None:
        return
    values = references.values() if isinstance(references, Mapping) else [None]
    if not all(isinstance(value, Real) and np.isfinite(float(value)) for value in values):
        raise ParameterError(f"references={references!r} must be a dict of finite errors by name.")
    for i, (name, value) in enumerate(references.items()):
        dashes: Any = ((0, (5, 2)), "-.", ":")[i % 3]
        ax.axhline(value, color="#7F7F7F", linestyle=dashes, linewidth=1, label=name)


def check_colours(**cmaps: Any) -> None:
    """Raise `ParameterError` unless every value is a Colormap or the name of one."""
    import matplotlib

    for name, cmap in cmaps.items():
        if not isinstance(cmap, matplotlib.colors.Colormap) and not (
            isinstance(cmap, str) and cmap in matplotlib.colormaps
        ):
            raise ParameterError(f"{name}={cmap!r} must be a matplotlib Colormap or the name of one, such as 'magma'.")


def check_fitted(estimator: Any, *attributes: str) -> None:
    """Raise `ParameterError` unless the estimator has all ``attributes``."""
    missing = [name for name in attributes if not hasattr(estimator, name)]
    if missing:
        raise ParameterError(
            f"estimator={estimator!r} has no {' and no '.join(missing)}: pass a fitted TimbreTransfer, or use "
            "from_predictions."
        )


def add_legend(ax: "Axes", loc: Any = "best") -> None:
    """Add a legend with a nearly opaque background."""
    ax.legend(loc=loc, fontsize="small", framealpha=0.85, edgecolor="none")
