"""Spectrograms of source, output and target side by side, with the difference of output and target."""

from collections.abc import Sequence
from typing import Any

from sktimbre._utils.checks import check_flags, check_real
from sktimbre._utils.validation import check_pair
from sktimbre.exceptions import AudioError
from sktimbre.plotting.display import (
    SIDES,
    Display,
    Spectra,
    as_spectra,
    check_colours,
    check_fitted,
    check_names,
    choose_pairs,
    rate_of,
)
from sktimbre.plotting.spectrograms import LEVEL, decibels, draw_spectrum, frequency_label
from sktimbre.transfer.conversion import of_all_frames

__all__ = ["TransferDisplay"]


class TransferDisplay(Display):
    """Spectrograms of source, output and target on one colour scale, and the difference of output and target.

    Each row shows a note. `from_estimator` and `from_predictions` create the display and draw it.

    Parameters
    ----------
    source, output, target : array of shape (n_notes, n_frequencies, n_frames) or lists of 2-D arrays
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
        The figure, all axes, of shape (n_notes, 4) or (n_notes, 3), and the first of them; after `plot`.

    See Also
    --------
    HarmonicDisplay : Levels of the harmonics of the same notes.

    Examples
    --------
    >>> from sktimbre.datasets import make_paired_notes
    >>> from sktimbre.plotting import TransferDisplay
    >>> notes = make_paired_notes(2)
    >>> display = TransferDisplay.from_predictions(notes.source, notes.source, notes.target, names=["C4", "C6"])
    >>> [ax.get_title() for ax in display.axes_[0]]
    ['Source', 'Output', 'Target', 'Output \N{MINUS SIGN} target']
    """

    def __init__(
        self,
        source: Any,
        output: Any,
        target: Any,
        *,
        sr: float = 22050,
        hop_length: int | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        sides = (source, output, target)
        self.spectra = _paired({n: as_spectra(y, n, sr, None, hop_length) for n, y in zip(SIDES, sides, strict=True)})
        self.names = check_names(names, len(self.spectra["source"].notes))

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        notes: Any = None,
        names: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> "TransferDisplay":
        """Convert notes with a model and draw source, output before phase retrieval, and target.

        Parameters
        ----------
        estimator : TimbreTransfer
            Fitted model.
        X, y : array-like of shape (n_notes, n_samples) or lists of 1-D arrays
            Audio of source and target.
        notes : int, sequence of int or None, default=None
            Indices of the notes to draw; None draws at most three, evenly spread.
        names : sequence of str or None, default=None
            Names of all notes of X.
        ax : array of Axes or None, default=None
            Axes to draw on, one for each panel; None makes a figure.
        **kwargs
            Passed to `plot`.

        Returns
        -------
        TransferDisplay
        """
        check_fitted(estimator, "stft_", "predict_spectra")
        X, y, names = choose_pairs(X, y, notes, names)
        stft = of_all_frames(estimator.stft_)
        return cls(
            stft.transform(X),
            estimator.predict_spectra(X),
            stft.transform(y),
            sr=rate_of(estimator, None),
            hop_length=stft.geometry.hop if hasattr(stft, "geometry") else None,
            names=names,
        ).plot(ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        source: Any,
        output: Any,
        target: Any,
        *,
        sr: float = 22050,
        n_fft: int | None = None,
        hop_length: int | None = None,
        names: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> "TransferDisplay":
        """Draw audio or spectra.

        Parameters
        ----------
        source, output, target : arrays of shape (n_notes, n_samples) or (n_notes, n_frequencies, n_frames), or lists
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
        TransferDisplay

        Raises
        ------
        AudioError
            A batch is empty, not finite, of the wrong rank, or shorter than a window; or the shapes differ.
        ParameterError
            A number is out of range, or ``names`` has another length than the notes.
        """
        sides = dict(zip(SIDES, (source, output, target), strict=True))
        spectra = {name: as_spectra(y, name, sr, n_fft, hop_length) for name, y in sides.items()}
        grid = _paired(spectra)["source"]
        notes = [spectra[name].notes for name in SIDES]
        return cls(*notes, sr=grid.sr, hop_length=grid.hop_length, names=names).plot(ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        frequency_axis: str = "linear",
        difference: bool = True,
        floor: float = 80.0,
        difference_range: float = 30.0,
        cmap: Any = "magma",
        difference_cmap: Any = "RdBu_r",
    ) -> "TransferDisplay":
        """Draw the spectrograms.

        Parameters
        ----------
        ax : array of Axes or None, default=None
            Axes to draw on, one for each panel; None makes a figure.
        frequency_axis : {"linear", "log", "note"}, default="linear"
            Linear or logarithmic axis in Hz, or logarithmic axis with the names of pitches.
        difference : bool, default=True
            Whether a fourth column shows the level of the output minus that of the target in dB, both clipped at the floor.
        floor, difference_range : float, default=80.0, 30.0
            Range of the colour scale in dB, and largest difference in dB that the colours of the difference show.
        cmap, difference_cmap : str or Colormap
            Colormaps; the defaults are safe for the colour-blind.

        Returns
        -------
        TransferDisplay
        """
        check_flags(difference=difference)
        check_colours(cmap=cmap, difference_cmap=difference_cmap)
        span = check_real(difference_range, "difference_range", 0.0, open_low=True, fix="It is in dB.")
        n_notes, grid = len(self.names), self.spectra["source"]
        levels = decibels([S for side in self.spectra.values() for S in side.notes], floor)
        size = (11.5 if difference else 9.0, 0.8 + 2.1 * n_notes)
        axes = self._use_axes(ax, n_notes, 3 + difference, size, sharex="row", sharey=True)
        for i, row in enumerate(axes):
            sides = levels[i::n_notes]
            for panel, level, title in zip(row[:3], sides, ("Source", "Output", "Target"), strict=True):
                image = draw_spectrum(panel, level, grid, frequency_axis, vmin=-float(floor), vmax=0, cmap=cmap)
                panel.set_title(title if i == 0 else "")
            if difference:
                excess = sides[1] - sides[2]
                drawn = draw_spectrum(row[3], excess, grid, frequency_axis, vmin=-span, vmax=span, cmap=difference_cmap)
                row[3].set_title("Output \N{MINUS SIGN} target" if i == 0 else "")
            name = f"{self.names[i]}\n" if self.names[i] else ""
            row[0].set_ylabel(name + frequency_label(frequency_axis))
        for panel in axes[-1]:
            panel.set_xlabel("Time (s)")
        self.figure_.colorbar(image, ax=list(axes[:, :3].flat), label=LEVEL, pad=0.01)
        if difference:
            self.figure_.colorbar(drawn, ax=list(axes[:, 3]), label="Difference (dB)", pad=0.03, extend="both")
        return self


def _paired(spectra: dict[str, Spectra]) -> dict[str, Spectra]:
    """Return the spectra, or raise `AudioError` if their shapes or hop lengths differ."""
    source = spectra["source"]
    for name in ("output", "target"):
        if spectra[name].hop_length != source.hop_length:
            raise AudioError(
                f"{name} has hop_length={spectra[name].hop_length} and source has {source.hop_length}, since one is audio "
                "and the other spectra. Pass the hop_length of the spectra, or give all three in the same form."
            )
        check_pair(source.notes, spectra[name].notes, ("source", name))
    return spectra
