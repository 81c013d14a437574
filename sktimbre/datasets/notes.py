"""What the loaders return: a Bunch that can be listened to."""

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
        """Return a player of one note, which a notebook shows.

        Parameters
        ----------
        i : int
            Which note.
        side : {"source", "target", "audio"} or None, default=None
            Which of the two of a pair; None is the source, or the only one there is.

        Returns
        -------
        IPython.display.Audio
            At the level of the note, which others are not brought to.

        Raises
        ------
        ImportError
            IPython is not installed.
        ParameterError
            There is no such note or side.
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
        # A browser clips what is beyond full scale.
        return Audio(y / max(1.0, float(np.abs(y).max())), rate=self["sr"], normalize=False)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), "play"]
