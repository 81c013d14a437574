"""Notes that are cut from a recording, over its spectrogram."""

from typing import Any

import numpy as np

from sktimbre._utils.checks import check_choice
from sktimbre.datasets.cutting import Cut, cut_recording
from sktimbre.exceptions import ParameterError
from sktimbre.plotting.display import COLOURS, Display, add_legend, as_spectra, check_colours
from sktimbre.plotting.spectrograms import FREQUENCY_AXES, decibels, draw_spectrum, frequency_label

__all__ = ["NotesDisplay"]

N_FFT = 2048
# Colours of what is left out, and of notes.
REASONS = {
    "silent": COLOURS[6],
    "unpitched": COLOURS[2],
    "short": COLOURS[3],
    "polyphonic": COLOURS[1],
    "glides": COLOURS[4],
}
NOTE = COLOURS[5]
# Inches of a minute, and minutes beyond which a picture is no wider.
WIDTH, MOST_MINUTES = 11.0, 15.0
# Space below the lowest note and above the highest, in octaves.
BELOW, ABOVE = 0.5, 3.0


class NotesDisplay(Display):
    """Spectrogram of a recording with the notes that are cut from it, as a piano roll, and what is left out, shaded.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The recording.
    cut : Cut
        From `sktimbre.datasets.cut_recording`.
    sr : float, default=22050
        Sample rate in Hz.

    Attributes
    ----------
    figure_, axes_, ax_
        The figure, its axes, of shape (1, 1), and the first of them; after `plot`.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.plotting import NotesDisplay
    >>> t = np.arange(11025) / 22050
    >>> y = np.concatenate([np.sin(2 * np.pi * f * t) for f in (440, 0, 494)])
    >>> [round(note.midi) for note in NotesDisplay.from_audio(y, sr=22050).cut.notes]
    [69, 71]
    """

    def __init__(self, y: Any, cut: Cut, *, sr: float = 22050) -> None:
        if not isinstance(cut, Cut):
            raise ParameterError(f"cut={cut!r} must be what cut_recording returns; from_audio calls it.")
        self.spectra = as_spectra([y], "y", sr, N_FFT, None)
        self.cut = cut

    @classmethod
    def from_audio(cls, y: Any, sr: float = 22050, *, ax: Any = None, **kwargs: Any) -> "NotesDisplay":
        """Cut a recording into notes and draw them.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The recording of one voice.
        sr : float, default=22050
            Sample rate in Hz.
        ax : Axes or None, default=None
            Axes to draw on; None makes a figure.
        **kwargs
            Passed to `plot`.

        Returns
        -------
        NotesDisplay

        Raises
        ------
        AudioError
            The recording is not finite, of the wrong rank, or shorter than 2048 samples.
        """
        as_spectra([y], "y", sr, N_FFT, None)
        return cls(y, cut_recording(np.asarray(y), sr), sr=sr).plot(ax, **kwargs)

    def plot(
        self, ax: Any = None, *, frequency_axis: str = "note", floor: float = 80.0, cmap: Any = "magma"
    ) -> "NotesDisplay":
        """Draw the spectrogram and the notes.

        Parameters
        ----------
        ax : Axes or None, default=None
            Axes to draw on; None makes a figure.
        frequency_axis : {"linear", "log", "note"}, default="note"
            Linear or logarithmic axis in Hz, or logarithmic axis with the names of pitches.
        floor : float, default=80.0
            Range of the colour scale in dB.
        cmap : str or Colormap, default="magma"
            Colormap of the spectrogram.

        Returns
        -------
        NotesDisplay
        """
        from matplotlib.collections import PolyCollection

        check_choice(frequency_axis, "frequency_axis", FREQUENCY_AXES)
        check_colours(cmap=cmap)
        minutes = self.spectra.notes[0].shape[1] * self.spectra.hop_length / self.spectra.sr / 60
        panel = self._use_axes(ax, 1, 1, (WIDTH * min(MOST_MINUTES, max(1.0, minutes)), 4.2))[0, 0]
        (levels,) = decibels(self.spectra.notes, floor)
        draw_spectrum(panel, levels, self.spectra, frequency_axis, vmin=-float(floor), vmax=0, cmap=cmap)
        for reason, colour in REASONS.items():
            spans = [(part.start, part.end) for part in self.cut.left_out if part.reason == reason]
            for i, (start, end) in enumerate(spans):
                panel.axvspan(
                    start, end, color=colour, alpha=0.45, linewidth=0, label=None if i else f"left out: {reason}"
                )
        # A note is a semitone high.
        boxes = []
        for note in self.cut.notes:
            low, high = (440 * 2 ** ((note.midi + side - 69) / 12) for side in (-0.5, 0.5))
            boxes.append([(note.start, low), (note.start, high), (note.end, high), (note.end, low)])
        if boxes:
            drawn = PolyCollection(boxes, facecolor="none", edgecolor=NOTE, linewidth=1.5, label="notes")
            panel.add_collection(drawn, autolim=False)
            hertz = [440 * 2 ** ((note.midi - 69) / 12) for note in self.cut.notes]
            lowest, highest = min(hertz) * 2**-BELOW, max(hertz) * 2**ABOVE
            panel.set_ylim(
                0 if frequency_axis == "linear" else lowest,
                min(highest, self.spectra.sr / 2),
            )
        panel.set(xlabel="Time (s)", ylabel=frequency_label(frequency_axis))
        if boxes or self.cut.left_out:
            # The best place takes long to find.
            add_legend(panel, "upper right")
        return self
