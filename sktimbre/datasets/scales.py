"""Files of several notes, such as chromatic scales: names with a range of pitches, cut into single notes."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np

from sktimbre.audio import read_audio
from sktimbre.datasets.cutting import cut_notes
from sktimbre.datasets.listening import Sound
from sktimbre.datasets.names import midi_of_name, name_of_pitch
from sktimbre.datasets.pitch import LEAST_CLARITY, hear_pitch
from sktimbre.exceptions import AudioFileError

__all__ = ["cut_scales", "range_in_name"]

# Seconds that a note has before it, unless another note ends there.
BEFORE = 0.05
# Least share of the notes of all ranges that have to fit for another octave to be believed.
MOST = 0.6
NOTE = r"([A-G](?:#|♯|b|♭|s|)-?\d)"
RANGE = re.compile(rf"(?<![^\W_]){NOTE}{NOTE}(?![^\W_])")


def range_in_name(file: Path) -> tuple[int, int] | None:
    """Return the lowest and the highest MIDI number of a name such as ``Flute.nonvib.ff.C4B4.aiff``, or None.

    Examples
    --------
    >>> range_in_name(Path("Flute.nonvib.ff.C4B4.aiff"))
    (60, 71)
    """
    found = RANGE.search(file.stem)
    if found is None:
        return None
    low, high = midi_of_name(found[1]), midi_of_name(found[2])
    return (low, high) if low <= high else None


def cut_scales(
    files: Sequence[Path], octave: int | Literal["auto", "heard"] = "auto"
) -> tuple[dict[Sound, int], dict[Path, str], list[str]]:
    """Cut files whose names have a range of pitches into notes.

    Parameters
    ----------
    files : sequence of Path
        Files of any names.
    octave : int, "auto" or "heard"
        Octaves to add to the pitches in names; "auto" are those with which most notes lie in the ranges, and "heard" keeps
        all notes.

    Returns
    -------
    notes : dict of Sound to int
        MIDI numbers of the notes, as they are heard.
    left_out : dict of Path to str
        Files in which no note of the range is found.
    messages : list of str
        Files whose notes are not those of the range, one by one.
    """
    notes: dict[Sound, int] = {}
    left_out: dict[Path, str] = {}
    messages = []
    heard: dict[Path, list[tuple[Sound, int]]] = {}
    for file in files:
        if range_in_name(file) is not None:
            with suppress(AudioFileError):  # said when it is listened to
                heard[file] = _notes_of(file)
    octaves = _octaves(heard) if octave == "auto" else 0 if octave == "heard" else octave
    if octaves and octave == "auto":
        messages.append(
            f"The notes of {next(iter(heard)).name} and the like sound {abs(octaves)} octave{'s'[: abs(octaves) - 1]} "
            f"{'higher' if octaves > 0 else 'lower'} than their names say; they are used as they sound."
        )
    for file, sounding in heard.items():
        low, high = _limits(file, octaves)
        found = sounding if octave == "heard" else [(sound, midi) for sound, midi in sounding if low <= midi <= high]
        names = f"{name_of_pitch(low)} to {name_of_pitch(high)}"
        if not found:
            left_out[file] = f"has no note that sounds like one from {names}"
            continue
        if octave != "heard" and sorted(midi for _, midi in found) != list(range(low, high + 1)):
            messages.append(
                f"{file.name}: {len(found)} notes sound like notes from {names}, which are {high - low + 1}; `sktimbre pairs` "
                "shows them."
            )
        notes |= dict(found)
    return notes, left_out, messages


def _limits(file: Path, octaves: int) -> tuple[int, int]:
    low, high = range_in_name(file) or (0, 0)
    return low + 12 * octaves, high + 12 * octaves


def _octaves(heard: Mapping[Path, list[tuple[Sound, int]]]) -> int:
    """Return the octaves to add to the ranges of names, so that most notes lie in them; 0 if they are too few."""

    def fitting(octaves):
        limits = {file: _limits(file, octaves) for file in heard}
        return sum(limits[file][0] <= midi <= limits[file][1] for file, notes in heard.items() for _, midi in notes)

    wanted = sum(high - low + 1 for low, high in (_limits(file, 0) for file in heard))
    best = max((0, 1, -1, 2, -2), key=fitting)
    return best if fitting(best) >= MOST * wanted else 0


def _notes_of(file: Path) -> list[tuple[Sound, int]]:
    """Return the notes of a file with the pitches that are heard; successive ones of equal pitch are one note."""
    y, sr = read_audio(file)
    heard: list[list[float]] = []
    for note in cut_notes(y, sr):
        pitch = hear_pitch(y[round(note.start * sr) : round(note.end * sr)], sr)
        if pitch.clarity < LEAST_CLARITY or np.isnan(pitch.midi):
            continue
        if heard and round(heard[-1][2]) == round(pitch.midi):
            heard[-1][1] = note.end
        else:
            earliest = heard[-1][1] if heard else 0.0
            heard.append([max(earliest, note.start - BEFORE), note.end, pitch.midi])
    return [(Sound(file, start, end), round(midi)) for start, end, midi in heard]
