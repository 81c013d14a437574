"""Spectrograms of source, output and target side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sktimbre._validation import Batch, check_audio, check_pair
from sktimbre.exceptions import ParameterError
from sktimbre.spectral import stft

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_transfer"]

COLUMNS = ("Source", "Output", "Target")


def plot_transfer(
    source: Batch,
    output: Batch,
    target: Batch,
    *,
    sr: float = 22050,
    titles: Sequence[str] | None = None,
    n_fft: int = 1024,
    floor: float = 80.0,
) -> "Figure":
    """Draw the spectrograms of source, output and target, a note in each row, on one colour scale.

    Parameters
    ----------
    source, output, target : array-like of shape (n_notes, n_samples) or lists of 1-D arrays
        Audio in [-1, 1].
    sr : float, default=22050
        Sample rate in Hz.
    titles : sequence of str or None, default=None
        What each note is called.
    n_fft : int, default=1024
        Samples of the transform; the hop is a quarter of it.
    floor : float, default=80.0
        Depth of the colour scale in dB below the loudest bin of all.

    Returns
    -------
    matplotlib.figure.Figure
        With `savefig`; it belongs to no window.

    Raises
    ------
    AudioError
        Audio is empty, not finite or of the wrong rank, or the three do not match.
    ParameterError
        There is not one title for each note.

    Examples
    --------
    >>> from sktimbre.datasets import make_paired_notes
    >>> from sktimbre.plotting import plot_transfer
    >>> notes = make_paired_notes(2)
    >>> figure = plot_transfer(notes.source, notes.source, notes.target, titles=["C4", "C6"])
    >>> [axes.get_xlabel() for axes in figure.axes[3:6]]
    ['Time (s)', 'Time (s)', 'Time (s)']
    """
    sides = [
        check_audio(y, name=name)
        for y, name in zip((source, output, target), ("source", "output", "target"), strict=True)
    ]
    check_pair(sides[0], sides[1], ("source", "output"))
    check_pair(sides[0], sides[2], ("source", "target"))
    n_notes = len(sides[0])
    if titles is not None and len(titles) != n_notes:
        raise ParameterError(f"titles={titles!r} must have one for each of {n_notes} notes.")

    from matplotlib.figure import Figure

    magnitudes = [[np.abs(stft(side[i], n_fft, n_fft // 4)) for side in sides] for i in range(n_notes)]
    # Silence everywhere has no loudest bin; any reference then shows it as the floor.
    loudest = max(float(magnitude.max()) for row in magnitudes for magnitude in row) or 1.0
    figure = Figure(figsize=(10, 0.8 + 2.2 * n_notes), layout="constrained")
    grid = figure.subplots(n_notes, 3, squeeze=False, sharex="row", sharey=True)
    for i, (row, axes_row) in enumerate(zip(magnitudes, grid, strict=True)):
        for magnitude, axes, column in zip(row, axes_row, COLUMNS, strict=True):
            decibels = 20 * np.log10(np.maximum(magnitude / loudest, 10 ** (-floor / 20)))
            image = axes.imshow(
                decibels,
                origin="lower",
                aspect="auto",
                extent=(0, len(sides[0][i]) / sr, 0, sr / 2),
                vmin=-floor,
                vmax=0,
                cmap="magma",
            )
            if i == 0:
                axes.set_title(column)
            if i == n_notes - 1:
                axes.set_xlabel("Time (s)")
        name = f"{titles[i]}\n" if titles is not None else ""
        axes_row[0].set_ylabel(f"{name}Frequency (Hz)")
    figure.colorbar(image, ax=grid, label="Level (dB, 0 is the loudest)", pad=0.01)
    return figure
