"""Listen to files of single notes: pitch, onset, level and faults, cached by the content of the files."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sktimbre._utils.progress import with_bar
from sktimbre.audio import AudioReader, read_audio
from sktimbre.datasets.cache import digest_of, look_up, remember
from sktimbre.datasets.faults import note_faults, note_level
from sktimbre.datasets.onset import find_onset
from sktimbre.datasets.pitch import hear_pitch
from sktimbre.exceptions import AudioFileError

__all__ = ["HeardNote", "Sound", "hear_note", "listen"]

# Version of cached results; it changes when results would change.
VERSION = 3
# Seconds of a file that are listened to.
LONGEST = 30.0
# Files that a thread listens to at a time.
BLOCK = 8


class Sound(NamedTuple):
    """A sound file, or a part of it from ``start`` to ``end`` seconds."""

    file: Path
    start: float | None = None
    end: float | None = None

    @property
    def name(self) -> str:
        """Name of the file, with the start of the part."""
        return self.file.name if self.start is None else f"{self.file.name} at {self.start:.2f} s"

    @property
    def duration(self) -> float:
        """Seconds of the part, or of the file."""
        if self.end is not None:
            return self.end - (self.start or 0.0)
        reader = AudioReader(self.file)
        n_frames = reader.n_frames
        if n_frames is None:  # the header lacks the length
            with reader:
                n_frames = sum(block.shape[1] for block in reader)
        return n_frames / reader.sr - (self.start or 0.0)

    def read(self, sr: int | None = None, *, mono: bool = True, longest: float | None = None) -> tuple[np.ndarray, int]:
        """Read the part, ``longest`` seconds at most, as `read_audio` does."""
        start = self.start or 0.0
        duration = None if self.end is None else self.end - start
        if longest is not None:
            duration = longest if duration is None else min(longest, duration)
        return read_audio(self.file, sr, mono=mono, offset=start, duration=duration)


@dataclass(frozen=True)
class HeardNote:
    """What is heard in the recording of a note.

    Parameters
    ----------
    midi : float
        Pitch as a fractional MIDI number; NaN for silence.
    clarity : float
        Clarity of the pitch from 0 to 1, see `hear_pitch`.
    onset : float
        Seconds from the beginning of the file to the onset.
    level : float
        Level of the loudest part in dB below full scale, see `note_level`.
    duration : float
        Seconds of the file.
    faults : tuple of str
        Faults of the recording, see `note_faults`.
    """

    midi: float
    clarity: float
    onset: float
    level: float
    duration: float
    faults: tuple[str, ...] = ()


def listen(sounds: Sequence[Sound], *, progress: bool = False) -> list[HeardNote | AudioFileError]:
    """Listen to files, or parts of files, of single notes.

    Results are cached in the user's cache folder, or in the folder in ``SKTIMBRE_DATA_HOME``, by the content of the files.

    Parameters
    ----------
    sounds : sequence of Sound
        Notes.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    list of HeardNote or AudioFileError
        In the order of the notes; errors, which name the file, for files that cannot be read.
    """
    with with_bar(total=len(sounds), description="Listening", unit="file", show=progress) as bar:
        # FFTs and decoders release Python's lock.
        digests = _in_threads(_digest, sounds)
        cached = _look_up(digests)
        new = [(sound, digest) for sound, digest in zip(sounds, digests, strict=True) if digest not in cached]
        bar.update(len(sounds) - len(new))
        for start in range(0, len(new), 4 * BLOCK):
            part = new[start : start + 4 * BLOCK]
            heard = _in_threads(_listen, [sound for sound, _ in part])
            found = {digest: note for (_, digest), note in zip(part, heard, strict=True)}
            remember(VERSION, {digest: asdict(note) for digest, note in found.items() if isinstance(note, HeardNote)})
            cached |= found
            bar.update(len(part))
    return [cached[digest] for digest in digests]


def hear_note(channels: np.ndarray, sr: float) -> HeardNote:
    """Listen to the recording of a note.

    Parameters
    ----------
    channels : ndarray of shape (n_channels, n_samples), float
        Audio.
    sr : float
        Sample rate in Hz.

    Returns
    -------
    HeardNote
    """
    y = channels.mean(axis=0)
    pitch = hear_pitch(y, sr)
    return HeardNote(
        pitch.midi,
        pitch.clarity,
        find_onset(y, sr) / sr,
        note_level(y, sr),
        channels.shape[1] / sr,
        note_faults(channels, sr, pitch.clarity),
    )


def _in_threads(function, items):
    from joblib import Parallel, delayed

    if len(items) < BLOCK:
        return [function(item) for item in items]
    return Parallel(min(4, os.cpu_count() or 1), prefer="threads")(delayed(function)(item) for item in items)


def _listen(sound: Sound) -> HeardNote | AudioFileError:
    try:
        heard = hear_note(*sound.read(mono=False, longest=LONGEST))
        if "silent" in heard.faults and heard.duration > LONGEST - 1:
            return hear_note(*sound.read(mono=False))  # The note may begin later.
        if heard.duration > LONGEST - 1:
            return replace(heard, duration=sound.duration)
    except AudioFileError as error:
        return error
    return heard


def _digest(sound: Sound) -> str:
    digest = digest_of(sound.file)
    return digest if sound.start is None else f"{digest} {sound.start} {sound.end}"


def _look_up(digests: Iterable[str]) -> dict[str, HeardNote | AudioFileError]:
    found = look_up(VERSION, digests)
    return {digest: HeardNote(**values | {"faults": tuple(values["faults"])}) for digest, values in found.items()}
