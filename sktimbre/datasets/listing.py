"""List the notes of a folder: find files, listen, decide pitches, leave out what cannot be used."""

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sktimbre._utils.checks import check_choice, check_flags, check_whole
from sktimbre.datasets.faults import far_levels
from sktimbre.datasets.listening import HeardNote, Sound, listen
from sktimbre.datasets.names import NamePart, is_german, midi_of_name, name_of_pitch
from sktimbre.datasets.pitch import LEAST_CLARITY
from sktimbre.datasets.pitches import CLEAR, CURES, TOLERANCE, Decided, decide_pitches, heard_pitches
from sktimbre.datasets.scales import cut_scales
from sktimbre.datasets.sounds import Folder, Match, find_sounds, show
from sktimbre.datasets.table import NoteFile, read_table
from sktimbre.datasets.tokens import KINDS, instrument_words, tokens_of, words_in
from sktimbre.exceptions import AudioFileError, DatasetError, ParameterError

__all__ = ["Listing", "Misfits", "Octave", "Pitches", "list_notes"]

Pitches = Mapping[str, int] | Sequence[int] | np.ndarray | Callable[[Path], int] | re.Pattern | str | os.PathLike | None
Octave = int | Literal["auto"]
Misfits = Literal["leave_out", "raise", "keep"]

# Faults of notes that are never used, and of notes that are left out where most others of the folder do not have them: drums
# are noise, and plucked notes can be short.
NEVER_USED, LEFT_OUT = ("silent", "antiphase"), ("noise", "short", "several")
FAULTS = {
    "silent": "is silent",
    "antiphase": "is silent when its channels, of opposite phase, are mixed",
    "noise": "is noise without a pitch",
    "short": "is shorter than a window",
    "several": "has several notes of different pitches",
}
OF_SEVERAL = (
    "Files whose names have a range, such as C4B4, are cut into notes; recordings of music need material='playing' "
    "(--material playing)."
)


@dataclass
class Listing:
    """Notes of a folder.

    Parameters
    ----------
    shown : str
        The folder, for errors and warnings.
    notes : list of NoteFile
        All sound files; those without a pitch are left out.
    messages : list of str
        What the user is told.
    """

    shown: str
    notes: list[NoteFile]
    messages: list[str] = field(default_factory=list)

    @property
    def used(self) -> list[NoteFile]:
        """Notes that have a pitch."""
        return [note for note in self.notes if note.pitch is not None]

    @property
    def left_out(self) -> dict[Path, str]:
        """Other sound files, and why they are left out."""
        return {note.file: note.reason for note in self.notes if note.pitch is None}


def list_notes(
    folder: Folder,
    name: str = "folder",
    *,
    pitches: Pitches = None,
    octave: Octave = "auto",
    misfits: Misfits = "leave_out",
    match: Match = None,
    recursive: bool = False,
    progress: bool = False,
) -> Listing:
    """List the notes of a folder; parameters and errors are those of `load_notes`.

    Parameters
    ----------
    folder, pitches, octave, misfits, match, recursive, progress
        As in `load_notes`.
    name : str
        Name of the folder's parameter, for errors.

    Returns
    -------
    Listing
    """
    check_flags(recursive=recursive, progress=progress)
    check_choice(misfits, "misfits", ("leave_out", "raise", "keep"))
    if not isinstance(octave, str) or octave != "auto":
        octave = check_whole(octave, "octave", -10, 10, fix='It is a number of octaves, or "auto".')
    files, left_out = find_sounds(folder, name, match=match, recursive=recursive)
    root = None if not isinstance(folder, str | os.PathLike) else Path(folder)
    parameter = "pitches" if name == "folder" else f"{name}_pitches"
    shown = show(folder)
    given = _given(pitches, files, parameter)
    if octave != "auto" and (given.heard or given.numbers is not None):
        raise ParameterError(
            f"{name}: octave={octave} is added to pitches that are written in names, headers or maps; leave it out where "
            "pitches are heard or given."
        )
    scales: dict[Sound, int] = {}
    messages: list[str] = []
    if pitches is None or given.heard:
        scales, without, messages = cut_scales(files, "heard" if given.heard else octave)
        left_out |= without
        cut = {sound.file for sound in scales} | without.keys()
        sounds = [*(Sound(file) for file in files if file not in cut), *scales]
    elif given.table:
        sounds = list(given.numbers or ())
        listed = {sound.file for sound in sounds}
        left_out |= {file: given.missing for file in files if file not in listed}
    else:
        sounds = [Sound(file) for file in files]
    sounds, heard = _readable(sounds, listen(sounds, progress=progress), left_out, root is None or misfits == "raise")
    faults = _faults(heard, misfits)
    # Notes of scales are decided by what is heard.
    open_ = [i for i, sound in enumerate(sounds) if not faults[i] and sound not in scales]
    decided = Decided()
    if open_:
        decided = _decide([sounds[i] for i in open_], [heard[i] for i in open_], given, shown, octave, misfits)
    places = {i: place for place, i in enumerate(open_)}
    notes = [NoteFile(file, reason=reason) for file, reason in left_out.items()]
    frequent = Counter(word for file in files for word in set(words_in(file, root)))
    ignored = instrument_words(frequent, len(files))
    for i, (sound, note) in enumerate(zip(sounds, heard, strict=True)):
        place = places.get(i, -1)
        written = decided.written.get(place)
        tokens = tokens_of(sound.file, root, written, frequent, ignored)
        tokens.kinds.update(given.tokens.get(sound, {}))
        notes.append(
            NoteFile(
                sound.file,
                None if faults[i] else scales.get(sound, decided.pitches.get(place)),
                written,
                note.midi if note.clarity >= LEAST_CLARITY else np.nan,
                note.onset,
                note.level,
                note.duration,
                note.faults,
                tokens,
                sound.start,
                sound.end,
                reason=faults[i] or decided.reasons.get(place, ""),
            )
        )
    if several := [note for note in notes if note.pitch is not None and "several" in note.faults]:
        messages.append(
            f"{shown}: {len(several)} files, such as {several[0].file.name}, have several notes of different pitches; each "
            f"is used as one note, the first. {OF_SEVERAL}"
        )
    _leave_out_far(notes, misfits)
    listing = Listing(shown, notes, [*messages, *decided.messages])
    if not listing.used:
        raise DatasetError(f"{shown} holds no usable notes: {_examples(listing.left_out)}. {CURES}")
    if clipped := {note.file: "is clipped" for note in listing.used if "clipped" in note.faults}:
        listing.messages.append(
            f"{shown}: {len(clipped)} of {len(notes)} notes are clipped, but used: {_examples(clipped)}."
        )
    if left := {note.file: note.reason for note in notes if note.pitch is None}:
        cure = f" {OF_SEVERAL}" if FAULTS["several"] in left.values() else ""
        listing.messages.append(
            f"{shown}: {len(left)} of {len(notes)} sound files are left out: {_examples(left)}.{cure}"
        )
    return listing


@dataclass
class _Given:
    """Pitches that the user gave: "heard", MIDI numbers, or a part of the names; and values of other columns of a table."""

    heard: bool = False
    table: bool = False
    numbers: dict[Sound, int] | None = None
    part: NamePart | None = None
    missing: str = ""
    tokens: dict[Sound, dict[str, str]] = field(default_factory=dict)


def _given(pitches: Pitches, files: list[Path], name: str) -> _Given:
    if pitches is None:
        return _Given()
    fix = "It is a MIDI number."
    if isinstance(pitches, str) and pitches == "heard":
        return _Given(heard=True)
    if isinstance(pitches, re.Pattern) or (isinstance(pitches, str) and "(?P<" in pitches):
        return _by_expression(pitches, files, name)
    if isinstance(pitches, str | os.PathLike):
        table = read_table(Path(pitches), files, name)
        german = is_german([row["pitch"] for row in table.values()])
        numbers = {sound: _number(row["pitch"], f"{name}: {sound.name}", german) for sound, row in table.items()}
        tokens = {sound: _kinds(row, f"{name}: {sound.name}") for sound, row in table.items()}
        return _Given(table=True, numbers=numbers, missing=f"is not in {pitches} with a pitch", tokens=tokens)
    if callable(pitches):
        return _Given(
            numbers={Sound(f): check_whole(pitches(f), f"{name}({f.name!r})", 0, 127, fix=fix) for f in files}
        )
    if isinstance(pitches, Mapping):
        missing = [file.name for file in files if file.name not in pitches]
        if missing:
            raise DatasetError(
                f"{name} lacks {len(missing)} of {len(files)} files, for instance {missing[0]!r}; its keys are file "
                "names with their suffix."
            )
        by_name = {Sound(f): check_whole(pitches[f.name], f"{name}[{f.name!r}]", 0, 127, fix=fix) for f in files}
        return _Given(numbers=by_name)
    if not np.iterable(pitches):
        raise ParameterError(
            f"{name}={pitches!r} must be 'heard', a dict by file name, a sequence, a function of the path, a CSV table, or a "
            "regular expression with a group named pitch or note."
        )
    pitches = list(pitches)
    if len(pitches) != len(files):
        raise DatasetError(
            f"{name} has {len(pitches)} values for {len(files)} files ({files[0].name} to {files[-1].name}); give "
            "one for each, or a dict by file name."
        )
    checked = [check_whole(pitch, f"{name}[{i}]", 0, 127, fix=fix) for i, pitch in enumerate(pitches)]
    return _Given(numbers=dict(zip(map(Sound, files), checked, strict=True)))


def _by_expression(expression: Any, files: list[Path], name: str) -> _Given:
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise ParameterError(f"{name}={expression!r} is not a regular expression: {error}.") from None
    group = next((each for each in ("pitch", "note") if each in pattern.groupindex), None)
    if group is None:
        raise ParameterError(
            f"{name}={pattern.pattern!r} has no group named pitch or note, as in '_(?P<note>[A-G]b?\\d)_'."
        )
    texts = {i: match[group] for i, file in enumerate(files) if (match := pattern.search(file.name)) and match[group]}
    german = is_german(list(texts.values()))
    values = {i: _number(text, f"{name}: {files[i].name}", german) for i, text in texts.items()}
    if not values:
        raise DatasetError(f"{name}={pattern.pattern!r} fits none of {len(files)} names, such as {files[0].name!r}.")
    return _Given(part=NamePart("regular expression", values, 9.0), missing=f"does not fit {pattern.pattern!r}")


def _kinds(row: Mapping[str, str], where: str) -> dict[str, str]:
    """Return what a line of a table says of a note beside its pitch; velocities are whole numbers."""
    kinds = {kind: row[kind] for kind in KINDS if row.get(kind)}
    if "velocity" in kinds:
        velocity = _whole(kinds["velocity"])
        if velocity is None:
            raise DatasetError(f"{where} has the velocity {kinds['velocity']!r}; write a number, such as 64.")
        kinds["velocity"] = str(velocity)
    return kinds


def _whole(text: str) -> int | None:
    """Return a whole number, which spreadsheets may write as 60.0 or 60,0; None if the text is something else."""
    return int(re.split("[.,]", text)[0]) if re.fullmatch(r"\d+([.,]0*)?", text) else None


def _number(text: str, where: str, german: bool) -> int:
    text = text.strip()
    try:
        value = _whole(text)
        value = midi_of_name(text, german) if value is None else value
    except DatasetError:
        value = -1
    if not 0 <= value <= 127:
        raise DatasetError(
            f"{where} has the pitch {text!r}; it must be a MIDI number from 0 to 127 or a name such as Bb4."
        )
    return value


def _decide(
    sounds: list[Sound], heard: list[HeardNote], given: _Given, shown: str, octave: Octave, misfits: Misfits
) -> Decided:
    if given.heard:
        return heard_pitches(heard)
    if given.numbers is None:
        parts = None
        if given.part is not None:
            parts = [given.part]
        files = [sound.file for sound in sounds]
        return decide_pitches(files, heard, shown, octave=octave, misfits=misfits, parts=parts, missing=given.missing)
    decided = Decided({i: given.numbers[sound] for i, sound in enumerate(sounds)})
    decided.pitches = dict(decided.written)
    found = {
        sounds[i].file: f"sounds like {name_of_pitch(round(heard[i].midi))}, not {name_of_pitch(pitch)}"
        for i, pitch in decided.pitches.items()
        if heard[i].clarity >= CLEAR and abs(heard[i].midi - pitch) > TOLERANCE
    }
    if found and misfits != "keep":
        message = (
            f"{shown}: {len(found)} of {len(sounds)} notes sound different from the given pitches: {_examples(found)}"
        )
        if misfits == "raise":
            raise DatasetError(f"{message}. {CURES}")
        decided.messages.append(f"{message}. The given pitches are used.")
    return decided


def _readable(
    sounds: list[Sound], heard: list[HeardNote | AudioFileError], left_out: dict[Path, str], strict: bool
) -> tuple[list[Sound], list[HeardNote]]:
    """Return the notes that can be read; others are left out, or, if there are no others, raise their error."""
    errors = {sound.file: note for sound, note in zip(sounds, heard, strict=True) if isinstance(note, AudioFileError)}
    if errors and (strict or len(errors) == len({sound.file for sound in sounds})):
        raise next(iter(errors.values()))
    left_out |= dict.fromkeys(errors, "cannot be read")
    return (
        [sound for sound in sounds if sound.file not in errors],
        [note for note in heard if not isinstance(note, AudioFileError)],
    )


def _faults(heard: Sequence[HeardNote], misfits: Misfits) -> list[str]:
    """Return for each note the fault for which it is left out, or an empty text."""
    wrong = list(NEVER_USED)
    for fault in LEFT_OUT:
        if misfits != "keep" and 2 * sum(fault in note.faults for note in heard) < len(heard):
            wrong.append(fault)
    return [next((FAULTS[fault] for fault in note.faults if fault in wrong), "") for note in heard]


def _leave_out_far(notes: list[NoteFile], misfits: Misfits) -> None:
    """Leave out notes whose level is far from that of the others."""
    used = [note for note in notes if note.pitch is not None]
    if misfits == "keep" or len(used) < 3:
        return
    levels = np.array([note.level for note in used])
    for note, far in zip(used, far_levels(levels), strict=True):
        if far:
            difference = note.level - float(np.median(levels))
            note.pitch = None
            note.reason = f"is {abs(difference):.0f} dB {'louder' if difference > 0 else 'quieter'} than most"


def _examples(reasons: Mapping[Path, str], most: int = 3) -> str:
    listed = "; ".join(f"{file.name} {reason}" for file, reason in list(reasons.items())[:most])
    return listed + (f"; and {len(reasons) - most} more" if len(reasons) > most else "")
