"""Root note, loops and markers in the chunks of WAV and AIFF files: rescale, and translate between the two."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from sktimbre.audio.chunks import join_chunks, split_chunks

__all__ = [
    "Markers",
    "aiff_chunks",
    "aiff_markers",
    "rescale",
    "transposed",
    "wav_chunks",
    "wav_markers",
    "without_loudness",
]

Chunks = list[tuple[bytes, bytes]]
# Loop modes of smpl (forward, alternating, backward) as those of INST, which has no backward loops, and back.
MODES_OF_INST = {0: 1, 1: 2, 2: 1}
MODES_OF_SMPL = {1: 0, 2: 1}
# The five values of loudness in bext, not known.
NO_LOUDNESS = struct.pack("<5h", *5 * [0x7FFF])


@dataclass(frozen=True)
class Markers:
    """Root note, loops and markers. Positions are in samples.

    Parameters
    ----------
    root_note : int or None
        MIDI number.
    loops : tuple of (int, int, int)
        Start, end and mode of each loop. The end is the first sample behind the loop; the mode is that of ``smpl``.
    markers : tuple of (int, bytes)
        Position and label of each marker.
    """

    root_note: int | None = None
    loops: tuple[tuple[int, int, int], ...] = ()
    markers: tuple[tuple[int, bytes], ...] = ()


def rescale(name: bytes, content: bytes, sr_in: int, sr_out: int) -> bytes:
    """Return the content of a chunk with its positions at another sample rate; b"" if the chunk is malformed."""
    change = {b"smpl": _smpl_at, b"cue ": _cue_at, b"bext": _bext_at, b"MARK": _mark_at, b"LIST": _list_at}.get(name)
    if change is None or sr_in == sr_out:
        return content
    try:
        return change(content, sr_in, sr_out)
    except struct.error:
        return b""


def without_loudness(bext: bytes) -> bytes:
    """Return the content of ``bext`` without its measured loudness, which a conversion changes."""
    version = int.from_bytes(bext[346:348], "little")
    return bext if version < 2 or len(bext) < 422 else bext[:412] + NO_LOUDNESS + bext[422:]


def transposed(name: bytes, content: bytes, semitones: float) -> bytes:
    """Return the content of a chunk whose root note, if it has one, is that of a transposed sound."""
    if name == b"smpl" and len(content) >= 20:
        # With a fraction of a semitone in 2**32 parts.
        note, fraction = struct.unpack_from("<2I", content, 12)
        moved = (note << 32) + fraction + round(semitones * 2**32)
        note, fraction = divmod(min(max(moved, 0), 127 << 32), 1 << 32)
        return content[:12] + struct.pack("<2I", note, fraction) + content[20:]
    if name in (b"inst", b"INST") and content:
        return bytes([_moved(content[0], semitones)]) + content[1:]
    if name == b"acid" and len(content) >= 6:
        note = struct.pack("<H", _moved(struct.unpack_from("<H", content, 4)[0], semitones))
        return content[:4] + note + content[6:]
    return content


def wav_markers(chunks: Mapping[bytes, bytes]) -> Markers:
    """Return what the chunks ``smpl``, ``cue `` and ``adtl`` of a WAV file say."""
    note, loops, labels = None, [], {}
    smpl = chunks.get(b"smpl", b"")
    if len(smpl) >= 36:
        note = struct.unpack_from("<I", smpl, 12)[0]
        loops = [(start, min(end + 1, 0xFFFFFFFF), mode) for _, mode, start, end, *_ in _records("<6I", smpl, 36, 28)]
    for name, part in split_chunks("<", chunks.get(b"adtl", b"")[4:]):
        if name == b"labl" and len(part) >= 4:
            labels[part[:4]] = part[4:].rstrip(b"\0")
    cues = _records("<4sI4s3I", chunks.get(b"cue ", b""), 4, 0)
    return Markers(_midi(note), tuple(loops), tuple((cue[5], labels.get(cue[0], b"")) for cue in cues))


def aiff_markers(chunks: Mapping[bytes, bytes]) -> Markers:
    """Return what the chunks ``INST`` and ``MARK`` of an AIFF file say."""
    marks = {identity: (position, label) for identity, position, label in _marks(chunks.get(b"MARK", b""))}
    inst = chunks.get(b"INST", b"")
    if len(inst) < 20:
        return Markers(_midi(inst[0]) if inst else None, (), tuple(marks.values()))
    loops, used = [], set()
    values = struct.unpack_from(">6h", inst, 8)
    for mode, begin, end in (values[:3], values[3:]):
        if mode in MODES_OF_SMPL and begin in marks and end in marks:
            loops.append((marks[begin][0], marks[end][0], MODES_OF_SMPL[mode]))
            used |= {begin, end}
    markers = [mark for identity, mark in marks.items() if identity not in used]
    return Markers(_midi(inst[0]), tuple(loops), tuple(markers))


def wav_chunks(markers: Markers, sr: int) -> Chunks:
    """Return markers as chunks of a WAV file."""
    chunks: Chunks = []
    if markers.root_note is not None or markers.loops:
        note = 60 if markers.root_note is None else markers.root_note
        content = struct.pack("<9I", 0, 0, round(1e9 / sr), note, 0, 0, 0, len(markers.loops), 0)
        for index, (start, end, mode) in enumerate(markers.loops):
            content += struct.pack("<6I", index, mode, start, max(start, end - 1), 0, 0)
        chunks.append((b"smpl", content))
    if markers.markers:
        cues, labels = struct.pack("<I", len(markers.markers)), []
        for index, (position, label) in enumerate(markers.markers, 1):
            cues += struct.pack("<2I4s3I", index, position, b"data", 0, 0, position)
            labels.append((b"labl", struct.pack("<I", index) + label + b"\0"))
        chunks += [(b"cue ", cues), (b"LIST", b"adtl" + join_chunks("<", labels))]
    return chunks


def aiff_chunks(markers: Markers) -> Chunks:
    """Return markers as chunks of an AIFF file, which holds two loops at most and 65535 markers."""
    marks = list(markers.markers)
    chunks, fields = [], []
    for start, end, mode in markers.loops[:2]:
        fields += [MODES_OF_INST.get(mode, 1), len(marks) + 1, len(marks) + 2]
        marks += [(start, b"beg loop"), (end, b"end loop")]
    if len(marks) > 0x7FFF:
        return []
    if marks:
        content = struct.pack(">H", len(marks))
        for index, (position, label) in enumerate(marks, 1):
            text = label[:255]
            content += struct.pack(">HIB", index, position, len(text)) + text + bytes(1 - len(text) % 2)
        chunks.append((b"MARK", content))
    if markers.root_note is not None or fields:
        note = 60 if markers.root_note is None else markers.root_note
        chunks.append((b"INST", struct.pack(">6Bh6h", note, 0, 0, 127, 1, 127, 0, *(fields + 6 * [0])[:6])))
    return chunks


def _moved(note: int, semitones: float) -> int:
    return min(max(note + round(semitones), 0), 127)


def _midi(note: int | None) -> int | None:
    return note if note is not None and note <= 127 else None


def _records(layout: str, content: bytes, start: int, at: int) -> list[tuple]:
    """Return the records of a table that begins at `start`; their number is at `at`, and may be wrong."""
    size = struct.calcsize(layout)
    if len(content) < start:
        return []
    n_records = min(struct.unpack_from("<I", content, at)[0], (len(content) - start) // size)
    return [struct.unpack_from(layout, content, start + size * i) for i in range(n_records)]


def _marks(content: bytes) -> list[tuple[int, int, bytes]]:
    """Return number, position and label of the markers in ``MARK``."""
    found: list[tuple[int, int, bytes]] = []
    at = 2
    wanted = int.from_bytes(content[:2], "big")
    while len(found) < wanted and at + 7 <= len(content):
        identity, position, n = struct.unpack_from(">hIB", content, at)
        found.append((identity, position, content[at + 7 : at + 7 + n]))
        at += 8 + n - n % 2
    return found


def _at(position: int, sr_in: int, sr_out: int) -> int:
    """Return a position at another sample rate, as far as 32 bits reach."""
    return min((position * sr_out + sr_in // 2) // sr_in, 0xFFFFFFFF)


def _smpl_at(content: bytes, sr_in: int, sr_out: int) -> bytes:
    changed = bytearray(content)
    loops = _records("<6I", content, 36, 28)
    struct.pack_into("<I", changed, 8, round(1e9 / sr_out))
    struct.pack_into("<I", changed, 28, len(loops))
    for i, (_, _, start, end, *_) in enumerate(loops):
        first, last = _at(start, sr_in, sr_out), _at(end + 1, sr_in, sr_out) - 1
        struct.pack_into("<2I", changed, 36 + 24 * i + 8, first, max(first, last))
    return bytes(changed)


def _cue_at(content: bytes, sr_in: int, sr_out: int) -> bytes:
    cues = _records("<4sI4s3I", content, 4, 0)
    records = (
        struct.pack("<4sI4s3I", identity, _at(position, sr_in, sr_out), *between, _at(offset, sr_in, sr_out))
        for identity, position, *between, offset in cues
    )
    return struct.pack("<I", len(cues)) + b"".join(records)


def _list_at(content: bytes, sr_in: int, sr_out: int) -> bytes:
    """Rescale the lengths of ``ltxt`` in a list of type ``adtl``; another list stays as it is."""
    if content[:4] != b"adtl":
        return content
    parts = [
        (name, part[:4] + struct.pack("<I", _at(int.from_bytes(part[4:8], "little"), sr_in, sr_out)) + part[8:])
        if name == b"ltxt" and len(part) >= 8
        else (name, part)
        for name, part in split_chunks("<", content[4:])
    ]
    return b"adtl" + join_chunks("<", parts)


def _bext_at(content: bytes, sr_in: int, sr_out: int) -> bytes:
    """Rescale the time of day, which ``bext`` gives in samples since midnight with 64 bits."""
    (time,) = struct.unpack_from("<Q", content, 338)
    changed = bytearray(content)
    struct.pack_into("<Q", changed, 338, min((time * sr_out + sr_in // 2) // sr_in, (1 << 64) - 1))
    return bytes(changed)


def _mark_at(content: bytes, sr_in: int, sr_out: int) -> bytes:
    marks = _marks(content)
    changed, position = bytearray(content), 2
    for _, old, label in marks:
        struct.pack_into(">I", changed, position + 2, _at(old, sr_in, sr_out))
        position += 8 + len(label) - len(label) % 2
    struct.pack_into(">H", changed, 0, len(marks))
    return bytes(changed)
