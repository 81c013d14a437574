"""What names of samples tell besides the pitch: dynamic, articulation, string, round robin, microphone."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sktimbre.datasets.names import LATIN_NOTE, NOTE

__all__ = ["DYNAMICS", "Tokens", "tokens_of"]

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
VELOCITY = re.compile(r"(?:v|vel|vl|velocity|layer)(\d{1,3})")
ROUND_ROBIN = re.compile(r"(?:rr|r|robin|take|tk)(\d{1,2})")
STRING = re.compile(r"(\d)c|str(?:ing)?(\d)|sul([gdaec])")
# Words of two tokens, and tokens between a capital and small letters, as in "mezzo-forte" and "ArcoVib".
JOINED = re.compile(r"\b(mezzo|very|non|no)[\s]+(forte|piano|long|vib|vibrato)\b")
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


def tokens_of(file: Path, root: Path | None = None, pitch: int | None = None) -> Tokens:
    """Return the tokens of a file's name, and of the folders between it and ``root``, without those of its pitch.

    Parameters
    ----------
    file : Path
        The file.
    root : Path or None
        Folder that was searched.
    pitch : int or None
        MIDI number as written in the name.

    Examples
    --------
    >>> tokens_of(Path("flute_A4_1_mezzo-forte_normal.mp3"), pitch=69).kinds
    {'dynamic': 'mf', 'articulation': 'ordinario'}
    """
    parts: Sequence[str] = [file.stem]
    if root is not None and file.is_relative_to(root):
        parts = [*file.relative_to(root).parent.parts, file.stem]
    text = LATIN_NOTE.sub(" ", NOTE.sub(" ", " ".join(parts)))
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = re.sub(r"[\W_]+", " ", text).lower()
    text = JOINED.sub(r"\1\2", text)
    kinds: dict[str, str] = {}
    others: Counter = Counter()
    for token in text.split():
        kind, value = _kind(token)
        if kind is None:
            if not (token.isdecimal() and int(token) == pitch):
                others[token] += 1
        elif kind == "articulation" and kind in kinds:
            kinds[kind] = ", ".join(sorted({*kinds[kind].split(", "), value}))
        elif kind != "dynamic" or token != "piano":  # more often the instrument
            kinds[kind] = value
        else:
            kinds.setdefault(kind, value)
    return Tokens(kinds, others)


def _kind(token):
    if token in DYNAMIC_WORDS:
        return "dynamic", DYNAMIC_WORDS[token]
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
