"""Metadata of sound files: root note, loops, markers, broadcast data, texts such as title and artist."""

import os
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from sktimbre.audio import markers
from sktimbre.audio.chunks import byte_order, read_chunk, walk
from sktimbre.audio.soundfiles import DecodedSoundFile, open_sound

__all__ = ["Metadata", "chunks_for", "of_converted", "read_metadata", "root_note", "texts_for"]

# Chunks with metadata. A LIST counts only as one of its types that are listed.
WAV_CHUNKS = frozenset({b"smpl", b"cue ", b"adtl", b"INFO", b"bext", b"inst", b"acid", b"id3 ", b"ID3 "})
AIFF_CHUNKS = frozenset({b"MARK", b"INST", b"COMT", b"NAME", b"AUTH", b"(c) ", b"ANNO", b"ID3 "})
# Formats with chunks, by byte order.
FAMILIES = {"WAV": "<", "RF64": "<", "AIFF": ">"}


@dataclass(frozen=True)
class Metadata:
    """Metadata of a sound file.

    Parameters
    ----------
    sr : int
        Sampling rate in Hz of the file, at which positions count.
    texts : dict of str to str
        Texts by libsndfile's names: title, copyright, software, artist, comment, date, album, license, tracknumber, genre.
    chunks : tuple of (bytes, bytes)
        Name and content of the chunks with metadata in a WAV or AIFF file.
    order : {"<", ">", ""}
        Byte order of the chunks: "<" in WAV, ">" in AIFF, "" in other formats.

    See Also
    --------
    read_metadata : Read the metadata of a sound file.

    Examples
    --------
    >>> from sktimbre.audio import Metadata
    >>> Metadata(44100, {"title": "Song", "artist": "Artist"}).texts["title"]
    'Song'
    """

    sr: int
    texts: Mapping[str, str] = field(default_factory=dict)
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    order: str = ""


def read_metadata(path: str | os.PathLike[str]) -> Metadata:
    """Read the metadata of a sound file.

    Parameters
    ----------
    path : path-like
        A sound file.

    Returns
    -------
    Metadata
        Of WAV: ``smpl`` (root note, loops), ``cue `` and ``LIST adtl`` (markers), ``LIST INFO``, ``bext``, ``inst``, ``acid``
        and ID3; of AIFF: ``MARK``, ``INST``, ``COMT``, ``NAME``, ``AUTH``, ``(c) ``, ``ANNO`` and ID3; of other formats the
        texts that libsndfile reads. Damaged chunks are left out.

    Raises
    ------
    AudioFileError
        As in `read_audio`.

    See Also
    --------
    AudioWriter : Write a recording, with the metadata of another.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sktimbre.audio import Metadata, read_metadata, write_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/a.flac", np.zeros(1000), 22050, metadata=Metadata(22050, {"title": "Silence"}))
    ...     read_metadata(f"{folder}/a.flac").texts
    {'title': 'Silence'}
    """
    # Of the formats that ffmpeg decodes to, WAV has the texts.
    with open_sound(path, "wav") as sound:
        sr = sound.samplerate
        texts = {name: text for name, text in sound.copy_metadata().items() if text}
        if isinstance(sound, DecodedSoundFile):
            # It names ffmpeg, not the program that wrote the file.
            texts.pop("software", None)
    order, chunks = _chunks(Path(path), WAV_CHUNKS | AIFF_CHUNKS)
    return Metadata(sr, texts, tuple(chunks), order)


def root_note(path: str | os.PathLike[str]) -> int | None:
    """Read the MIDI root note that a sampler plays a sound file at: WAV ``smpl`` or AIFF ``INST``.

    Parameters
    ----------
    path : path-like
        A sound file.

    Returns
    -------
    int or None
        MIDI number from 0 to 127 as it is written. Many programs write 60 or 0 without knowing the pitch. ``None`` if the
        file has no root note, cannot be read, or is neither WAV nor AIFF.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sktimbre.audio import root_note, write_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/note.wav", np.zeros(1000), 22050)
    ...     print(root_note(f"{folder}/note.wav"))
    None
    """
    try:
        order, chunks = _chunks(Path(path), {b"smpl", b"INST"})
    except (OSError, ValueError):
        return None
    return (markers.wav_markers if order == "<" else markers.aiff_markers)(_named(chunks)).root_note


def chunks_for(metadata: Metadata, kind: str, sr: int) -> list[tuple[bytes, bytes]]:
    """Return metadata as chunks of a file of format `kind`, as libsndfile names it, and sampling rate `sr`."""
    order = FAMILIES.get(kind, "")
    if not order or not metadata.order:
        return []
    chunks = [(name, markers.rescale(name, content, metadata.sr, sr)) for name, content in metadata.chunks]
    if order == metadata.order:
        return [(name, content) for name, content in chunks if content]
    if order == "<":
        return markers.wav_chunks(markers.aiff_markers(_named(chunks)), sr)
    return markers.aiff_chunks(markers.wav_markers(_named(chunks)))


def texts_for(metadata: Metadata, kind: str) -> dict[str, str]:
    """Return the texts that a file of format `kind` does not get in its chunks."""
    return {} if metadata.order and metadata.order == FAMILIES.get(kind) else dict(metadata.texts)


def of_converted(metadata: Metadata, semitones: float = 0.0) -> Metadata:
    """Return metadata for converted sound: without the loudness that ``bext`` may hold, the root note transposed."""

    def changed(name: bytes, content: bytes) -> bytes:
        if name == b"bext":
            return markers.without_loudness(content)
        return markers.transposed(name, content, semitones) if semitones else content

    return replace(metadata, chunks=tuple((name, changed(name, content)) for name, content in metadata.chunks))


def _named(chunks: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the content of chunks by name, that of a LIST by its type; the first of two of a name counts."""
    named: dict[bytes, bytes] = {}
    for name, content in chunks:
        named.setdefault(content[:4] if name == b"LIST" else name, content)
    return named


def _chunks(path: Path, names: Set[bytes]) -> tuple[str, list[tuple[bytes, bytes]]]:
    """Return the byte order of a WAV or AIFF file, and name and content of the chunks of these names."""
    found: list[tuple[bytes, bytes]] = []
    # Opening a pipe would block.
    if not path.is_file():
        return "", found
    with path.open("rb") as file:
        order = byte_order(file.read(12))
        for chunk in walk(file):
            if chunk.name in names or chunk.name == b"LIST":
                content = read_chunk(file, chunk)
                if content and (chunk.name in names or content[:4] in names):
                    found.append((chunk.name, content))
    return order, found
