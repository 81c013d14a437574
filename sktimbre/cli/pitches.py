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
# Pieces with a pitch that music has at least, and the share of them that has the pitch of a single note.
LEAST_OF_MUSIC, MOST = 3, 0.6


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
        for block in blocks:
            self.hear(block.mean(axis=0))
            yield block
        self.finish()

    def hear(self, y: np.ndarray) -> None:
        """Estimate the pitches of samples, shape (n_samples,), that follow those of the last call."""
        size = round(PIECE * self.sr)
        y = np.concatenate([self._rest, y])
        n_pieces = len(y) // size
        for i in range(n_pieces):
            self._hear(y[i * size : (i + 1) * size])
        self._rest = y[n_pieces * size :]

    def finish(self) -> None:
        """Estimate the pitch of the last samples, which are no whole piece."""
        if len(self._rest) >= SHORTEST * self.sr:
            self._hear(self._rest)
        self._rest = self._rest[:0]

    def is_one_note(self) -> bool:
        """Return True if most pieces have one pitch, apart from octaves, in which an estimate may be wrong."""
        self.finish()
        if len(self.midi) < LEAST_OF_MUSIC:
            return True
        # The middle one, not the mean of two that may be an octave apart.
        away = (np.array(self.midi) - sorted(self.midi)[len(self.midi) // 2] + 6) % 12 - 6
        return bool(np.mean(np.abs(away) <= MARGIN) > MOST)

    def range(self) -> tuple[float | None, float | None]:
        """Return the lowest and the highest pitch, MIDI numbers, without the few pieces that are heard wrong; or None."""
        self.finish()
        if not self.midi:
            return None, None
        low, high = np.percentile(self.midi, [100 * LEAST_SHARE, 100 * (1 - LEAST_SHARE)], method="nearest")
        return float(low), float(high)

    def _hear(self, y: np.ndarray) -> None:
        from sktimbre.datasets.pitch import LEAST_CLARITY, hear_pitch

        midi, clarity = hear_pitch(y, self.sr)
        if clarity >= LEAST_CLARITY:
            self.midi.append(midi)

    def warn_outside(self, known: Sequence[int], source: Path, transpose: float = 0) -> None:
        """Warn if the recording `source`, transposed by semitones, leaves the range of known pitches (MIDI numbers)."""
        from sktimbre.datasets import name_of_pitch

        low, high = min(known), max(known)
        converted = [midi + transpose for midi in self.midi]
        outside = [midi for midi in converted if not low - MARGIN <= midi <= high + MARGIN]
        n_heard = len(self.midi)
        if not outside or len(outside) < max(min(LEAST_PIECES, n_heard), LEAST_SHARE * n_heard):
            return
        known_names, heard_names = (
            " to ".join(dict.fromkeys(name_of_pitch(round(p)) for p in ends))
            for ends in ((low, high), (min(outside), max(outside)))
        )
        share = f"{100 * len(outside) / n_heard:.0f}% of what has a pitch" if len(outside) < n_heard else "all of it"
        moved = f", transposed by {transpose:g} semitones," if transpose else ""
        fix = "give another --transpose" if transpose else "--transpose the recording"
        warnings.warn(
            f"{source}{moved} leaves the pitches that the model was trained on ({known_names}): {share} is at "
            f"{heard_names}. Train with such notes, or {fix}.",
            PitchRangeWarning,
            stacklevel=2,
        )
