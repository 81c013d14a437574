"""Pairs of notes from recordings of music: takes of one piece, or different music paired by likeness."""

import itertools
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_flags, check_real
from sktimbre.datasets.alignment import find_interval, match_takes
from sktimbre.datasets.likeness import FARTHEST, alike_notes, alike_transitions
from sktimbre.datasets.listening import Sound
from sktimbre.datasets.listing import FAULTS
from sktimbre.datasets.loading import check_sizes
from sktimbre.datasets.names import name_of_pitch
from sktimbre.datasets.notes import Notes
from sktimbre.datasets.pairing import folders_of
from sktimbre.datasets.played import SHORTEST, PlayedNote, Recording, cut_recordings, joined, joined_transition
from sktimbre.datasets.rates import resolve_rate
from sktimbre.datasets.sounds import Folder, Match, counted, find_sounds, show
from sktimbre.datasets.table import NoteFile
from sktimbre.exceptions import DatasetError, DatasetWarning

__all__ = ["load_recordings"]

Pair = tuple[PlayedNote, PlayedNote]

# Notes of recordings, at least, that are a transposed piece rather than alike by chance.
LEAST_NOTES = 6

# What a recording is of which most is left out.
MOSTLY = {
    "antiphase": FAULTS["antiphase"],
    "silent": "is silent",
    "unpitched": "has no clear pitch",
    "polyphonic": "has several voices",
    "short": f"has only notes shorter than {SHORTEST} s",
    "glides": "has only notes that glide by more than a semitone",
}


def load_recordings(
    source: Folder,
    target: Folder,
    *,
    same_piece: bool | None = None,
    transitions: bool = True,
    sr: int | None = 22050,
    longest: float = 2.0,
    source_match: Match = None,
    target_match: Match = None,
    recursive: bool = False,
    progress: bool = False,
) -> Notes:
    """Load recordings of two instruments that play music, of one voice each, as pairs of notes.

    The recordings are cut into notes by `cut_notes`. In takes of one piece, at any tempo, notes are paired with the same note
    of the other take. In recordings of different music each source note is paired with the target note that is most like it
    in pitch, length, loudness and place in the phrase. Targets are resampled to the pitch of the source.

    Parameters
    ----------
    source, target : path-like or list of path-like
        A folder, or a list of files, of the source and of the target instrument; the source may be a list of folders.
    same_piece : bool or None
        True aligns takes of one piece and leaves out other recordings; False pairs all notes by likeness. None aligns the
        recordings that are takes of one piece, whatever their names, and pairs the notes of the others by likeness; it warns
        if takes are transposed.
    transitions : bool
        Also pair transitions from a note to the next, 0.19 s on both sides of the onset, with those of the same interval.
    sr : int or None
        Sampling rate in Hz to which all recordings are resampled; None as in `load_paired_notes`.
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
        - pitches: ndarray of shape (n_pairs,), int, MIDI numbers, for ``groups`` of `fit`; of a transition that of its second
          note, so that the end of a note of a held-out pitch can be in a training transition.
        - transitions: ndarray of shape (n_pairs,), bool, which pairs are transitions.
        - takes: list of tuple (source file, target file) of pathlib.Path, takes of one piece that are aligned.
        - source_files, target_files: list of pathlib.Path; source_sounds, target_sounds: the same with start and end.
        - source_times, target_times: ndarray of shape (n_pairs, 2), start and end of the notes in seconds.
        - unpaired_source, unpaired_target: list of pathlib.Path, files of which nothing is used.
        - reasons: dict of pathlib.Path to str, why.
        - source_notes, target_notes: list of NoteFile, as in `load_paired_notes`, one for each note that is found.
        - recordings: list of dict, one for each recording: its "side", "file", "seconds", "notes" (number that is found),
          "paired" (number of pairs of notes), "takes" (list of files on the other side), and "left_out": dict of reasons to
          seconds.
        - seconds: dict with the seconds of the recordings ("source", "target"), of notes found in them ("source_notes",
          "target_notes"), and of the notes of the source that are paired ("paired"); each note counts once.
        - missing: list of int, pitches of the source without a partner.
        - gaps: list of int, pitches between the lowest and the highest pair that no pair has.
        - sr: int.

    Raises
    ------
    AudioFileError
        A sound file of a list, or all of a folder, cannot be read; the error names the first one.
    DatasetError
        A folder has no sound files, no notes are found, or no notes of both sides have a pitch in common; with
        ``same_piece=True``, no recordings are of one piece.
    ParameterError
        A parameter is out of range.

    Warns
    -----
    DatasetWarning
        Files are left out, or clipped; takes are transposed.

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
    check_flags(transitions=transitions, recursive=recursive, progress=progress)
    if same_piece is not None:
        check_flags(same_piece=same_piece)
    check_sizes(sr, None)
    longest = check_real(longest, "longest", SHORTEST, fix="It is in seconds.")
    unread: list[dict[Path, str]] = []
    given = ((folders_of(source), "source", source_match), ([target], "target", target_match))
    chosen = [[find_sounds(f, name, match=match, recursive=recursive) for f in each] for each, name, match in given]
    sr = resolve_rate(sr, *([file for files, _ in side for file in files] for side in chosen))
    sides = []
    for (each, name, _), side in zip(given, chosen, strict=True):
        recordings: list[Recording] = []
        unread.append({})
        for folder, (files, others) in zip(each, side, strict=True):
            strict = isinstance(folder, list | tuple)
            found, wrong = cut_recordings(files, sr, longest, strict=strict, progress=progress)
            recordings += found
            unread[-1] |= others | wrong
        if not any(recording.notes for recording in recordings):
            raise DatasetError(
                f"{name}: no notes are found in {', '.join(map(show, each))}, which {_mostly(recordings)}. Recordings must be "
                "of one voice with a clear pitch."
            )
        sides.append(recordings)
    takes, notes, following = _pair(sides[0], sides[1], same_piece)
    pairs = [(*pair, joined(*pair, sr), False) for pair in notes]
    pairs += [(*pair, joined_transition(*pair, sr), True) for pair in following if transitions]
    pairs.sort(key=lambda each: (each[0].pitch, each[3], each[0].file, each[0].cut.start))
    return Notes(
        source=[audio[0] for _, _, audio, _ in pairs],
        target=[audio[1] for _, _, audio, _ in pairs],
        pitches=np.array([a.pitch for a, *_ in pairs], dtype=int),
        transitions=np.array([follows for *_, follows in pairs], dtype=bool),
        takes=[(a.file, b.file) for a, b in takes],
        source_files=[a.file for a, *_ in pairs],
        target_files=[b.file for _, b, *_ in pairs],
        source_sounds=[Sound(a.file, *a.cut[:2]) for a, *_ in pairs],
        target_sounds=[Sound(b.file, *b.cut[:2]) for _, b, *_ in pairs],
        source_times=np.array([a.cut[:2] for a, *_ in pairs]),
        target_times=np.array([b.cut[:2] for _, b, *_ in pairs]),
        **_report(sides, takes, notes, unread),
        sr=sr,
    )


def _pair(
    sources: Sequence[Recording], targets: Sequence[Recording], same_piece: bool | None
) -> tuple[list[tuple[Recording, Recording]], list[Pair], list[Pair]]:
    """Return the takes of one piece, the pairs of notes, and the pairs of notes whose transitions are pairs."""
    takes: list[tuple[Recording, Recording]] = []
    notes: list[Pair] = []
    transitions: list[Pair] = []
    if same_piece is not False:
        cuts = ([[note.cut for note in each.notes] for each in side] for side in (sources, targets))
        for i, j, alignment in match_takes(*cuts):
            takes.append((sources[i], targets[j]))
            aligned = [(sources[i].notes[k], targets[j].notes[m]) for k, m in alignment.pairs]
            notes += aligned
            transitions += _transitions(aligned)
    if same_piece:
        if not takes:
            why = _transposed(sources, targets) or ". For recordings of different music"
            raise DatasetError(
                f"No recordings of both sides are of one piece{why} use same_piece=False (--material playing)."
            )
        return takes, notes, transitions
    in_takes = {each for pair in takes for each in pair}
    alone = ([each for each in side if each not in in_takes] for side in (sources, targets))
    if same_piece is None and (why := _transposed(*alone)):
        warnings.warn(
            f"Notes are paired by likeness{why} say so: same_piece=False (--material playing).",
            DatasetWarning,
            stacklevel=3,
        )
    others = [note for each in sources if each not in in_takes for note in each.notes]
    partners = [note for each in targets for note in each.notes]
    notes += [(others[i], partners[j]) for i, j in alike_notes(others, partners)]
    transitions += [(others[i], partners[j]) for i, j in alike_transitions(others, partners)]
    if not notes:
        names = [[name_of_pitch(f(note.pitch for note in side)) for f in (min, max)] for side in (others, partners)]
        raise DatasetError(
            f"No note of the source ({' to '.join(names[0])}) is within {FARTHEST} semitones of one of the target "
            f"({' to '.join(names[1])}). Use recordings in the same range."
        )
    return takes, notes, transitions


def _transitions(aligned: Sequence[Pair]) -> Iterator[Pair]:
    """Yield the pairs of an alignment whose notes both follow the notes of the pair before."""
    for (a, b), (x, y) in itertools.pairwise(aligned):
        if x.before is a.cut and y.before is b.cut:
            yield x, y


def _transposed(sources: Sequence[Recording], targets: Sequence[Recording]) -> str:
    """Return the interval by which a target is transposed and what can be done, as a part of a message; empty for none."""
    long = ([each for each in side if len(each.notes) >= LEAST_NOTES] for side in (sources, targets))
    # Many recordings would take long.
    for source, target in itertools.islice(itertools.product(*long), 16):
        if interval := find_interval(*([note.cut for note in each.notes] for each in (source, target))):
            how = f"{counted(abs(interval), 'semitone')} {'higher' if interval > 0 else 'lower'}"
            return (
                f": {target.file.name} is {source.file.name} {how}. Transpose one of them to align their notes; to pair notes "
                "by likeness"
            )
    return ""


def _left_out(recordings: Sequence[Recording]) -> dict[str, float]:
    """Return the seconds that are left out, by the reason."""
    seconds: dict[str, float] = defaultdict(float)
    for each in recordings:
        for part in each.left_out:
            seconds[part.reason] += part.end - part.start
    return dict(seconds)


def _mostly(recordings: Sequence[Recording]) -> str:
    """Return what most of the recordings is that is no note, beside silence."""
    seconds = _left_out(recordings)
    sounding = {reason: length for reason, length in seconds.items() if reason != "silent"} or seconds
    return MOSTLY[max(sounding, key=sounding.__getitem__)] if sounding else "is empty"


def _report(
    sides: Sequence[Sequence[Recording]],
    takes: Sequence[tuple[Recording, Recording]],
    notes: Sequence[Pair],
    unread: Sequence[dict[Path, str]],
) -> dict[str, Any]:
    """Return what was found, what is used and what is not; warn of files that are left out."""
    rows = [{note: _row(note) for each in side for note in each.notes} for side in sides]
    for source, target in notes:
        a, b = rows[0][source], rows[1][target]
        a.partner, b.partner = b, b.partner or a
    left_out: list[dict[Path, str]] = []
    for side, of_side, others in zip(sides, rows, unread, strict=True):
        used = {row.file for row in of_side.values() if row.partner is not None}
        idle = [each for each in side if each.file not in used]
        why = {each.file: "has no partner for its notes" if each.notes else _mostly([each]) for each in idle}
        left_out.append(why | others)
        for row in of_side.values():
            row.reason = "" if row.partner else "no note like it on the other side"
    reasons = {**left_out[0], **left_out[1]}
    if reasons:
        shown = ", ".join(f"{file.name} {reason}" for file, reason in list(reasons.items())[:3])
        warnings.warn(f"{counted(len(reasons), 'sound file')} left out: {shown}.", DatasetWarning, stacklevel=3)
    if clipped := [each.file.name for side in sides for each in side if each.clipped and each.notes]:
        message = f"{counted(len(clipped), 'recording')} clipped, but used: {', '.join(clipped[:3])}."
        warnings.warn(message, DatasetWarning, stacklevel=3)
    recordings = []
    seconds = {}
    for k, (name, side) in enumerate(zip(("source", "target"), sides, strict=True)):
        n_pairs = Counter(pair[k].file for pair in notes)
        recordings += [
            {
                "side": name,
                "file": each.file,
                "seconds": each.duration,
                "notes": len(each.notes),
                "paired": n_pairs[each.file],
                "takes": [pair[1 - k].file for pair in takes if pair[k] is each],
                "left_out": _left_out([each]),
            }
            for each in side
        ]
        seconds[name] = sum(each.duration for each in side)
        seconds[f"{name}_notes"] = sum(note.cut.end - note.cut.start for each in side for note in each.notes)
    distinct = {source for source, _ in notes}
    paired = {note.pitch for note in distinct}
    return {
        "unpaired_source": list(left_out[0]),
        "unpaired_target": list(left_out[1]),
        "reasons": reasons,
        "source_notes": list(rows[0].values()),
        "target_notes": list(rows[1].values()),
        "recordings": recordings,
        "seconds": seconds | {"paired": sum(note.cut.end - note.cut.start for note in distinct)},
        "missing": sorted({note.pitch for note in rows[0]} - paired),
        "gaps": sorted(set(range(min(paired), max(paired))) - paired),
    }


def _row(note: PlayedNote) -> NoteFile:
    start, end, midi, level, *_ = note.cut
    return NoteFile(
        note.file, note.pitch, heard=midi, onset=start, level=level, duration=end - start, start=start, end=end
    )
