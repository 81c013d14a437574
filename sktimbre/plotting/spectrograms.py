"""Spectrograms of one or several notes on one colour scale."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sktimbre._utils.checks import check_choice, check_flags, check_real
from sktimbre.datasets import name_of_pitch
from sktimbre.exceptions import ParameterError
from sktimbre.plotting.display import (
    Display,
    Spectra,
    analysis_of,
    as_spectra,
    check_colours,
    check_names,
    rate_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

__all__ = ["SpectrogramDisplay", "decibels", "draw_spectrum"]

FREQUENCY_AXES = ("linear", "log", "note")
# Lowest frequency of logarithmic axes in Hz: a little below a cello's lowest string.
LOWEST = 60.0
LEVEL = "Level (dB, 0 is the loudest)"


class SpectrogramDisplay(Display):
    """Spectrograms of one or several notes, side by side on one colour scale in dB.

    `from_predictions` and `from_estimator` create the display and draw it.

    Parameters
    ----------
    spectra : array of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
        Log-magnitude spectra, ``log(1 + abs(STFT))``.
    sr : float, default=22050
        Sample rate in Hz.
    hop_length : int or None, default=None
        Samples between successive frames; None is half of n_fft.
    names : sequence of str or None, default=None
        Names of the notes.

    Attributes
    ----------
    figure_, axes_, ax_
        The figure, all axes, of shape (1, n_notes), and the first of them; after `plot`.

    See Also
    --------
    TransferDisplay : Source, output and target of notes, with their difference.

    Examples
    --------
    >>> from sktimbre.datasets import make_paired_notes
    >>> from sktimbre.plotting import SpectrogramDisplay
    >>> notes = make_paired_notes(2)
    >>> display = SpectrogramDisplay.from_predictions(notes.source, sr=notes.sr, names=["C4", "C6"])
    >>> [ax.get_title() for ax in display.axes_.flat]
    ['C4', 'C6']
    """

    def __init__(self, spectra: Any, *, sr: float = 22050, hop_length: int | None = None, names: Any = None) -> None:
        self.spectra = as_spectra(spectra, "spectra", sr, None, hop_length)
        self.names = check_names(names, len(self.spectra.notes))

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        sr: float | None = None,
        names: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> "SpectrogramDisplay":
        """Draw the output of an estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted. For a `TimbreTransfer`, the spectra before phase retrieval are drawn; for others, such as `LogSTFT` or a
            Pipeline, the audio or spectra that ``predict``, or else ``transform``, returns.
        X : array-like or list of arrays
            Input of the estimator.
        sr : float or None, default=None
            Sample rate in Hz; None is the estimator's, or else 22050.
        names : sequence of str or None, default=None
            Names of the notes.
        ax : Axes, array of Axes or None, default=None
            Axes to draw on, one for each note; None makes a figure.
        **kwargs
            Passed to `plot`.

        Returns
        -------
        SpectrogramDisplay
        """
        methods = ("predict_spectra", "predict", "transform")
        method = next((m for m in methods if hasattr(estimator, m)), None)
        if method is None:
            raise ParameterError(f"estimator={estimator!r} has none of {', '.join(methods)}: pass a fitted estimator.")
        analysis = analysis_of(estimator)
        return cls.from_predictions(
            getattr(estimator, method)(X),
            sr=rate_of(estimator, sr),
            n_fft=analysis and analysis.geometry.n_fft,
            hop_length=analysis and analysis.geometry.hop,
            names=names,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y: Any,
        *,
        sr: float = 22050,
        n_fft: int | None = None,
        hop_length: int | None = None,
        names: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> "SpectrogramDisplay":
        """Draw audio or spectra.

        Parameters
        ----------
        y : array of shape (n_notes, n_samples) or (n_notes, n_frequencies, n_frames), or list of arrays
            Audio in [-1, 1], or log-magnitude spectra.
        sr : float, default=22050
            Sample rate in Hz.
        n_fft : int or None, default=None
            Samples in a window of the STFT of audio; None is 1024.
        hop_length : int or None, default=None
            Samples between successive frames; None is a quarter of n_fft for audio, half of it for spectra.
        names, ax, **kwargs
            As in `from_estimator`.

        Returns
        -------
        SpectrogramDisplay

        Raises
        ------
        AudioError
            The batch is empty, not finite, of the wrong rank, or shorter than a window.
        ParameterError
            A number is out of range, or ``names`` has another length than the notes.
        """
        spectra = as_spectra(y, "y", sr, n_fft, hop_length)
        return cls(spectra.notes, sr=spectra.sr, hop_length=spectra.hop_length, names=names).plot(ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        frequency_axis: str = "linear",
        floor: float = 80.0,
        reference: float | None = None,
        cmap: Any = "magma",
        colorbar: bool = True,
    ) -> "SpectrogramDisplay":
        """Draw the spectrograms.

        Parameters
        ----------
        ax : Axes, array of Axes or None, default=None
            Axes to draw on, one for each note; None makes a figure.
        frequency_axis : {"linear", "log", "note"}, default="linear"
            Linear or logarithmic axis in Hz, or logarithmic axis with the names of pitches.
        floor : float, default=80.0
            Range of the colour scale in dB.
        reference : float or None, default=None
            Magnitude at 0 dB; None is the loudest bin of all notes.
        cmap : str or Colormap, default="magma"
            Colormap; the default is perceptually uniform and safe for the colour-blind.
        colorbar : bool, default=True
            Whether to draw a colour bar.

        Returns
        -------
        SpectrogramDisplay
        """
        check_flags(colorbar=colorbar)
        check_colours(cmap=cmap)
        notes = self.spectra.notes
        size = (1.6 + 2.9 * len(notes), 3.2)
        axes = self._use_axes(ax, 1, len(notes), size, sharey=True)
        levels = decibels(notes, floor, reference)
        for i, (panel, level, name) in enumerate(zip(axes.flat, levels, self.names, strict=True)):
            image = draw_spectrum(panel, level, self.spectra, frequency_axis, vmin=-float(floor), vmax=0, cmap=cmap)
            panel.set_title(name)
            panel.set_xlabel("Time (s)")
            if i == 0:
                panel.set_ylabel(frequency_label(frequency_axis))
        if colorbar:
            self.figure_.colorbar(image, ax=list(axes.flat), label=LEVEL, pad=0.01)
        return self


def decibels(notes: Sequence[np.ndarray], floor: float, reference: float | None = None) -> list[np.ndarray]:
    """Return log-magnitude spectra in dB relative to the loudest bin of all or to ``reference``, at least ``-floor``."""
    floor = check_real(floor, "floor", 0.0, open_low=True, fix="It is in dB below the loudest bin.")
    magnitudes = [np.expm1(S) for S in notes]
    # For silence any reference gives the floor; 1.0 avoids a division by zero.
    loudest = max(float(m.max()) for m in magnitudes) or 1.0
    if reference is not None:
        loudest = check_real(reference, "reference", 0.0, open_low=True, fix="It is a magnitude; None is the loudest.")
    return [20 * np.log10(np.maximum(m / loudest, 10 ** (-floor / 20))) for m in magnitudes]


def draw_spectrum(
    ax: "Axes", values: np.ndarray, grid: Spectra, frequency_axis: str, **colours: Any
) -> "ScalarMappable":
    """Draw values of shape (n_frequencies, n_frames) over time and frequency: an image, or a mesh on logarithmic axes."""
    check_choice(frequency_axis, "frequency_axis", FREQUENCY_AXES)
    n_frequencies, n_frames = values.shape
    step, bin_width = grid.hop_length / grid.sr, grid.sr / grid.n_fft
    # Each value fills the cell centred on its time and frequency.
    times, hertz = (np.arange(n_frames + 1) - 0.5) * step, (np.arange(n_frequencies + 1) - 0.5) * bin_width
    if frequency_axis == "linear":
        extent = (times[0], times[-1], hertz[0], hertz[-1])
        image: ScalarMappable = ax.imshow(values, origin="lower", aspect="auto", extent=extent, **colours)
        lowest = 0.0
    else:
        lowest = max(LOWEST, 0.5 * bin_width)
        hertz[0] = min(1.0, hertz[1] / 2)
        image = ax.pcolormesh(times, hertz, values, rasterized=True, **colours)
        ax.set_yscale("log")
        _set_frequency_ticks(ax, frequency_axis, lowest, grid.sr / 2)
    ax.set_xlim(0, max((n_frames - 1) * step, step / 2))
    ax.set_ylim(lowest, grid.sr / 2)
    return image


def frequency_label(frequency_axis: str) -> str:
    """Return the label of a frequency axis."""
    return "Pitch" if frequency_axis == "note" else "Frequency (Hz)"


def frequency_ticks(frequency_axis: str, lowest: float, highest: float) -> dict[float, str]:
    """Return tick labels by frequency in Hz: the pitches C0, C1 and so on, or 1, 2 and 5 of each decade."""
    if frequency_axis == "note":
        ticks = {440 * 2 ** ((pitch - 69) / 12): name_of_pitch(pitch) for pitch in range(12, 140, 12)}
    else:
        decades = [m * 10**k for k in range(6) for m in (1, 2, 5)]
        ticks = {float(hertz): f"{hertz // 1000}k" if hertz >= 1000 else f"{hertz}" for hertz in decades}
    return {hertz: label for hertz, label in ticks.items() if lowest <= hertz <= highest}


def _set_frequency_ticks(ax: "Axes", frequency_axis: str, lowest: float, highest: float) -> None:
    ticks = frequency_ticks(frequency_axis, lowest, highest)
    ax.set_yticks([], minor=True)
    ax.set_yticks(list(ticks), list(ticks.values()))
