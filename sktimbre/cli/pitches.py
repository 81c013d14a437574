"""Pitches heard in a recording, compared with those that a model was trained on."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from sktimbre.exceptions import PitchRangeWarning

__all__ = ["HeardPitches"]

# Seconds of each piece of which the pitch is estimated, and of the shortest last piece.
PIECE, SHORTEST = 0.5, 0.2
# Semitones beyond the lowest and the highest pitch that vibrato and intonation may reach.
MARGIN = 1.0
# An estimate is wrong now and then: fewer pieces, or a smaller share of them, are not reported.
LEAST_PIECES, LEAST_SHARE = 2, 0.01


class HeardPitches:
    """Pitches in a recording that is read in blocks; each piece of half a second counts as one note.

    Parameters
    ----------
    sr : int
        Sample rate in Hz.
    """

    def __init__(self, sr: int):
        self.sr = sr
        self.midi: list[float] = []
        self._rest = np.zeros(0, np.float32)

    def listen(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield blocks of shape (n_channels, n_samples) unchanged and estimate the pitches of their mean."""
        size = round(PIECE * self.sr)
        for block in blocks:
            y = np.concatenate([self._rest, block.mean(axis=0)])
            n_pieces = len(y) // size
            for i in range(n_pieces):
                self._hear(y[i * size : (i + 1) * size])
            self._rest = y[n_pieces * size :]
            yield block
        if len(self._rest) >= SHORTEST * self.sr:
            self._hear(self._rest)

    def _hear(self, y: np.ndarray) -> None:
        from sktimbre.datasets.pitch import LEAST_CLARITY, hear_pitch

        midi, clarity = hear_pitch(y, self.sr)
        if clarity >= LEAST_CLARITY:
            self.midi.append(midi)

    def warn_outside(self, known: Sequence[int], source: Path) -> None:
        """Warn if the recording `source` leaves the range of known pitches (MIDI numbers)."""
        from sktimbre.datasets import name_of_pitch

        low, high = min(known), max(known)
        outside = [midi for midi in self.midi if not low - MARGIN <= midi <= high + MARGIN]
        n_heard = len(self.midi)
        if not outside or len(outside) < max(min(LEAST_PIECES, n_heard), LEAST_SHARE * n_heard):
            return
        known_names, heard_names = (
            " to ".join(dict.fromkeys(name_of_pitch(round(p)) for p in ends))
            for ends in ((low, high), (min(outside), max(outside)))
        )
        share = f"{100 * len(outside) / n_heard:.0f}% of what has a pitch" if len(outside) < n_heard else "all of it"
        warnings.warn(
            f"{source} leaves the pitches that the model was trained on ({known_names}): {share} is at {heard_names}. "
            "Train with such notes, or transpose the recording.",
            PitchRangeWarning,
            stacklevel=2,
        )
