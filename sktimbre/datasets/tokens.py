"""What names of samples tell besides the pitch: dynamic, articulation, string, round robin, microphone."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from sktimbre.datasets.names import LATIN_NOTE, NOTE, values_of_note

__all__ = ["DYNAMICS", "Tokens", "instrument_words", "tokens_of", "words_in"]

DYNAMICS = ("pppp", "ppp", "pp", "p", "mp", "mf", "f", "ff", "fff", "ffff")
DYNAMIC_WORDS = {
    "pianissimo": "pp",
    "mezzopiano": "mp",
    "mezzoforte": "mf",
    "fortissimo": "ff",
    "forte": "f",
    "piano": "p",
    "soft": "p",
    "quiet": "p",
    "medium": "mf",
    "loud": "f",
    **{name: name for name in DYNAMICS},
}
# The same articulation has several names.
ARTICULATIONS = {
    "normal": "ordinario",
    "norm": "ordinario",
    "ord": "ordinario",
    "ordinario": "ordinario",
    "natural": "ordinario",
    "sus": "sustained",
    "sustain": "sustained",
    "sustained": "sustained",
    "susvib": "vibrato",
    "vib": "vibrato",
    "vibrato": "vibrato",
    "arcovib": "vibrato",
    "molto": "vibrato",
    "nonvib": "no vibrato",
    "novib": "no vibrato",
    "nonvibrato": "no vibrato",
    "susnv": "no vibrato",
    "nv": "no vibrato",
    "stac": "staccato",
    "stacc": "staccato",
    "staccato": "staccato",
    "spic": "spiccato",
    "spiccato": "spiccato",
    "piz": "pizzicato",
    "pizz": "pizzicato",
    "pizzicato": "pizzicato",
    "col": "col legno",
    "legno": "col legno",
    "trem": "tremolo",
    "tremolo": "tremolo",
    "trill": "trill",
    "trills": "trill",
    "harm": "harmonic",
    "harmonic": "harmonic",
    "harmonics": "harmonic",
    "mute": "muted",
    "muted": "muted",
    "sord": "muted",
    "sordino": "muted",
    "flutter": "flutter-tongue",
    "fluttertonguing": "flutter-tongue",
    "slap": "slap",
    "legato": "legato",
    "marc": "marcato",
    "marcato": "marcato",
    "tenuto": "tenuto",
    "accent": "accent",
    "glissando": "glissando",
    "ponticello": "sul ponticello",
    "tasto": "sul tasto",
    "release": "release",
    "rel": "release",
}
LENGTHS = {"short": "short", "long": "long", "verylong": "very long", "phrase": "phrase"}
MICROPHONES = {
    "close",
    "near",
    "mid",
    "far",
    "room",
    "hall",
    "spot",
    "overhead",
    "oh",
    "ambient",
    "amb",
    "stage",
    "decca",
}
# A dynamic with the number of a round robin.
NUMBERED = re.compile(r"(p{1,4}|mp|mf|f{1,4})(\d{1,2})")
VELOCITY = re.compile(r"(?:v|vel|vl|velocity|layer)(\d{1,3})")
ROUND_ROBIN = re.compile(r"(?:rr|r|robin|take|tk)(\d{1,2})")
STRING = re.compile(r"(\d)c|str(?:ing)?(\d)|sul([gdaec])")
# Two words that are one token, as in mezzo forte, and the key of a horn in F.
JOINED = re.compile(r"\b(mezzo|very|non|no|in)[\s]+(forte|piano|long|vib|vibrato|f)\b")
# Within a pitch, notes with different values of these are never paired, where both folders share some of the values.
STRICT = ("dynamic", "velocity", "articulation", "length")
KINDS = (*STRICT, "string", "round robin", "microphone")


@dataclass(frozen=True)
class Tokens:
    """Tokens of a name besides its pitch.

    Parameters
    ----------
    kinds : dict of str to str
        Values of known kinds: "dynamic", "velocity", "articulation", "length", "string", "round robin", "microphone".
    others : Counter of str
        Other tokens.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    others: Counter = field(default_factory=Counter)


def tokens_of(
    file: Path,
    root: Path | None = None,
    pitch: int | None = None,
    frequent: Mapping[str, int] | None = None,
    ignored: Set[str] = frozenset(),
) -> Tokens:
    """Return the tokens of a file's name, and of the folders between it and ``root``, without those of its pitch.

    Parameters
    ----------
    file : Path
        The file.
    root : Path or None
        Folder that was searched.
    pitch : int or None
        MIDI number as written in the name.
    frequent : mapping of str to int or None
        In how many names of the folder each word is. Of two words of a kind the rarer tells about the note: of ``pp`` and the
        ``F`` of a horn in F, which all names have, it is ``pp``.
    ignored : set of str
        Dynamics that tell nothing, see `instrument_words`.

    Examples
    --------
    >>> tokens_of(Path("flute_A4_1_mezzo-forte_normal.mp3"), pitch=69).kinds
    {'dynamic': 'mf', 'articulation': 'ordinario'}
    """
    kinds: dict[str, str] = {}
    counts: dict[str, int] = {}
    others: Counter = Counter()
    for token in words_in(file, root, pitch):
        kind, value = _kind(token)
        count = (frequent or {}).get(token, 0)
        if kind is None or token in ignored:
            if not (token.isdecimal() and int(token) == pitch):
                others[token] += 1
        elif kind == "articulation" and kind in kinds:
            kinds[kind] = ", ".join(sorted({*kinds[kind].split(", "), value}))
        elif kind not in kinds or (count < counts[kind] if count != counts[kind] else token != "piano"):
            # Piano is more often the instrument.
            kinds[kind], counts[kind] = value, count
    return Tokens(kinds, others)


def instrument_words(frequent: Mapping[str, int], n_names: int) -> set[str]:
    """Return "piano" if all names of a folder have it and no other dynamic: it is the instrument, or tells nothing.

    Parameters
    ----------
    frequent : mapping of str to int
        In how many names of the folder each word is.
    n_names : int
        Number of names of the folder.
    """
    dynamics = {word for word in frequent if _kind(word)[0] == "dynamic"}
    return dynamics if dynamics == {"piano"} and frequent["piano"] == n_names else set()


def words_in(file: Path, root: Path | None = None, pitch: int | None = None) -> list[str]:
    """Return the words in a file's name and folders, in small letters, without its pitch; parameters as in `tokens_of`."""
    parts: Sequence[str] = [file.stem]
    if root is not None and file.is_relative_to(root):
        parts = [*file.relative_to(root).parent.parts, file.stem]

    def without_pitch(match):
        # The f-1 in C4_f-1 is the first take of a forte.
        return " " if pitch is None or pitch in values_of_note(match) else match[0]

    text = LATIN_NOTE.sub(" ", NOTE.sub(without_pitch, unquote(" ".join(parts))))
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = re.sub(r"[\W_]+", " ", text).lower()
    return JOINED.sub(r"\1\2", text).split()


def _kind(token):
    if token in DYNAMIC_WORDS:
        return "dynamic", DYNAMIC_WORDS[token]
    if match := NUMBERED.fullmatch(token):
        return "dynamic", match[1]
    if token in ARTICULATIONS:
        return "articulation", ARTICULATIONS[token]
    if token in LENGTHS:
        return "length", LENGTHS[token]
    if token in MICROPHONES:
        return "microphone", token
    for kind, pattern in (("velocity", VELOCITY), ("round robin", ROUND_ROBIN), ("string", STRING)):
        if match := pattern.fullmatch(token):
            value = next(group for group in match.groups() if group)
            return kind, str(int(value)) if value.isdecimal() else value
    return None, token
