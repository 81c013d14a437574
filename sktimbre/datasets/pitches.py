"""Decide the pitch of each file of a folder: by names, headers and maps, compared with what is heard, or as given."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from sktimbre.audio.metadata import root_note
from sktimbre.datasets.listening import HeardNote
from sktimbre.datasets.names import NamePart, name_of_pitch, pitch_candidates, pitch_part
from sktimbre.datasets.pitch import LEAST_CLARITY, MISTAKABLE
from sktimbre.datasets.sfz import pitches_in_maps
from sktimbre.exceptions import DatasetError

__all__ = ["CURES", "Decided", "decide_pitches", "find_tuning", "heard_pitches"]

# Clarity from which a heard pitch can contradict a name, and from which also by an octave or a fifth.
CLEAR, UNMISTAKABLE = 0.3, 0.4
# Semitones between a heard pitch and a written one, in the tuning of the folder, that count as mistuning: ends of pianos are
# stretched, and their partials are inharmonic.
TOLERANCE = 0.85
# Share of the notes with a clear pitch that must agree with a part of the names.
MAJORITY = 0.6
# Pitches that `hear_pitch` hears.
HEARABLE = range(21, 109)
# Octaves by which the numbering of octaves may differ, and notes that are needed to believe in a transposition.
MOST_OCTAVES, FEWEST_TRANSPOSED = 2, 3
# Notes that are needed to know the tuning of a folder.
FEWEST_TUNED = 5
# Semitones by which half of fewer notes may differ from their tuning.
LARGEST_AWAY = 0.15
IN_NAMES = ("note name", "German note name", "Latin note name", "MIDI number")
TABLE = (
    "or give a table (--pitches FILE.csv): `sktimbre pairs --pitches heard --csv FILE.csv` writes one, to be corrected"
)
CURES = (
    "Use the heard pitches (pitches='heard', --pitches heard), believe the names (misfits='keep', --misfits keep), "
    f"{TABLE}; --source-pitches and --target-pitches are for one side."
)
UNTOLD = (
    "Use the heard pitches (pitches='heard', --pitches heard), say where the names have them (a regular expression: --pitches "
    f"'_(?P<note>[A-G]#?\\d)_'), {TABLE}; --source-pitches and --target-pitches are for one side."
)


@dataclass
class Decided:
    """Pitches of the files of a folder.

    Parameters
    ----------
    written, pitches : dict of int to int
        MIDI numbers as written, and as they are used, by the index of the file.
    reasons : dict of int to str
        Why other files are left out.
    messages : list of str
        What the user is told.
    """

    written: dict[int, int] = field(default_factory=dict)
    pitches: dict[int, int] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


class _Judged(NamedTuple):
    """A part of the names, its constant offset in semitones, and how many clear notes agree and are compared; the tuning."""

    part: NamePart
    offset: int
    n_agree: int
    n_compared: int
    tuning: float = 0.0


def decide_pitches(
    files: Sequence[Path],
    heard: Sequence[HeardNote],
    shown: str,
    *,
    octave: int | Literal["auto"] = "auto",
    misfits: Literal["leave_out", "raise", "keep"] = "leave_out",
    parts: Sequence[NamePart] | None = None,
    missing: str = "",
) -> Decided:
    """Decide the pitches of files by what is written and what is heard.

    Candidates are the parts of the names, root notes in headers and in SFZ maps. The one that agrees best with the clear
    pitches that are heard is chosen; where nothing is clear, the likeliest by the names alone.

    Parameters
    ----------
    files : sequence of Path
        Files of a folder.
    heard : sequence of HeardNote
        What is heard in them.
    shown : str
        The folder, for errors.
    octave : int or "auto"
        Octaves added to the written pitches; "auto" adds those by which they are constantly wrong.
    misfits : {"leave_out", "raise", "keep"}
        What happens to notes that sound different from what is written.
    parts : sequence of NamePart or None
        Candidates; None finds them.
    missing : str
        Why files are left out that the chosen candidate lacks.

    Returns
    -------
    Decided

    Raises
    ------
    DatasetError
        Nothing is written, it does not agree with what is heard, or, with ``misfits="raise"``, single notes do not.
    """
    clear = {i: note.midi for i, note in enumerate(heard) if note.clarity >= CLEAR and not np.isnan(note.midi)}
    candidates = list(parts) if parts is not None else _candidates(files)
    chosen = _choose(files, clear, shown, candidates, parts is None, trusted=misfits == "keep")
    decided = Decided(chosen.part.values | _other_spellings(chosen, candidates, clear))
    if chosen.offset % 12 and misfits != "keep":
        raise DatasetError(
            f"{shown}: all notes sound {_interval(chosen.offset)} than their {chosen.part.kind}s say, as those of a "
            f"transposing instrument do. {CURES}"
        )
    octaves = octave if octave != "auto" else chosen.offset // 12 if chosen.offset % 12 == 0 else 0
    if octaves and octave == "auto":
        decided.messages.append(
            f"{shown}: the notes sound {_interval(12 * octaves)} than their {chosen.part.kind}s say "
            f"({chosen.n_agree} of {chosen.n_compared} notes with a clear pitch), and are used as they sound. To use them "
            "as written, give --source-octave 0 or --target-octave 0 (octave=0 in Python)."
        )
    if chosen.part.kind == "MIDI number" and not chosen.n_compared and len(files) > 1 and misfits != "keep":
        decided.messages.append(
            f"{shown}: no pitch is heard clearly enough to be compared with the numbers in the names, which are "
            "used as MIDI numbers."
        )
    for i, value in decided.written.items():
        if 0 <= value + 12 * octaves <= 127:
            decided.pitches[i] = value + 12 * octaves
    for i in range(len(files)):
        if i not in decided.pitches:
            decided.reasons[i] = missing or "has no pitch in its name"
    if misfits != "keep":
        _compare(decided, files, heard, clear, chosen, shown, misfits)
    return decided


def find_tuning(midi: Sequence[float] | np.ndarray) -> float:
    """Return by how many semitones, from -0.5 to 0.5, most pitches are higher than those of a piano at 440 Hz.

    Parameters
    ----------
    midi : sequence or ndarray of float
        Pitches as fractional MIDI numbers; of none, and of few that do not agree, the tuning is 0.

    Examples
    --------
    >>> round(find_tuning([60.44, 62.46, 64.48]), 2)
    0.46
    """
    if not len(midi):
        return 0.0
    # The median of deviations from their mean on the circle.
    mean = np.angle(np.mean(np.exp(2j * np.pi * np.asarray(midi)))) / (2 * np.pi)
    tuning = mean + np.median((np.asarray(midi) - mean + 0.5) % 1 - 0.5)
    away = np.median(np.abs((np.asarray(midi) - tuning + 0.5) % 1 - 0.5))
    if len(midi) < FEWEST_TUNED and away > LARGEST_AWAY:
        return 0.0
    return float((tuning + 0.5) % 1 - 0.5)


def heard_pitches(heard: Sequence[HeardNote]) -> Decided:
    """Return the pitches that are heard, in the tuning of the folder; notes without a clear pitch are left out."""
    clear = {i: note.midi for i, note in enumerate(heard) if note.clarity >= LEAST_CLARITY and not np.isnan(note.midi)}
    tuning = find_tuning(list(clear.values()))
    decided = Decided(pitches={i: round(midi - tuning) for i, midi in clear.items()})
    decided.reasons = {i: "has no clear pitch" for i in range(len(heard)) if i not in clear}
    return decided


def _candidates(files):
    return [*pitch_candidates([file.name for file in files]), *_in_files(files)]


def _choose(files, clear, shown, candidates, by_names, trusted):
    """Return the part that tells the pitch."""
    names = [file.name for file in files]
    confirmed = [
        each
        for each in (_judge(part, clear) for part in candidates)
        if each.n_agree and each.n_agree >= MAJORITY * each.n_compared
    ]
    if confirmed:
        return max(confirmed, key=lambda each: (each.n_agree, each.offset == 0, each.part.score))
    part, considered = pitch_part(names) if by_names else (None, [])
    in_files = [each for each in candidates if each.score > 0 and not (by_names and each.kind in IN_NAMES)]
    part = next(iter(in_files), part)
    if part is not None and (trusted or not _contradicted(part, clear)):
        return _Judged(part, 0, 0, 0)
    which = (
        f"the name {names[0]!r} does"
        if len(names) == 1
        else f"the names of {len(names)} files, such as {names[0]!r}, do"
    )
    if part is not None:
        compared = sorted(part.values.keys() & clear.keys())
        i = next((i for i in compared if abs(clear[i] - part.values[i]) > TOLERANCE), compared[0])
        written = part.values[i] if part.kind == "MIDI number" else name_of_pitch(part.values[i])
        raise DatasetError(
            f"{shown}: {which} not agree with what is heard: {files[i].name} has the {part.kind} "
            f"{written} and sounds like {name_of_pitch(round(clear[i]))}. {CURES}"
        )
    raise DatasetError(f"{shown}: {which} not tell the pitch: {_considered(considered, len(files))} {UNTOLD}")


def _contradicted(part, clear):
    """Tell whether clear pitches contradict a part with which they do not agree."""
    compared = {i: clear[i] - value for i, value in part.values.items() if i in clear}
    # Of a note outside the range of `hear_pitch` a partial is heard. Numbers of takes sound like anything.
    lost = [d for i, d in compared.items() if part.values[i] not in HEARABLE and _away(d, (0, *MISTAKABLE)) > TOLERANCE]
    return any(part.values[i] in HEARABLE for i in compared) or 2 * len(lost) > len(compared) > 0


def _other_spellings(chosen, candidates, clear):
    """Return the pitches of files that write them in another way than most, where they sound so."""

    def sounds_so(part, i):
        return i in part.values and abs(clear[i] - part.values[i] - chosen.offset) <= TOLERANCE

    others = [part for part in candidates if part.kind != "MIDI number" or part.kind == chosen.part.kind]
    lacking = [i for i in clear if chosen.n_agree and not sounds_so(chosen.part, i)]
    return {i: part.values[i] for i in lacking for part in others if sounds_so(part, i)}


def _away(difference, intervals):
    """Return the distance in semitones of a difference, up or down, from the nearest of the intervals."""
    return min(abs(abs(difference) - interval) for interval in intervals)


def _in_files(files):
    """Return the root notes in maps and headers as parts."""
    maps = pitches_in_maps(files)
    roots = {i: root for i, file in enumerate(files) if (root := root_note(file)) is not None}
    # Many programs write the same root note into all files.
    telling = len(set(roots.values())) > 1 or len(files) == 1
    parts = [NamePart("root note in the SFZ map", maps, 9.0)] if maps else []
    return parts + (
        [NamePart("root note in the header", roots, 3.5 if telling and len(files) > 1 else 0.0)] if roots else []
    )


def _judge(part, clear):
    """Compare a part with the clear pitches."""
    compared = {i: clear[i] - v for i, v in part.values.items() if i in clear and v in HEARABLE}
    best = _Judged(part, 0, 0, len(compared))
    for offset in Counter(round(d) for d in compared.values()):
        n_agree = sum(abs(d - offset) <= TOLERANCE for d in compared.values())
        octaves = offset % 12 == 0 and abs(offset) <= 12 * MOST_OCTAVES
        distinct = len({part.values[i] for i in compared}) > 1
        transposed = abs(offset) < 12 and n_agree >= FEWEST_TRANSPOSED and distinct and part.kind != "MIDI number"
        if not (octaves or transposed):
            continue
        if (n_agree, offset % 12 == 0, -abs(offset)) > (best.n_agree, best.offset % 12 == 0, -abs(best.offset)):
            tuning = float(np.median([d - offset for d in compared.values() if abs(d - offset) <= TOLERANCE]))
            best = _Judged(part, offset, n_agree, len(compared), tuning if n_agree >= FEWEST_TUNED else 0.0)
    return best


def _compare(decided, files, heard, clear, chosen, shown, misfits):
    """Leave out, or refuse, the notes that sound different from what is written."""
    found = {}
    for i in decided.pitches.keys() & clear.keys():
        if not chosen.n_compared or decided.written[i] not in HEARABLE:
            continue
        difference = clear[i] - decided.written[i] - chosen.offset - chosen.tuning
        mistakable = _away(difference, MISTAKABLE) <= TOLERANCE
        if abs(difference) > TOLERANCE and heard[i].clarity >= (UNMISTAKABLE if mistakable else CLEAR):
            found[i] = f"sounds like {name_of_pitch(round(clear[i]))}, not {name_of_pitch(decided.pitches[i])}"
    if found and misfits == "raise":
        listed = "; ".join(f"{files[i].name} {found[i]}" for i in sorted(found)[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise DatasetError(f"{shown}: {len(found)} of {len(files)} notes sound different: {listed}{more}. {CURES}")
    for i, reason in sorted(found.items()):
        decided.reasons[i] = reason
        del decided.pitches[i]


def _interval(offset):
    octaves, semitones = divmod(abs(offset), 12)
    parts = [f"{n} {word}{'s'[: n - 1]}" for n, word in ((octaves, "octave"), (semitones, "semitone")) if n]
    return f"{' and '.join(parts)} {'higher' if offset > 0 else 'lower'}"


def _considered(considered, n_files):
    """Describe the parts of the names that were considered."""
    if not considered:
        number = "that varies from name to name" if n_files > 1 else f"from {HEARABLE[0]} to {HEARABLE[-1]}"
        return f"there is no note name such as A4 or Bb4 and no MIDI number {number}."
    more = ", ..." if n_files > 4 else ""
    shown = [f"{part.kind} ({', '.join(map(str, list(part.values.values())[:4]))}{more})" for part in considered[:4]]
    return f"these parts may be the pitch: {'; '.join(shown)}."
