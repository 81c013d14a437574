"""Pairs from playing: recordings of different music on two instruments, cut into notes and paired by likeness."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_flags, check_real
from sktimbre._utils.progress import with_bar
from sktimbre.audio import read_audio, resample
from sktimbre.datasets.cutting import cut_notes
from sktimbre.datasets.loading import check_sizes
from sktimbre.datasets.names import name_of_pitch
from sktimbre.datasets.notes import Notes
from sktimbre.datasets.pairing import is_folders
from sktimbre.datasets.sounds import Folder, Match, find_sounds, show
from sktimbre.exceptions import DatasetError

__all__ = ["load_recordings"]

# Semitones to the farthest partner, which is resampled to the source's pitch.
FARTHEST = 1.5
# Differences that cost as much as a semitone: length in octaves, level in dB, and whether another note precedes.
LENGTH, LEVEL, BEGINNING = 1.0, 8.0, 1.0
# Cost of each earlier use of a target note, so that all of them are learnt from.
USED = 0.25
# Seconds before a note that are kept, and seconds of rest before a note that begins a phrase.
PREROLL, REST = 0.01, 0.08
# Shortest note in seconds.
SHORTEST = 0.1


@dataclass
class _Note:
    file: Path
    start: float
    end: float
    midi: float
    level: float
    begins: bool
    audio: np.ndarray


def load_recordings(
    source: Folder | Sequence[Folder],
    target: Folder,
    *,
    sr: int = 22050,
    longest: float = 2.0,
    source_match: Match = None,
    target_match: Match = None,
    recursive: bool = False,
    progress: bool = False,
) -> Notes:
    """Load recordings of two instruments that play different music, as pairs of notes.

    The recordings, of one voice each, are cut into notes by `cut_notes`. Each source note is paired with the target note that
    is most like it in pitch, length, loudness and place in the phrase, resampled to the pitch of the source.

    Parameters
    ----------
    source, target : path-like or list of path-like
        Folders or files of the source and of the target instrument; the source may be a list of folders.
    sr : int
        Sampling rate in Hz to which all recordings are resampled.
    longest : float
        Seconds of each note, at most.
    source_match, target_match, recursive
        As in `load_paired_notes`.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    sklearn.utils.Bunch
        Sorted by pitch; ``play(i)`` is a player for notebooks:

        - source, target: lists of ndarray of shape (n_samples,), float32; both notes of a pair have the same length.
        - pitches: ndarray of shape (n_notes,), int, MIDI numbers, for ``groups`` of `fit`.
        - source_files, target_files: list of pathlib.Path.
        - source_times, target_times: ndarray of shape (n_notes, 2), start and end in seconds.
        - seconds: dict with the seconds of notes that were found on each side ("source", "target") and used ("paired").
        - missing: list of int, pitches of the source, within its range, for which no target note is near.
        - sr: int.

    Raises
    ------
    AudioFileError
        A sound file cannot be read; the error names it.
    DatasetError
        A folder has no sound files, no notes are found, or no notes of both sides have a pitch in common.

    See Also
    --------
    load_paired_notes : Load single notes in pairs.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sktimbre.audio import write_audio
    >>> from sktimbre.datasets import load_recordings
    >>> t = np.arange(11025) / 22050
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, pitches in (("a.wav", (440, 494, 523)), ("b.wav", (523, 440))):
    ...         write_audio(f"{folder}/{name}", np.concatenate([0.5 * np.sin(2 * np.pi * f * t) for f in pitches]), 22050)
    ...     notes = load_recordings([f"{folder}/a.wav"], [f"{folder}/b.wav"])
    >>> notes.pitches
    array([69, 71, 72])
    """
    check_flags(recursive=recursive, progress=progress)
    sr, _ = check_sizes(sr, None)
    longest = check_real(longest, "longest", SHORTEST, fix="It is in seconds.")
    given: Any = source
    folders = list(given) if is_folders(given) else [given]
    sides = []
    for each, name, match in ((folders, "source", source_match), ([target], "target", target_match)):
        files = [file for one in each for file in find_sounds(one, name, match=match, recursive=recursive)[0]]
        notes = _notes_of(files, sr, longest, progress)
        if not notes:
            raise DatasetError(
                f"{name}: no notes are found in {', '.join(map(show, each))}. Recordings must be of one voice, with a clear "
                "pitch."
            )
        sides.append(notes)
    pairs = _pair(*sides)
    if not pairs:
        low, high = ([name_of_pitch(round(f(note.midi for note in side))) for side in sides] for f in (min, max))
        raise DatasetError(
            f"No note of the source ({low[0]} to {high[0]}) is within {FARTHEST} semitones of one of the target ({low[1]} to "
            f"{high[1]}). Use recordings in the same range."
        )
    pairs.sort(key=lambda pair: (round(sides[0][pair[0]].midi), pair))
    audio = [_joined(sides[0][i], sides[1][j], sr) for i, j in pairs]
    used = [[sides[0][i] for i, _ in pairs], [sides[1][j] for _, j in pairs]]
    near = {round(note.midi) for note in used[0]}
    pitches = {round(note.midi) for note in sides[0]}
    return Notes(
        source=[a for a, _ in audio],
        target=[b for _, b in audio],
        pitches=np.array([round(note.midi) for note in used[0]], dtype=int),
        source_files=[note.file for note in used[0]],
        target_files=[note.file for note in used[1]],
        source_times=np.array([(note.start, note.end) for note in used[0]]),
        target_times=np.array([(note.start, note.end) for note in used[1]]),
        seconds={
            "source": sum(note.end - note.start for note in sides[0]),
            "target": sum(note.end - note.start for note in sides[1]),
            "paired": sum(len(a) for a, _ in audio) / sr,
        },
        missing=sorted(pitches - near),
        sr=sr,
    )


def _notes_of(files: Sequence[Path], sr: int, longest: float, progress: bool) -> list[_Note]:
    """Return the notes of recordings, in the order of files and time."""
    notes: list[_Note] = []
    with with_bar(total=len(files), description="Cutting recordings", unit="file", show=progress) as bar:
        for file in files:
            y, _ = read_audio(file, sr)
            end = -np.inf
            for note in cut_notes(y, sr):
                if note.end - note.start >= SHORTEST:
                    first = max(0, round((note.start - PREROLL) * sr))
                    part = y[first : min(round(note.end * sr), first + round(longest * sr))]
                    begins = note.start - end > REST
                    # Copied, so that the recording is freed.
                    notes.append(_Note(file, note.start, note.end, note.midi, note.level, begins, part.copy()))
                end = note.end
            bar.update(1)
    return notes


def _pair(sources: Sequence[_Note], targets: Sequence[_Note]) -> list[tuple[int, int]]:
    """Return the pairs (source, target) of least cost; each source occurs once at most."""
    midi = np.array([note.midi for note in targets])
    lengths = np.log2([len(note.audio) for note in targets])
    levels = np.array([note.level for note in targets])
    levels -= np.median(levels)
    begins = np.array([note.begins for note in targets])
    median = float(np.median([note.level for note in sources]))
    uses = np.zeros(len(targets))
    pairs = []
    for i, note in enumerate(sources):
        distance = np.abs(midi - note.midi)
        cost = distance + np.abs(lengths - np.log2(len(note.audio))) / LENGTH
        cost += np.abs(levels - (note.level - median)) / LEVEL + BEGINNING * (begins != note.begins) + USED * uses
        cost[distance > FARTHEST] = np.inf
        j = int(np.argmin(cost))
        if np.isfinite(cost[j]):
            uses[j] += 1
            pairs.append((i, j))
    return pairs


def _joined(source: _Note, target: _Note, sr: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the audio of a pair: the target at the pitch of the source, both as long as the shorter one."""
    ratio = 2 ** ((source.midi - target.midi) / 12)
    y = resample(target.audio, round(sr * ratio), sr)
    n = min(len(source.audio), len(y))
    return source.audio[:n], y[:n]
