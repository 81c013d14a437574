"""Headers of paired notes, for checks and plans before the samples are read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from sktimbre.cli.session import number, table

if TYPE_CHECKING:
    import numpy as np
    from sklearn.utils import Bunch

    from sktimbre.datasets.listening import Sound

__all__ = ["PairedHeaders", "find_pairs", "material_facts", "read_headers"]


@dataclass(frozen=True)
class PairedHeaders:
    """Pairs of notes and their headers, without samples.

    Parameters
    ----------
    pitches : ndarray of shape (n_notes,), int
        MIDI numbers.
    source_sounds, target_sounds, unpaired : list
        As in `load_pairs`.
    material : str
        "notes", "playing" or "same-piece".
    facts : dict of str to str
        As `material_facts` returns them.
    headers : list of dict
        For each pair its ``pitch``, and for its ``source`` and ``target`` the file, sample rate, channels and duration. The
        duration is None if the header lacks it.
    """

    pitches: "np.ndarray"
    source_sounds: list["Sound"]
    target_sounds: list["Sound"]
    unpaired: list[Path]
    headers: list[dict[str, Any]]
    material: str
    facts: dict[str, str]

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


def find_pairs(
    source: Path | list[Path],
    target: Path | list[Path],
    sr: int,
    duration: float,
    *,
    material: str | None = None,
    transitions: bool = True,
    **how: Any,
) -> "Bunch":
    """Pair notes as `load_pairs` does, without reading the audio of single notes.

    Parameters
    ----------
    source, target, sr, duration, material, transitions, **how
        As in `load_pairs`, which raises the same errors.

    Returns
    -------
    Bunch
        The result of `pair_files` or `load_recordings`, with ``material``.
    """
    from sklearn.utils import Bunch

    from sktimbre.datasets.loading import check_sizes
    from sktimbre.datasets.material import load_pairs, resolve_material, told_by_ear
    from sktimbre.datasets.pairing import pair_files

    how.setdefault("trim_db", None)
    material = resolve_material(source, target, material, {k: v for k, v in how.items() if v is not None})
    trim_db = how.pop("trim_db")
    if material == "notes":
        check_sizes(sr, duration, 60.0 if trim_db is None else trim_db)
        with told_by_ear(source, target, how):
            return Bunch(**pair_files(source, target, **how), material=material)
    return load_pairs(source, target, material=material, sr=sr, duration=duration, transitions=transitions, **how)


def read_headers(
    source: Path | list[Path], target: Path | list[Path], sr: int, duration: float, **how: Any
) -> PairedHeaders:
    """Pair notes and read the headers of all pairs.

    Parameters
    ----------
    source, target, sr, duration, **how
        As in `load_pairs`, which raises the same errors.

    Returns
    -------
    PairedHeaders
    """
    pairs = find_pairs(source, target, sr, duration, **how)
    header = lru_cache(maxsize=None)(_header)
    headers = [
        {"pitch": int(pitch), "source": _of_part(header, of_source), "target": _of_part(header, of_target)}
        for pitch, of_source, of_target in zip(pairs.pitches, pairs.source_sounds, pairs.target_sounds, strict=True)
    ]
    return PairedHeaders(
        pairs.pitches,
        pairs.source_sounds,
        pairs.target_sounds,
        [*pairs.unpaired_source, *pairs.unpaired_target],
        headers,
        pairs.material,
        material_facts(pairs),
    )


def material_facts(pairs: "Bunch") -> dict[str, str]:
    """Return what was used of recordings: their material, seconds, pitches and gaps; of single notes nothing.

    Parameters
    ----------
    pairs : Bunch
        As `load_pairs` returns it.
    """
    from sktimbre.datasets import name_of_pitch

    if pairs.material == "notes":
        return {}

    def names(pitches):
        return ", ".join(map(name_of_pitch, pitches))

    kinds = {"playing": "playing, paired by likeness", "same-piece": f"takes of one piece, aligned: {len(pairs.takes)}"}
    seconds = pairs.seconds
    ends = dict.fromkeys(map(name_of_pitch, (min(pairs.pitches), max(pairs.pitches))))
    without = f", without {names(pairs.gaps)}" if pairs.gaps else ""
    return {
        "Recordings": kinds[pairs.material],
        "Seconds of source and target": f"{seconds['source']:.0f} and {seconds['target']:.0f}",
        "Seconds of notes in them": f"{seconds['source_notes']:.0f} and {seconds['target_notes']:.0f}",
        "Seconds of the source in pairs": f"{seconds['paired']:.0f}",
        "Notes and transitions paired": f"{(~pairs.transitions).sum()} and {pairs.transitions.sum()}",
        "Pitches": " to ".join(ends) + without,
        "Pitches of the source without a partner": names(pairs.missing) or "none",
    }


def _of_part(header: Callable[[Path], dict[str, Any]], sound: "Sound") -> dict[str, Any]:
    """Return the header of a file; of a note in a file of several also where it is, and its own duration."""
    if sound.start is None:
        return header(sound.file)
    return header(sound.file) | {"start": sound.start, "end": sound.end, "duration": sound.duration}


def _header(file: Path) -> dict[str, Any]:
    from sktimbre.audio import AudioReader

    reader = AudioReader(file)
    duration = None if reader.n_frames is None else reader.n_frames / reader.sr
    return {"file": file, "sr": reader.sr, "channels": reader.n_channels, "duration": duration}
