"""Chunks of RIFF files (WAV, RF64) and FORM files (AIFF, AIFF-C)."""

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

__all__ = ["Chunk", "append_chunks", "byte_order", "join_chunks", "read_chunk", "split_chunks", "walk"]

# Programs that write to a pipe leave sizes from here on instead of the size, which is not known yet.
PLACEHOLDER = 0x7FFF0000
# Limits the time that damaged files take: a run of zeros is a run of empty chunks.
MOST_CHUNKS = 4096
# Limits the memory that a chunk takes; tables of loops and markers, and texts, are smaller.
LARGEST_CHUNK = 1 << 24


@dataclass(frozen=True)
class Chunk:
    """Place of a chunk in a file.

    Parameters
    ----------
    name : bytes
        Four characters, such as ``b"data"``.
    start : int
        Offset of the content in bytes.
    size : int
        Size of the content in bytes according to the header, which may be wrong.
    """

    name: bytes
    start: int
    size: int


def byte_order(head: bytes) -> str:
    """Return the byte order of a file, as `struct` has it, from its first 12 bytes; '' if it is no WAV or AIFF file."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "<"
    return ">" if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC") else ""


def walk(file: BinaryIO) -> Iterator[Chunk]:
    """Yield the chunks of a WAV or AIFF file, none of another file. The caller may move the file's position."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    order, samples = byte_order(file.read(12)), None
    position = 12
    for _ in range(MOST_CHUNKS if order else 0):
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return
        name, size = struct.unpack(f"{order}4sI", header)
        if name == b"ds64" and len(sizes := file.read(16)) == 16:
            samples = struct.unpack("<QQ", sizes)[1]
        elif name == b"data" and size == 0xFFFFFFFF and samples is not None:
            size = samples
        yield Chunk(name, position + 8, size)
        position += 8 + size + size % 2
        if position >= end:
            return


def read_chunk(file: BinaryIO, chunk: Chunk) -> bytes:
    """Return the content of a chunk; b"" if it is not complete or larger than 16 MiB."""
    if chunk.size > LARGEST_CHUNK:
        return b""
    file.seek(chunk.start)
    content = file.read(chunk.size)
    return content if len(content) == chunk.size else b""


def append_chunks(path: Path, chunks: Iterable[tuple[bytes, bytes]]) -> None:
    """Append chunks, each a name and a content, to a complete WAV or AIFF file."""
    with path.open("r+b") as file:
        head = file.read(24)
        order = byte_order(head)
        end = file.seek(0, os.SEEK_END)
        file.write(bytes(end % 2) + join_chunks(order, chunks))
        size = file.tell() - 8
        if head[:4] == b"RF64" and head[12:16] == b"ds64":
            file.seek(20)
            file.write(struct.pack("<Q", size))
        else:
            file.seek(4)
            file.write(struct.pack(f"{order}I", size))


def join_chunks(order: str, chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return chunks as bytes, each padded to an even length."""
    return b"".join(
        struct.pack(f"{order}4sI", name, len(content)) + content + bytes(len(content) % 2) for name, content in chunks
    )


def split_chunks(order: str, content: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunks in the content of a list; those that are not complete are left out."""
    found, position = [], 0
    while len(header := content[position : position + 8]) == 8:
        name, size = struct.unpack(f"{order}4sI", header)
        part = content[position + 8 : position + 8 + size]
        if len(part) == size:
            found.append((name, part))
        position += 8 + size + size % 2
    return found
