"""Metadata of sound files: root note."""

import os
from pathlib import Path

from sktimbre.audio.chunks import byte_order, read_chunk, walk

__all__ = ["root_note"]


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
        contents = _contents(Path(path), {b"smpl", b"INST"})
    except (OSError, ValueError):
        return None
    if len(smpl := contents.get(b"smpl", b"")) >= 16:
        note = int.from_bytes(smpl[12:16], "little")
    elif inst := contents.get(b"INST", b""):
        note = inst[0]
    else:
        return None
    return note if note <= 127 else None


def _contents(path: Path, names: set[bytes]) -> dict[bytes, bytes]:
    """Return the content of the first chunk of each name. WAV has lower-case names, AIFF has capitals."""
    found: dict[bytes, bytes] = {}
    # Opening a pipe would block.
    if not path.is_file():
        return found
    with path.open("rb") as file:
        if byte_order(file.read(12)):
            for chunk in walk(file):
                if chunk.name in names and chunk.name not in found:
                    found[chunk.name] = read_chunk(file, chunk)
    return found
