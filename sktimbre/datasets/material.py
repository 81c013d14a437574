"""Load pairs of two instruments from any material: single notes, playing, or takes of one piece."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_choice, check_flags
from sktimbre.audio import read_audio
from sktimbre.datasets.cutting import cut_notes
from sktimbre.datasets.loading import load_paired_notes
from sktimbre.datasets.notes import Notes
from sktimbre.datasets.pairing import folders_of
from sktimbre.datasets.recordings import load_recordings
from sktimbre.datasets.scales import range_in_name
from sktimbre.datasets.sounds import Folder, Match, find_sounds
from sktimbre.exceptions import AudioFileError, ParameterError

__all__ = ["is_playing", "load_pairs", "resolve_material"]

MATERIALS = ("notes", "playing", "same-piece")
# Files of a folder and seconds of a file that tell notes from playing.
FILES, SECONDS = 8, 20.0
# Notes, and different pitches among them, that a recording of playing has at least.
LEAST_NOTES, LEAST_PITCHES = 4, 3
# Options of the loaders of the materials that the other one does not have.
FOR_NOTES = ("source_pitches", "target_pitches", "source_octave", "target_octave", "misfits", "trim", "trim_db")


def load_pairs(
    source: Folder,
    target: Folder,
    *,
    material: str | None = None,
    sr: int = 22050,
    duration: float = 2.0,
    transitions: bool = True,
    **options: Any,
) -> Notes:
    """Load pairs of two instruments from single notes or from recordings of music, as ``sktimbre fit`` does.

    Parameters
    ----------
    source, target : path-like or list of path-like
        As in `load_paired_notes`.
    material : {"notes", "playing", "same-piece"} or None
        What the files are: single notes, which `load_paired_notes` loads; recordings of different music, or takes of one
        piece, which `load_recordings` loads. None listens: where most files of a side have several pitches they are
        recordings, and those of one piece are aligned. With options that only notes have, None is "notes".
    sr : int
        Sampling rate in Hz to which all files are resampled.
    duration : float
        Seconds of each note; of recordings, at most.
    transitions : bool
        Whether transitions between the notes of recordings are pairs, too.
    **options
        Other options of `load_paired_notes` or `load_recordings`.

    Returns
    -------
    sklearn.utils.Bunch
        The result of the loader, and ``material``, what it was loaded as.

    Raises
    ------
    AudioFileError, DatasetError, ParameterError
        As the loaders; also `ParameterError` for an option that the material does not have.

    Examples
    --------
    >>> import tempfile
    >>> from sktimbre.audio import write_audio
    >>> from sktimbre.datasets import load_pairs, make_paired_notes
    >>> notes = make_paired_notes(3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for file, y in zip(notes.source_files + notes.target_files, [*notes.source, *notes.target]):
    ...         write_audio(f"{folder}/{file.name}", y, notes.sr)
    ...     sides = [[f"{folder}/{file.name}" for file in side] for side in (notes.source_files, notes.target_files)]
    ...     pairs = load_pairs(*sides)
    >>> pairs.material, len(pairs.source)
    ('notes', 3)
    """
    material = resolve_material(source, target, material, options)
    if material == "notes":
        return Notes(**load_paired_notes(source, target, sr=sr, duration=duration, **options), material=material)
    same_piece = None if material is None else material == "same-piece"
    options |= {"longest": duration, "same_piece": same_piece, "transitions": transitions}
    pairs = load_recordings(source, target, sr=sr, **options)
    return Notes(**pairs, material="same-piece" if pairs.takes else "playing")


def resolve_material(source: Folder, target: Folder, material: str | None, options: Mapping[str, Any]) -> str | None:
    """Return the material as given; for None "notes", or still None for recordings.

    Parameters
    ----------
    source, target, material
        As in `load_pairs`.
    options : dict
        Its other options.

    Raises
    ------
    ParameterError
        The material is unknown, or does not have one of the options.
    """
    if material is not None:
        check_choice(material, "material", MATERIALS)
    of_notes = [name for name in options if name in FOR_NOTES]
    if material is None:
        find = {name: options[name] for name in ("source_match", "target_match", "recursive") if name in options}
        return "notes" if of_notes or not is_playing(source, target, **find) else None
    if material != "notes" and of_notes:
        raise ParameterError(
            f"{of_notes[0]}={options[of_notes[0]]!r} is for single notes, and material={material!r} for recordings of music. "
            "Leave out one of them."
        )
    return material


def is_playing(
    source: Folder,
    target: Folder,
    *,
    source_match: Match = None,
    target_match: Match = None,
    recursive: bool = False,
) -> bool:
    """Return True if most files of a side are recordings of music rather than single notes.

    Parameters
    ----------
    source, target, source_match, target_match, recursive
        As in `load_paired_notes`.

    Notes
    -----
    At most eight files of each side are cut into notes. A recording has at least four notes of three pitches within its first
    20 s; a file whose name has a range of pitches, such as ``C4B4``, is a scale, which is cut into single notes.
    """
    check_flags(recursive=recursive)
    sides = []
    for each, name, match in ((folders_of(source), "source", source_match), ([target], "target", target_match)):
        files = [file for folder in each for file in find_sounds(folder, name, match=match, recursive=recursive)[0]]
        chosen = sorted({round(i) for i in np.linspace(0, len(files) - 1, FILES)})
        sides.append(float(np.mean([_has_notes(files[i]) for i in chosen])) > 0.5)
    return any(sides)


def _has_notes(file: Path) -> bool:
    if range_in_name(file) is not None:
        return False
    try:
        notes = cut_notes(*read_audio(file, duration=SECONDS))
    except AudioFileError:
        return False
    return len(notes) >= LEAST_NOTES and len({round(note.midi) for note in notes}) >= LEAST_PITCHES
