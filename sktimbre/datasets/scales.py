"""Files of several notes, such as chromatic scales: names with a range of pitches, cut into single notes."""

import re
from collections.abc import Sequence
from pathlib import Path

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


def cut_scales(files: Sequence[Path]) -> tuple[dict[Sound, int], dict[Path, str], list[str]]:
    """Cut files whose names have a range of pitches into notes.

    Parameters
    ----------
    files : sequence of Path
        Files of any names.

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
    for file in files:
        limits = range_in_name(file)
        if limits is None:
            continue
        low, high = limits
        try:
            found = [(sound, midi) for sound, midi in _notes_of(file) if low <= midi <= high]
        except AudioFileError:
            continue  # said when it is listened to
        names = f"{name_of_pitch(low)} to {name_of_pitch(high)}"
        if not found:
            left_out[file] = f"has no note that sounds like one from {names}"
            continue
        if sorted(midi for _, midi in found) != list(range(low, high + 1)):
            messages.append(
                f"{file.name}: {len(found)} notes sound like notes from {names}, which are {high - low + 1}; `sktimbre pairs` "
                "shows them."
            )
        notes |= dict(found)
    return notes, left_out, messages


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
