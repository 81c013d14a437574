"""Notes and transitions that are cut from recordings, with their audio."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sktimbre._utils.progress import with_bar
from sktimbre.audio import read_audio, resample
from sktimbre.datasets.cutfiles import CutFile, cut_file
from sktimbre.datasets.cutting import Cut, CutNote, LeftOut
from sktimbre.datasets.pitches import find_tuning
from sktimbre.exceptions import AudioFileError

__all__ = [
    "SHORTEST",
    "PlayedNote",
    "Recording",
    "cut_recordings",
    "has_several_voices",
    "joined",
    "joined_transition",
    "usable",
]

# Shortest note in seconds.
SHORTEST = 0.1
# Semitones by which a note may glide: its partner is a steady note.
GLIDES = 1.0
# Share of what sounds in a recording that is polyphonic in music of several voices; of what is heard as notes there, most has
# several voices, too.
POLYPHONIC = 1 / 3
# Seconds of a transition on both sides of the onset, and of what is kept before a note that begins a phrase.
LEAD, PREROLL = 0.19, 0.01
# Seconds of rest before a note that begins a phrase.
REST = 0.08


@dataclass(frozen=True, eq=False)
class PlayedNote:
    """A note of a recording.

    Parameters
    ----------
    file : Path
        The recording.
    cut : CutNote
        Its start, end, pitch and level.
    before : CutNote or None
        The note before; None if a rest, or a note that is left out as it glides, precedes.
    audio : ndarray of shape (n_samples,), float32
        The note, and ``onset`` samples before it, which are of the note before or, after a rest, 10 ms.
    onset : int
        Number of samples before the onset.
    tuning : float
        By how many semitones the instrument is tuned higher than a piano at 440 Hz, from -0.5 to 0.5.
    """

    file: Path
    cut: CutNote
    before: CutNote | None
    audio: np.ndarray
    onset: int
    tuning: float = 0.0

    @property
    def midi(self) -> float:
        """Pitch as a fractional MIDI number."""
        return self.cut.midi

    @property
    def pitch(self) -> int:
        """MIDI number in the tuning of the instrument."""
        return round(self.midi - self.tuning)

    @property
    def interval(self) -> float:
        """Semitones from the note before; NaN if a rest precedes."""
        return np.nan if self.before is None else self.midi - self.before.midi

    @property
    def n_samples(self) -> int:
        """Number of samples from the onset."""
        return len(self.audio) - self.onset


@dataclass(frozen=True, eq=False)
class Recording:
    """Notes of a recording and what is left out, in the order of time; its seconds, and whether it is clipped."""

    file: Path
    notes: list[PlayedNote]
    left_out: list[LeftOut]
    duration: float
    clipped: bool


def cut_recordings(
    files: Sequence[Path], sr: int, longest: float, *, strict: bool = True, progress: bool = False
) -> tuple[list[Recording], dict[Path, str]]:
    """Cut recordings of one instrument into notes; those that are not `usable` are left out.

    Parameters
    ----------
    files : sequence of Path
        Recordings of one voice.
    sr : int
        Sampling rate in Hz of the notes.
    longest : float
        Seconds of each note, at most.
    strict : bool
        Whether a file that cannot be read is an error.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    recordings : list of Recording
    unread : dict of Path to str
        Files that cannot be read, and why.

    Raises
    ------
    AudioFileError
        A file cannot be read, or without ``strict`` none can.
    """
    recordings = []
    unread: dict[Path, str] = {}
    with with_bar(total=len(files), description="Cutting recordings", unit="file", show=progress) as bar:
        for file in files:
            try:
                cut = cut_file(file)
                y, _ = read_audio(file, sr)
            except AudioFileError as error:
                if strict:
                    raise
                unread[file] = str(error)
            else:
                recordings.append(_played(file, cut, y, sr, longest))
            bar.update(1)
    if not recordings:
        raise AudioFileError(next(iter(unread.values())))
    tuning = find_tuning([note.midi for each in recordings for note in each.notes])
    tuned = [replace(each, notes=[replace(note, tuning=tuning) for note in each.notes]) for each in recordings]
    return tuned, unread


def usable(cut: Cut) -> Cut:
    """Leave out the notes of a recording that nothing can be learnt from.

    Parameters
    ----------
    cut : Cut
        As `cut_recording` returns it.

    Returns
    -------
    Cut
        Without notes that are shorter than 0.1 s ("short") or glide by more than a semitone ("glides"); without any if a third
        of what sounds is "polyphonic".
    """
    several_voices = has_several_voices(cut)
    notes, left_out = [], list(cut.left_out)
    for note in cut.notes:
        if several_voices:
            left_out.append(LeftOut(note.start, note.end, "polyphonic"))
        elif note.end - note.start < SHORTEST:
            left_out.append(LeftOut(note.start, note.end, "short"))
        elif abs(note.glide) > GLIDES:
            left_out.append(LeftOut(note.start, note.end, "glides"))
        else:
            notes.append(note)
    return Cut(notes, sorted(left_out))


def has_several_voices(cut: Cut) -> bool:
    """Tell whether a third of what sounds in a recording is polyphonic."""
    sounding = _seconds(cut.notes) + _seconds(part for part in cut.left_out if part.reason != "silent")
    return _seconds(part for part in cut.left_out if part.reason == "polyphonic") > POLYPHONIC * sounding


def joined(source: PlayedNote, target: PlayedNote, sr: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the audio of two notes from their onsets, both as long as the shorter one and at the pitch of the source."""
    y, onset = _at_pitch(source, target, sr)
    before = min(source.onset, onset, round(PREROLL * sr))
    return _excerpts(source, (y, onset), before, len(source.audio))


def joined_transition(source: PlayedNote, target: PlayedNote, sr: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the audio around the onsets of two notes that follow others: at most 0.19 s on each side."""
    y, onset = _at_pitch(source, target, sr)
    return _excerpts(source, (y, onset), min(source.onset, onset), round(LEAD * sr))


def _seconds(parts: Iterable[CutNote | LeftOut]) -> float:
    return sum(part.end - part.start for part in parts)


def _excerpts(source, target, before, after):
    """Return the audio around two onsets."""
    after = min(after, source.n_samples, len(target[0]) - target[1])
    return tuple(y[onset - before : onset + after] for y, onset in ((source.audio, source.onset), target))


def _at_pitch(source, target, sr):
    """Return the audio of the target at the pitch of the source, and the number of samples before its onset."""
    ratio = 2 ** ((source.midi - target.midi) / 12)
    return resample(target.audio, round(sr * ratio), sr), round(target.onset / ratio)


def _played(file: Path, found: CutFile, y: np.ndarray, sr: int, longest: float) -> Recording:
    used = usable(found.cut)
    kept = set(used.notes)
    notes = []
    before: CutNote | None = None
    for note in found.cut.notes:
        if before is not None and (note.start - before.end > REST or abs(before.glide) > GLIDES):
            before = None
        if note in kept:
            onset = round(note.start * sr)
            # A transition is between two notes: what precedes is no longer than the note before.
            lead = PREROLL if before is None else max(PREROLL, min(LEAD, note.start - before.start))
            first = max(0, onset - round(lead * sr))
            part = y[first : min(round(note.end * sr), onset + round(longest * sr))]
            # Copied, so that the recording is freed.
            notes.append(PlayedNote(file, note, before, part.copy(), onset - first))
        before = note
    return Recording(file, notes, used.left_out, found.duration, found.clipped)
