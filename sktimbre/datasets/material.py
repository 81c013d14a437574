"""Load pairs of two instruments from any material: single notes, playing, or takes of one piece."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_choice, check_flags
from sktimbre.datasets.cutfiles import cut_file
from sktimbre.datasets.loading import load_paired_notes
from sktimbre.datasets.notes import Notes
from sktimbre.datasets.pairing import folders_of
from sktimbre.datasets.pitches import find_tuning
from sktimbre.datasets.played import has_several_voices
from sktimbre.datasets.rates import resolve_rate
from sktimbre.datasets.recordings import load_recordings
from sktimbre.datasets.scales import range_in_name
from sktimbre.datasets.sounds import Folder, Match, find_sounds
from sktimbre.exceptions import AudioFileError, DatasetError, ParameterError

__all__ = ["is_playing", "load_pairs", "rate_of_files", "resolve_material", "told_by_ear"]

MATERIALS = ("notes", "playing", "same-piece")
SEVERAL_VOICES = "several voices"
# Files of a folder and seconds of a file that tell notes from playing.
FILES, SECONDS = 8, 20.0
# Notes, and different pitches among them, that a recording of playing has at least.
LEAST_NOTES, LEAST_PITCHES = 4, 3
# Options of the loaders of the materials that the other one does not have: those that only single notes can mean, and others.
TELLING = ("source_pitches", "target_pitches", "source_octave", "target_octave", "misfits")
FOR_NOTES = (*TELLING, "trim", "trim_db")


def load_pairs(
    source: Folder,
    target: Folder,
    *,
    material: str | None = None,
    sr: int | None = 22050,
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
        recordings, and those of one piece are aligned. With options for pitches or misfits, None is "notes".
    sr : int or None
        Sampling rate in Hz to which all files are resampled; None as in `load_paired_notes`.
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
    for name, instead in (("longest", "duration="), ("same_piece", 'material="same-piece" or "playing"')):
        if name in options:
            raise ParameterError(f"{name} is no parameter of load_pairs: give {instead}.")
    material = resolve_material(source, target, material, options)
    if material == "notes":
        with told_by_ear(source, target, options):
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
    if material is None and (
        any(name in TELLING for name in of_notes) or not is_playing(source, target, **_where(options))
    ):
        return "notes"
    if material != "notes" and of_notes:
        raise ParameterError(
            f"{of_notes[0]}={options[of_notes[0]]!r} is for single notes, and "
            + ("these are" if material is None else f"material={material!r} is for")
            + " recordings of music. Leave out one of them, or say that the files are single notes: material='notes' "
            "(--material notes)."
        )
    return material


@contextmanager
def told_by_ear(source: Folder, target: Folder, options: Mapping[str, Any]) -> Iterator[None]:
    """Add to the error of a loader of single notes what the files sound like, if it is music.

    Parameters are those of `resolve_material`.
    """
    try:
        yield
    except DatasetError as error:
        for side, kinds in _kinds(source, target, _where(options)).items():
            music = {kind: file for file, kind in kinds.items() if kind != "notes"}
            if SEVERAL_VOICES in music and 2 * sum(kind == SEVERAL_VOICES for kind in kinds.values()) > len(kinds):
                raise DatasetError(
                    f"{side}: most files, such as {music[SEVERAL_VOICES].name}, are music of several voices, of which nothing "
                    "can be learnt. Use recordings of one voice, or of single notes."
                ) from None
            if "playing" in music:
                raise DatasetError(
                    f"{side}: {music['playing'].name} sounds like a recording of music; if others do, too, use "
                    f"material='playing' (--material playing). As single notes: {error}"
                ) from None
        raise


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
    where = {"source_match": source_match, "target_match": target_match, "recursive": recursive}
    sides = _kinds(source, target, where)
    return any(2 * sum(kind == "playing" for kind in kinds.values()) > len(kinds) for kinds in sides.values())


def rate_of_files(source: Folder, target: Folder, options: Mapping[str, Any]) -> int:
    """Return the sample rate in Hz that most files of a side have, the lower one of both sides, at most 48000.

    Parameters
    ----------
    source, target : path-like or list of path-like
        As in `load_pairs`.
    options : dict
        Its other options.

    Raises
    ------
    DatasetError, AudioFileError
        A side has no sound files, or none of them can be read.
    """
    return resolve_rate(None, *_files(source, target, _where(options)).values())


def _where(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that choose files."""
    return {name: options[name] for name in ("source_match", "target_match", "recursive") if name in options}


def _kinds(source: Folder, target: Folder, where: Mapping[str, Any]) -> dict[str, dict[Path, str]]:
    """Return for each side what some of its files are: notes, playing or music of several voices."""
    sides = {}
    for name, files in _files(source, target, where).items():
        chosen = sorted({round(i) for i in np.linspace(0, len(files) - 1, FILES)})
        sides[name] = {files[i]: _kind(files[i]) for i in chosen}
    return sides


def _files(source: Folder, target: Folder, where: Mapping[str, Any]) -> dict[str, list[Path]]:
    """Return the files of each side."""
    sides = {}
    for each, name in ((folders_of(source), "source"), ([target], "target")):
        which = {"match": where.get(f"{name}_match"), "recursive": where.get("recursive", False)}
        sides[name] = [file for folder in each for file in find_sounds(folder, name, **which)[0]]
    return sides


def _kind(file: Path) -> str:
    if range_in_name(file) is not None:
        return "notes"
    try:
        cut = cut_file(file).cut
    except AudioFileError:
        return "notes"
    if has_several_voices(cut):
        return SEVERAL_VOICES
    midi = np.array([note.midi for note in cut.notes if note.start < SECONDS])
    pitches = np.unique(np.round(midi - find_tuning(midi)))
    return "playing" if len(midi) >= LEAST_NOTES and len(pitches) >= LEAST_PITCHES else "notes"
