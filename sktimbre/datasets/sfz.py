"""Pitches of samples in SFZ files, the maps of sample libraries."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["pitches_in_maps"]

# Folders above the samples that are searched for maps.
LEVELS = 2
# Limits: maps of real libraries have a few thousand lines.
MOST_MAPS, MOST_BYTES = 64, 4 << 20
HEADER = re.compile(r"<(\w+)>")
# A value ends before the next opcode, since names of samples may contain spaces.
OPCODE = re.compile(r"([\w$]+)=(.*?)(?=\s+[\w$]+=|\s*<|\s*$)")
NOTE = re.compile(r"([a-g])([#b]?)(-?\d)", re.IGNORECASE)
SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
# Opcodes of an outer header hold in all inner ones.
NESTING = ("control", "global", "master", "group", "region")


def pitches_in_maps(files: Iterable[Path]) -> dict[int, int]:
    """Return the root notes of samples in SFZ files beside or above them.

    Parameters
    ----------
    files : iterable of Path
        The samples.

    Returns
    -------
    dict of int to int
        MIDI numbers by the index of the file.
    """
    files = list(files)
    places = {_key(file): i for i, file in enumerate(files)}
    folders = {file.resolve().parent for file in files}
    searched = {above for folder in folders for above in (folder, *list(folder.parents)[:LEVELS])}
    found: dict[int, int] = {}
    for folder in sorted(searched):
        maps = [file for file in sorted(folder.glob("*")) if file.suffix.lower() == ".sfz"]
        for file in maps[:MOST_MAPS]:
            for sample, pitch in _regions(file):
                if (place := places.get(_key(sample))) is not None:
                    found.setdefault(place, pitch)
    return found


def _key(file: Path) -> str:
    # Maps are often written where names ignore case.
    return str(file.resolve()).casefold()


def _regions(file: Path) -> Iterator[tuple[Path, int]]:
    """Yield the sample and the root note of each region of a map."""
    try:
        if file.stat().st_size > MOST_BYTES:
            return
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    text = re.sub(r"//.*", "", text)
    for name, value in re.findall(r"#define\s+(\$\w+)\s+(\S+)", text):
        text = text.replace(name, value)
    opcodes: dict[str, dict[str, str]] = {}
    pieces = HEADER.split(text)
    for header, body in zip(pieces[1::2], pieces[2::2], strict=True):
        level = NESTING.index(header) if header in NESTING else -1
        if level < 0:
            continue
        for inner in NESTING[level + 1 :]:
            opcodes.pop(inner, None)
        opcodes[header] = dict(opcode for line in body.splitlines() for opcode in OPCODE.findall(line))
        if header != "region":
            continue
        merged: dict[str, str] = {}
        for each in NESTING:
            own = opcodes.get(each, {})
            if "key" in own:  # also sets the root note
                merged.pop("pitch_keycenter", None)
            merged |= own
        pitch = _pitch(merged)
        if pitch is not None and "sample" in merged:
            name = merged.get("default_path", "") + merged["sample"].strip()
            yield file.parent / name.replace("\\", "/"), pitch


def _pitch(opcodes):
    low, high = opcodes.get("lokey"), opcodes.get("hikey")
    value = opcodes.get("pitch_keycenter") or opcodes.get("key") or (low if low == high else None)
    if value is None:
        return None
    if match := NOTE.fullmatch(value.strip()):
        sign = {"#": 1, "b": -1, "": 0}[match[2].lower()]
        pitch = 12 * (int(match[3]) + 1) + SEMITONES[match[1].lower()] + sign
    elif value.strip().isdecimal():
        pitch = int(value)
    else:
        return None
    return pitch if 0 <= pitch <= 127 else None
