"""Pitches in the names of sound files: of one file, and of a folder, whose names are compared."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath
from statistics import median
from typing import Any
from urllib.parse import unquote

from sktimbre.audio.soundfiles import SOUND_SUFFIXES
from sktimbre.exceptions import DatasetError

__all__ = [
    "NamePart",
    "is_german",
    "midi_of_name",
    "name_of_pitch",
    "name_parts",
    "pitch_candidates",
    "pitch_from_name",
    "pitch_part",
    "pitches_in_names",
]

NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "H": 11}
LATIN = {"do": 0, "ut": 0, "re": 2, "ré": 2, "mi": 4, "fa": 5, "sol": 7, "la": 9, "si": 11}
SIGNS = {"": 0, "#": 1, "♯": 1, "s": 1, "is": 1, "sharp": 1, "d": 1, "dièse": 1, "b": -1, "♭": -1, "es": -1, "flat": -1}
# A letter, a sign and an octave. No letter stands before them, unless a capital begins a word as in FluteC4. Only a number of
# velocities or round robins, such as v8 or rr1, may follow without a separator: in C4B4 the note is not told.
NOTE = re.compile(
    r"(?:(?<![^\W_])|(?<=[a-z])(?=[A-H]))([A-Ha-h])(sharp|flat|is|es|[#♯♭bs]?)(-?\d)"
    r"(?=$|[\W_]|(?:v|vel|rr|r)\d+(?:$|[\W_]))(?![#♯♭])"
)
LATIN_NOTE = re.compile(
    r"(?<![^\W\d_])(do|ut|re|ré|mi|fa|sol|la|si)[ _-]?(sharp|flat|#|♯|♭|b|)(-?\d)(?![^\W_])", re.IGNORECASE
)
# Letters that may stand before a MIDI number, as in M60.
NUMBER = re.compile(r"(?<![^\W_])(m|midi|n|note|key|k|p|)(\d{1,3})(?![^\W_])", re.IGNORECASE)
# Spellings that are believed only if they agree with what is heard: anything beside the note name, capital signs (fluteC4f1,
# BB4), C 4 or C-4, 4C, and numbers beside letters (Fl60v100, 060C). The French d is a dièse.
BESIDE = re.compile(r"([A-Ha-h])(sharp|flat|is|es|[#♯♭bs]?)(-?\d)(?![\d#♯♭])", re.IGNORECASE)
LATIN_BESIDE = re.compile(r"(do|ut|re|ré|mi|fa|sol|la|si)(sharp|flat|dièse|d|#|♯|♭|b|)(-?\d)(?!\d)", re.IGNORECASE)
SPACED = re.compile(r"(?<![^\W_])([A-Ga-g])(sharp|flat|[#♯♭bs]?)[ _-]([0-9])(?![^\W_])")
OCTAVE_FIRST = re.compile(r"(?<![^\W_])([0-9])([A-Ga-g])(sharp|flat|[#♯♭bs]?)(?![^\W_])")
BESIDE_LETTERS = re.compile(r"(?<=[A-Za-z])(\d{2,3})(?!\d)|(?<!\d)(\d{2,3})(?=[A-Za-z])")
PIANO = range(21, 109)
# A pitch is in this share of the names at least; single files without one, such as effects, are left out.
COVERAGE = 0.6
# Semitones between neighbouring pitches of a library, at most; velocities lie further apart.
LARGEST_STEP = 12


def pitch_from_name(name: str | os.PathLike[str]) -> int:
    """Read the pitch of a note from its file name.

    `load_notes` compares all names of a folder, and listens, which tells more than one name.

    Parameters
    ----------
    name : path-like
        File name; its folders are ignored.

    Returns
    -------
    int
        MIDI number, 0 to 127.

    Raises
    ------
    DatasetError
        The name has no pitch, or several different ones.

    Notes
    -----
    A note name with capital letters (``A4``, ``Bb4``, ``A#4``, ``As4``; ``C4`` is 60, middle C) comes before one with small
    letters, and both before a MIDI number from 21 to 108, the range of the piano. A letter without an octave is not a pitch
    (the E-flat clarinet in ``EbClarinet.ff.A3.flac``), nor is a range such as ``B3B4``. ``Es`` is the German name of E flat,
    and ``H`` of B.

    Examples
    --------
    >>> from sktimbre.datasets import pitch_from_name
    >>> [pitch_from_name(name) for name in ("Flute.nonvib.ff.Bb4.stereo.aif", "flute_A#4_01.wav", "clarinet-61.wav")]
    [70, 70, 61]
    """
    if not isinstance(name, str | os.PathLike):
        raise DatasetError(f"name={name!r} must be the name of a file.")
    path = Path(name)
    return pitches_in_names([path], "pitches")[path]


def midi_of_name(name: str, german: bool = False) -> int:
    """Return the MIDI number of a note name such as ``A4``, ``Bb4`` or ``la4``.

    In German, B is B flat and H is B, and As and Es are flats; Es is always read so, since E sharp is not written in practice.

    Raises
    ------
    DatasetError
        It is not a note name.
    """
    if match := NOTE.fullmatch(name.strip()):
        return _midi(match, german or is_german([name]))
    if match := LATIN_NOTE.fullmatch(name.strip()):
        return _latin(match)
    raise DatasetError(f"{name!r} is not the name of a note, such as A4 or Bb4.")


def name_of_pitch(pitch: int) -> str:
    """Return the name of a MIDI number in the Iowa scheme.

    Parameters
    ----------
    pitch : int
        MIDI number.

    Returns
    -------
    str
        The note name, spelled with flats.

    Examples
    --------
    >>> name_of_pitch(70)
    'Bb4'
    """
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


@dataclass(frozen=True)
class NamePart:
    """A part of the names that may be the pitch.

    Parameters
    ----------
    kind : {"note name", "German note name", "Latin note name", "MIDI number"}
        How the pitch is written.
    values : dict of int to int
        MIDI numbers by the index of the name.
    score : float
        Likelihood that it is the pitch, above 0.
    """

    kind: str
    values: dict[int, int]
    score: float


def pitch_part(names: Sequence[str]) -> tuple[NamePart | None, list[NamePart]]:
    """Find the part of the names that is the pitch.

    Parameters
    ----------
    names : sequence of str
        File names of a folder.

    Returns
    -------
    part : NamePart or None
        None where no part can be the pitch, or two are equally likely and disagree.
    considered : list of NamePart
        All parts that can be the pitch, the likeliest first.

    Examples
    --------
    >>> names = ["bass_009-013-025.wav", "bass_009-013-100.wav", "bass_009-015-075.wav", "bass_009-014-050.wav"]
    >>> pitch_part(names)[0].values
    {0: 13, 1: 13, 2: 15, 3: 14}
    """
    considered = sorted(name_parts(names), key=lambda part: -part.score)
    if not considered:
        return None, []
    best, *others = considered
    # MIDI numbers tell the octave, note names leave it to a convention: C3 or C4 is 60.
    for other in others:
        if best.kind == "note name" and other.kind == "MIDI number" and _agree(best, other):
            return other, considered
    rivals = [part for part in others if part.score >= best.score and part.values != best.values]
    return (None if rivals else best), considered


def pitch_candidates(names: Sequence[str]) -> list[NamePart]:
    """Return all parts of names that could be a pitch, also unlikely ones, for comparison with what is heard."""
    stems = [_stem(name) for name in names]
    # One file with an H or an Es does not make the others German: the ear decides.
    notes = [_notes(stems, german) for german in (False, True)]
    found = [*notes, _numbers(stems), _latin_notes(stems), _other_spellings(stems)]
    return [part for fields in found for part in _scored(fields, len(stems), least=None)]


def pitches_in_names(files: Sequence[Path], parameter: str) -> dict[Path, int]:
    """Return the MIDI numbers in the names of files, without those files whose names have none.

    Parameters
    ----------
    files : sequence of Path
        The files of a folder.
    parameter : str
        The parameter that can give the pitches, for the error.

    Raises
    ------
    DatasetError
        No part of the names can be the pitch, or two can; the error says which were considered.
    """
    part, considered = pitch_part([file.name for file in files])
    if part is not None:
        return {files[i]: value for i, value in sorted(part.values.items())}
    which = (
        f"The name {files[0].name!r} does"
        if len(files) == 1
        else f"The names of {len(files)} files, such as {files[0].name!r}, do"
    )
    if considered:
        more = ", ..." if len(files) > 4 else ""
        shown = [
            f"{each.kind} ({', '.join(map(str, list(each.values.values())[:4]))}{more})" for each in considered[:4]
        ]
        reason = f"these parts may be the pitch: {'; '.join(shown)}"
    else:
        number = "that varies from name to name" if len(files) > 1 else f"from {PIANO[0]} to {PIANO[-1]}"
        reason = f"there is no note name such as A4 or Bb4 and no MIDI number {number}"
    raise DatasetError(
        f"{which} not tell the pitch: {reason}. Rename the files, for instance to flute.A4.wav; or, from Python, pass "
        f"{parameter}= (a dict from file name to MIDI number, a sequence in the order of the sorted files, or a function of "
        "the path)."
    )


def name_parts(names: Sequence[str]) -> Iterator[NamePart]:
    """Yield the parts of names that can be the pitch: present in most names and, in several files, not all the same."""
    stems = [_stem(name) for name in names]
    found = [_notes(stems, is_german(stems)), _numbers(stems)]
    parts = [part for each in found for part in _scored(each, len(stems))]
    yield from parts or _scored(_latin_notes(stems), len(stems))


def is_german(stems: Sequence[str]) -> bool:
    """Return True if one of some names has an H or an Es for a note."""
    # E sharp is not written in practice.
    return any(m[1] in "Hh" or (m[1] in "Ee" and m[2] == "s") for stem in stems for m in NOTE.finditer(stem))


def _stem(name):
    path = PurePath(name)
    # Downloads may have %23 for #.
    return unquote(path.stem if path.suffix.lower() in SOUND_SUFFIXES else path.name)


def _notes(stems, german) -> dict[tuple, dict[int, int]]:
    """Return MIDI numbers of note names by where they stand: small or capital letters, first, second, ... last."""
    fields: dict[tuple, dict[int, int]] = {}
    negative: Counter = Counter()
    for i, stem in enumerate(stems):
        for case in (str.isupper, str.islower):
            matches = [match for match in NOTE.finditer(stem) if case(match[1])]
            for place, match in _places(matches):
                key = ("note name", case is str.isupper, place)
                value = _midi(match, german)
                if 0 <= value <= 127:
                    fields.setdefault(key, {})[i] = value
                    negative[key] += match[3].startswith("-")
    # Where all octaves follow a hyphen it is a separator: take 1, and no octave -1.
    return {key: values for key, values in fields.items() if negative[key] < len(values) or len(values) == 1}


def values_of_note(match: re.Match) -> set[int]:
    """Return the MIDI numbers of a match of `NOTE`, in English and in German."""
    return {_midi(match, german) for german in (False, True)}


def _midi(match, german):
    letter, sign, octave = match[1].upper(), match[2].lower(), int(match[3])
    semitone = SEMITONES[letter] - (german and letter == "B")
    # As and Es are flats where H is a note.
    change = -1 if german and sign == "s" else SIGNS[sign]
    return 12 * (octave + 1) + semitone + change


def _numbers(stems):
    fields: dict[tuple, dict[int, int]] = {}
    for i, stem in enumerate(stems):
        by_prefix: dict[str, list] = {}
        for match in NUMBER.finditer(stem):
            by_prefix.setdefault(match[1].lower(), []).append(match)
        for prefix, matches in by_prefix.items():
            for place, match in _places(matches):
                if int(match[2]) <= 127:
                    fields.setdefault(("MIDI number", prefix, place), {})[i] = int(match[2])
    return fields


def _other_spellings(stems):
    fields: dict[tuple, dict[int, int]] = {}
    for i, stem in enumerate(stems):
        matches: list[tuple[str, str, list[int]]] = [
            ("note name", "C 4", [_named(m[1], m[2], m[3]) for m in SPACED.finditer(stem)]),
            ("note name", "4C", [_named(m[2], m[3], m[1]) for m in OCTAVE_FIRST.finditer(stem)]),
            ("note name", "beside", [_midi(m, german=False) for m in BESIDE.finditer(stem)]),
            ("German note name", "beside", [_midi(m, german=True) for m in BESIDE.finditer(stem)]),
            ("Latin note name", "beside", [_latin(m) for m in LATIN_BESIDE.finditer(stem)]),
            ("MIDI number", "letters", [int(m[1] or m[2]) for m in BESIDE_LETTERS.finditer(stem)]),
        ]
        for kind, style, values in matches:
            for place, value in _places(values):
                if 0 <= value <= 127:
                    fields.setdefault((kind, style, place), {})[i] = value
    return fields


def _named(letter, sign, octave):
    return 12 * (int(octave) + 1) + SEMITONES[letter.upper()] + SIGNS[sign.lower()]


def _latin(match):
    return 12 * (int(match[3]) + 1) + LATIN[match[1].lower()] + SIGNS[match[2].lower()]


def _latin_notes(stems):
    fields: dict[tuple, dict[int, int]] = {}
    for i, stem in enumerate(stems):
        for place, match in _places(list(LATIN_NOTE.finditer(stem))):
            value = _latin(match)
            if 0 <= value <= 127:
                fields.setdefault(("Latin note name", "", place), {})[i] = value
    return fields


def _places(matches: list) -> Iterator[tuple[int, Any]]:
    """Yield matches, or values, with their places, counted from the first and, negative, from the last."""
    for k, match in enumerate(matches):
        yield k, match
        yield k - len(matches), match


def _scored(fields: dict[tuple, dict[int, int]], n_names: int, least: float | None = 0.0) -> list[NamePart]:
    parts: dict[tuple, NamePart] = {}
    for (kind, style, _), values in fields.items():
        score = _score(kind, style, values, n_names)
        if least is None or score > least:
            # Counted from the first and from the last, the same part is found twice.
            parts.setdefault(tuple(sorted(values.items())), NamePart(kind, values, score))
    return list(parts.values())


def _score(kind, style, values: dict[int, int], n_names: int) -> float:
    """Return how likely values are pitches, as a score to compare parts of the same names; 0 where they cannot be.

    Note names weigh more than MIDI numbers, and MIDI numbers with a letter before them or on a piano's keyboard more than
    others. Within a kind, parts win that more files have, and that vary in small steps.
    """
    coverage = len(values) / n_names
    distinct = sorted(set(values.values()))
    steps = [b - a for a, b in pairwise(distinct)]
    if coverage < COVERAGE:
        return 0.0
    score = coverage
    if kind != "MIDI number":
        score += 4 if style is not False else 3
    elif _counts(distinct, n_names) or (n_names == 1 and distinct[0] not in PIANO):
        return 0.0
    else:
        score += (1.5 if style else 1) + all(value in PIANO for value in distinct)
        if steps and 127 in distinct and min(steps) > LARGEST_STEP:
            return 0.0  # velocities
    if len(distinct) == 1 and n_names > 2:
        # One pitch in several takes; a number that never changes is something else.
        return 0.1 * score if kind != "MIDI number" else 0.0
    return score + 0.5 if not steps or median(steps) <= LARGEST_STEP else score - 1


def _counts(distinct: Sequence[int], n_names: int) -> bool:
    """Return True if numbers count the files: 0 or 1, 2, 3, ... each of them once."""
    return len(distinct) > 1 and distinct[0] <= 1 and len(distinct) == n_names == distinct[-1] - distinct[0] + 1


def _agree(a: NamePart, b: NamePart) -> bool:
    """Return True if two parts tell the same pitches but for the numbering of octaves."""
    both = a.values.keys() & b.values.keys()
    differences = {b.values[i] - a.values[i] for i in both}
    return len(both) > 1 and len(differences) == 1 and differences.pop() % 12 == 0
