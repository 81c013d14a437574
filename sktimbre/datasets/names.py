"""Read the pitch of a note from its file name."""

import os
import re
from pathlib import Path

from sktimbre.audio.soundfiles import READABLE_SUFFIXES
from sktimbre.exceptions import DatasetError

PIANO = range(21, 109)
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SIGNS = {"": 0, "#": 1, "♯": 1, "s": 1, "b": -1, "♭": -1}
NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
NOTE = r"(?<![^\W_])([{letters}])([#♯b♭s]?)(\d)(?![^\W_]|[#♯♭])"
UPPER, LOWER = (re.compile(NOTE.format(letters=letters)) for letters in ("A-G", "a-g"))
NUMBER = re.compile(r"(?<![^\W_])\d{1,3}(?![^\W_])")


def pitch_from_name(name: str | os.PathLike[str]) -> int:
    """Read the pitch of a note from its file name.

    The pitch must not touch other letters or digits. These forms are tried in order:

    1. a note name, a capital letter with an octave: ``A4``, ``Bb4``, ``A#4``, ``Cs4``, where ``C4`` is 60, middle C;
    2. the same in small letters: ``a4``, ``bb4``;
    3. a MIDI number from 21 to 108, the range of the piano: ``61``, ``061``.

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
        The name has no pitch, several different pitches, or ``As4`` or ``Es4``, which is sharp in English and flat in
        German.

    Notes
    -----
    A letter without an octave is not a pitch (the E-flat clarinet in ``EbClarinet.ff.A3.flac``), nor is a range such as
    ``B3B4``.

    Examples
    --------
    >>> from sktimbre.datasets import pitch_from_name
    >>> [pitch_from_name(name) for name in ("Flute.nonvib.ff.Bb4.stereo.aif", "flute_A#4_01.wav", "clarinet-61.wav")]
    [70, 70, 61]
    """
    if not isinstance(name, str | os.PathLike):
        raise DatasetError(f"name={name!r} must be the name of a file.")
    path = Path(name)
    text = path.stem if path.suffix.lower() in READABLE_SUFFIXES else path.name
    for pattern in (UPPER, LOWER):
        notes = [match.groups() for match in pattern.finditer(text)]
        for letter, sign, octave in notes:
            if sign == "s" and letter in "AaEe":
                raise _error(
                    name, f"{letter}s{octave} is {letter}-sharp in English and {letter}-flat in German: write # or b"
                )
        # Names above G9, MIDI number 127, are not pitches.
        pitches = {p for note in notes if 0 <= (p := _midi(*note)) <= 127}
        if pitches:
            return _only(name, pitches)
    numbers = {n for match in NUMBER.findall(text) if (n := int(match)) in PIANO}
    if not numbers:
        raise _error(name, "it has no note name such as A4 or Bb4 and no MIDI number from 21 to 108")
    return _only(name, numbers)


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


def _midi(letter: str, sign: str, octave: str) -> int:
    return 12 * (int(octave) + 1) + SEMITONES[letter.upper()] + SIGNS[sign]


def _only(name: str | os.PathLike[str], pitches: set[int]) -> int:
    if len(pitches) > 1:
        raise _error(name, f"it could be any of {', '.join(f'{name_of_pitch(p)} ({p})' for p in sorted(pitches))}")
    return pitches.pop()


def _error(name: str | os.PathLike[str], reason: str) -> DatasetError:
    return DatasetError(
        f"The pitch cannot be read from the name {os.fspath(name)!r}: {reason}. "
        "Rename the file, for instance to flute.A4.wav; or, from Python, pass pitches= (a dict from file name to MIDI "
        "number, a sequence in the order of the sorted files, or a function of the path)."
    )
