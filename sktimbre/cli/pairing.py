"""Headers of paired notes, for checks and plans before the samples are read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from sktimbre.cli.session import number, table

if TYPE_CHECKING:
    from sktimbre.datasets.listening import Sound

__all__ = ["PairedHeaders", "read_headers"]


@dataclass(frozen=True)
class PairedHeaders:
    """Pairs of notes and their headers, without samples.

    Parameters
    ----------
    pitches : ndarray of shape (n_notes,), int
        MIDI numbers.
    source_sounds, target_sounds, unpaired : list
        As in `load_paired_notes`.
    headers : list of dict
        For each pair its ``pitch``, and for its ``source`` and ``target`` the file, sample rate, channels and duration. The
        duration is None if the header lacks it.
    """

    pitches: np.ndarray
    source_sounds: list["Sound"]
    target_sounds: list["Sound"]
    unpaired: list[Path]
    headers: list[dict[str, Any]]

    def shorter_than(self, duration: float) -> int:
        """Return the number of files that are shorter than ``duration`` seconds."""
        durations = [pair[side]["duration"] for pair in self.headers for side in ("source", "target")]
        return sum(seconds is not None and seconds < duration for seconds in durations)

    def table(self, chosen: Iterable[int]) -> Table:
        """Return a table of the chosen pairs, given by index."""
        from sktimbre.datasets import name_of_pitch

        shown = table("Pitch", "Source", "Target", numbers=False)
        shown.columns[0].min_width = None
        for pair in (self.headers[i] for i in chosen):
            sides = [
                f"{side['file'].name}, {side['sr']} Hz, {number(side['duration'], 2)} s"
                for side in (pair["source"], pair["target"])
            ]
            shown.add_row(name_of_pitch(pair["pitch"]), *sides)
        return shown


def read_headers(
    source: Path | list[Path], target: Path | list[Path], sr: float, duration: float, trim_db: float = 60.0, **how: Any
) -> PairedHeaders:
    """Pair notes and read the headers of all pairs.

    Parameters
    ----------
    source, target, sr, duration, trim_db, **how
        As in `load_paired_notes`, which raises the same errors.

    Returns
    -------
    PairedHeaders
    """
    from sktimbre.datasets.loading import check_sizes
    from sktimbre.datasets.pairing import pair_files

    check_sizes(sr, duration, trim_db)
    pairs = pair_files(source, target, **how)
    headers = [
        {"pitch": int(pitch), "source": _header(of_source.file), "target": _header(of_target.file)}
        for pitch, of_source, of_target in zip(pairs.pitches, pairs.source_sounds, pairs.target_sounds, strict=True)
    ]
    unpaired = [*pairs.unpaired_source, *pairs.unpaired_target]
    return PairedHeaders(pairs.pitches, pairs.source_sounds, pairs.target_sounds, unpaired, headers)


def _header(file: Path) -> dict[str, Any]:
    from sktimbre.audio import AudioReader

    reader = AudioReader(file)
    duration = None if reader.n_frames is None else reader.n_frames / reader.sr
    return {"file": file, "sr": reader.sr, "channels": reader.n_channels, "duration": duration}
