"""Sound files as notes on disk."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_whole
from sktimbre._utils.containers import is_paths
from sktimbre._utils.notes import NotesOnDisk
from sktimbre.audio.arrays import read_audio
from sktimbre.audio.blockwise import check_rates, resampled_length
from sktimbre.audio.soundfiles import UNKNOWN_LENGTH, open_sound
from sktimbre.exceptions import AudioFileError
from sktimbre.storage.notes import as_stored


class Recordings(NotesOnDisk):
    """Sound files as mono notes at one sampling rate; headers are read on construction, samples when they are used.

    Parameters
    ----------
    paths : sequence of path-like
        One sound file for each note.
    sr : int or float without a fraction
        Sampling rate in Hz to which notes are resampled.

    Raises
    ------
    AudioFileError
        A file is missing or cannot be read.
    """

    def __init__(self, paths: Iterable[Any], sr: float):
        self.paths = [Path(path) for path in paths]
        self.sr = check_whole(sr, "sr", 1, fix="Sound files are read at a whole number of Hz.")
        self.shapes = [(self._length(path),) for path in self.paths]

    def read(self, index: int) -> np.ndarray:
        """Return note number ``index`` (0 or more) as float32."""
        note, _ = read_audio(self.paths[index], self.sr)
        if note.shape != self.shapes[index]:
            raise AudioFileError(
                f"{self.paths[index]} gives {len(note)} samples at {self.sr} Hz where its header promises "
                f"{self.shapes[index][0]}. Export it again."
            )
        return note

    def digest(self) -> str:
        """Return a hash of the files' bytes."""
        found = hashlib.blake2b(str(self.sr).encode(), digest_size=16)
        for path in self.paths:
            with path.open("rb") as file:
                found.update(hashlib.file_digest(file, "blake2b").digest())
        return found.hexdigest()

    def _length(self, path):
        with open_sound(path) as sound:
            check_rates(sound.samplerate, self.sr, os.fspath(path))
            if sound.frames < UNKNOWN_LENGTH and sound.format != "MP3":
                return resampled_length(sound.frames, sound.samplerate, self.sr)
        # Other headers have no number of samples, or an estimate.
        return len(read_audio(path, self.sr)[0])


def left_on_disk(X: Any, sr: float, name: str) -> Any:
    """Return file names as `Recordings` and a memory map of audio as `StoredNotes`; return anything else unchanged."""
    if not is_paths(X):
        return as_stored(X, 2)
    try:
        return Recordings(X, sr)
    except AudioFileError as error:
        raise AudioFileError(f"{name}: {error}") from error
