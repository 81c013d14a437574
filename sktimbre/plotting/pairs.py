"""Pitches and levels of two folders of notes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sktimbre.exceptions import ParameterError
from sktimbre.plotting.display import SIDES, Display, add_legend

__all__ = ["PairsDisplay"]

# Markers of notes in pairs, and of notes without a partner.
PAIRED, UNPAIRED = "o", "x"


class PairsDisplay(Display):
    """Level over pitch of the notes of two folders; notes without a partner are crosses.

    Parameters
    ----------
    source_notes, target_notes : sequence of NoteFile
        From `sktimbre.datasets.pair_files`.

    Attributes
    ----------
    figure_, axes_, ax_
        The figure, its axes, of shape (1, 1), and the first of them; after `plot`.

    Examples
    --------
    >>> from sktimbre.datasets import pair_files
    >>> from sktimbre.plotting import PairsDisplay
    >>> pairs = pair_files("flute/", "clarinet/")  # doctest: +SKIP
    >>> display = PairsDisplay.from_pairs(pairs)  # doctest: +SKIP
    """

    def __init__(self, source_notes: Sequence[Any], target_notes: Sequence[Any]) -> None:
        for name, notes in (("source_notes", source_notes), ("target_notes", target_notes)):
            if not isinstance(notes, list | tuple) or not all(hasattr(note, "partner") for note in notes):
                raise ParameterError(f"{name}={notes!r} must be a list of notes, as pair_files returns it.")
        self.source_notes, self.target_notes = source_notes, target_notes

    @classmethod
    def from_pairs(cls, pairs: Any, *, ax: Any = None) -> "PairsDisplay":
        """Draw the notes of `sktimbre.datasets.pair_files` or `load_paired_notes`.

        Parameters
        ----------
        pairs : Bunch
            With the fields ``source_notes`` and ``target_notes``.
        ax : Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        PairsDisplay

        Raises
        ------
        ParameterError
            ``pairs`` lacks the fields.
        """
        if not hasattr(pairs, "source_notes") or not hasattr(pairs, "target_notes"):
            raise ParameterError(
                f"pairs={type(pairs).__name__} has no source_notes and target_notes; pass the result of pair_files."
            )
        return cls(pairs.source_notes, pairs.target_notes).plot(ax)

    def plot(self, ax: Any = None) -> "PairsDisplay":
        """Draw the notes.

        Parameters
        ----------
        ax : Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        PairsDisplay
        """
        panel = self._use_axes(ax, 1, 1, (7.0, 3.8))[0, 0]
        for side, notes in (("source", self.source_notes), ("target", self.target_notes)):
            for paired, marker in ((True, PAIRED), (False, UNPAIRED)):
                chosen = [note for note in notes if (note.partner is not None) == paired]
                # A note without a pitch stands where it is heard.
                pitches = np.array([note.heard if note.pitch is None else note.pitch for note in chosen], dtype=float)
                levels = np.array([note.level for note in chosen], dtype=float)
                seen = np.isfinite(pitches) & np.isfinite(levels)
                if seen.any():
                    label = f"{side}, {'paired' if paired else 'without a partner'}"
                    panel.scatter(
                        pitches[seen], levels[seen], s=22, marker=marker, color=SIDES[side], alpha=0.8, label=label
                    )
        panel.set(xlabel="Pitch (MIDI number)", ylabel="Level (dB below full scale)")
        panel.grid(visible=True, alpha=0.25)
        add_legend(panel)
        return self
