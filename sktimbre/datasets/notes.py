"""Notes: the result of the loaders, a Bunch with a player for notebooks."""

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

from sktimbre._utils.checks import check_choice, check_whole

if TYPE_CHECKING:
    from IPython.display import Audio

SIDES = ("audio", "source", "target")


class Notes(Bunch):
    """A `sklearn.utils.Bunch` of notes that plays them in a notebook.

    Examples
    --------
    >>> from sktimbre.datasets import make_paired_notes
    >>> notes = make_paired_notes(3)
    >>> player = notes.play(1, "target")  # the last line of a cell shows the player
    """

    def play(self, i: int, side: str | None = None) -> "Audio":
        """Return a player of one note for a notebook.

        Parameters
        ----------
        i : int
            Index of the note.
        side : {"source", "target", "audio"} or None, default=None
            Which field to play; None is "source", or "audio" of notes without pairs.

        Returns
        -------
        IPython.display.Audio
            Player that does not normalize the level of the note.

        Raises
        ------
        ImportError
            IPython is not installed.
        ParameterError
            ``i`` or ``side`` does not exist.
        """
        sides = [name for name in SIDES if name in self]
        side = sides[0] if side is None else check_choice(side, "side", sides)
        n_notes = len(self[side])
        y = np.asarray(self[side][check_whole(i, "i", -n_notes, n_notes - 1, fix=f"There are {n_notes} notes.")])
        try:
            from IPython.display import Audio
        except ImportError:
            raise ImportError(
                "Notes.play needs IPython, which every Jupyter notebook has: pip install ipython. Elsewhere, "
                "sktimbre.audio.write_audio writes a file to listen to."
            ) from None
        # A browser would clip samples beyond full scale.
        return Audio(y / max(1.0, float(np.abs(y).max())), rate=self["sr"], normalize=False)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), "play"]
