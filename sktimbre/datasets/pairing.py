"""Pair the notes of two folders: equal pitch, then like with like by names, then by length and loudness."""

import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.utils import Bunch

from sktimbre.datasets.listing import Listing, Misfits, Octave, Pitches, list_notes
from sktimbre.datasets.names import name_of_pitch
from sktimbre.datasets.sounds import Folder, Match
from sktimbre.datasets.table import NoteFile
from sktimbre.datasets.tokens import DYNAMICS, KINDS, STRICT
from sktimbre.exceptions import DatasetError, DatasetWarning

__all__ = ["folders_of", "order", "pair_files", "pair_notes", "warn"]

# Greatest number of velocity layers; greater numbers are velocities of MIDI, which mean the same everywhere.
MOST_LAYERS = 24
# Cost of a difference: each kind counts more than all later ones together. Then other tokens, length and loudness.
WEIGHTS = {kind: 4.0 ** (len(KINDS) + 2 - i) for i, kind in enumerate(KINDS)}
OTHERS, LENGTH, LEVEL = 4.0, 1.0, 0.25
# Of notes that are alike otherwise, the louder ones are paired: there is less noise in them.
LOUDER = 1e-6
# Where the dynamics of the folders have different names, those whose ranks differ by more than this share are unlike.
UNLIKE = 0.6
IMPOSSIBLE = 1e9


def pair_files(
    source: Folder,
    target: Folder,
    *,
    source_pitches: Pitches = None,
    target_pitches: Pitches = None,
    source_octave: Octave = "auto",
    target_octave: Octave = "auto",
    source_match: Match = None,
    target_match: Match = None,
    misfits: Misfits = "leave_out",
    recursive: bool = False,
    progress: bool = False,
) -> Bunch:
    """Pair the files of two instruments, as `load_paired_notes` does, and return the table of all sound files.

    Parameters
    ----------
    source, target, source_pitches, target_pitches, source_octave, target_octave, source_match, target_match
        As in `load_paired_notes`.
    misfits, recursive, progress
        As in `load_notes`.

    Returns
    -------
    sklearn.utils.Bunch
        The fields of `load_paired_notes` without audio: pitches, source_files, target_files, unpaired_source,
        unpaired_target, reasons, source_notes, target_notes.

    Raises
    ------
    AudioFileError, DatasetError, ParameterError
        As in `load_paired_notes`.

    Examples
    --------
    >>> from sktimbre.datasets import pair_files
    >>> pairs = pair_files("flute/", "clarinet/")  # doctest: +SKIP
    >>> for note in pairs.source_notes:  # doctest: +SKIP
    ...     print(note.file.name, note.written, note.heard, note.partner, note.reason)
    """
    how: dict[str, Any] = {"misfits": misfits, "recursive": recursive, "progress": progress}
    sources = [
        list_notes(each, "source", pitches=source_pitches, octave=source_octave, match=source_match, **how)
        for each in folders_of(source)
    ]
    targets = list_notes(target, "target", pitches=target_pitches, octave=target_octave, match=target_match, **how)
    warn([*sources, targets])
    found = [_paired(each, replace(targets, notes=[replace(note) for note in targets.notes])) for each in sources]
    return found[0] if len(found) == 1 else _joined(found)


def folders_of(source: Any) -> list[Folder]:
    """Return the folders of a source: those of a list of folders; a folder, or a list of files, is one."""
    listed = isinstance(source, list | tuple) and all(isinstance(each, str | os.PathLike) for each in source)
    return list(source) if listed and source and all(os.path.isdir(each) for each in source) else [source]


def order(note: NoteFile) -> tuple[str, Path, float]:
    """Return the key by which notes are sorted."""
    return note.file.name, note.file, note.start or 0.0


def warn(listings: Sequence[Listing]) -> None:
    """Show the messages of listings as warnings."""
    for listing in listings:
        for message in listing.messages:
            warnings.warn(message, DatasetWarning, stacklevel=4)


def _paired(source: Listing, target: Listing) -> Bunch:
    notes = [sorted(listing.notes, key=order) for listing in (source, target)]
    pairs, reasons = pair_notes(*notes)
    if not pairs:
        raise DatasetError(_no_pairs((source, target), reasons, notes))
    for i, j in pairs:
        notes[0][i].partner, notes[1][j].partner = notes[1][j], notes[0][i]
    for side in (0, 1):
        for i, reason in reasons[side].items():
            notes[side][i].reason = reason
    return _as_bunch([notes[0][i] for i, _ in pairs], *notes)


def _joined(found: Sequence[Bunch]) -> Bunch:
    """Join the pairs of several sources; a target without a partner in any of them has none."""
    sources = [note for each in found for note in each.source_notes]
    targets = {note.sound: note for each in found for note in each.target_notes if note.partner is None}
    targets |= {note.sound: note for each in found for note in each.target_notes if note.partner is not None}
    paired = sorted((n for n in sources if n.partner is not None), key=lambda n: (n.pitch, *order(n)))
    return _as_bunch(paired, sources, list(targets.values()))


def _as_bunch(paired: Sequence[NoteFile], sources: list[NoteFile], targets: list[NoteFile]) -> Bunch:
    partners = [note.partner for note in paired if note.partner is not None]
    unpaired = [[note for note in side if note.partner is None] for side in (sources, targets)]
    return Bunch(
        pitches=np.array([note.pitch for note in paired], dtype=int),
        source_sounds=[note.sound for note in paired],
        target_sounds=[note.sound for note in partners],
        source_files=[note.file for note in paired],
        target_files=[note.file for note in partners],
        unpaired_source=[note.file for note in unpaired[0]],
        unpaired_target=[note.file for note in unpaired[1]],
        reasons={note.file: note.reason for side in unpaired for note in side},
        source_notes=sources,
        target_notes=targets,
    )


def pair_notes(
    source: Sequence[NoteFile], target: Sequence[NoteFile]
) -> tuple[list[tuple[int, int]], list[dict[int, str]]]:
    """Pair notes of equal pitch, like with like.

    Kinds of tokens that both sides share (dynamic, velocity, articulation, length) are never mixed. Other differences are
    minimized by an assignment within each pitch: the order of dynamics and velocities, string, round robin, microphone, other
    tokens that both sides have, length, and loudness beside the median of the folder.

    Parameters
    ----------
    source, target : sequence of NoteFile
        Notes of each side; those without a pitch are ignored.

    Returns
    -------
    pairs : list of tuple of int
        Indices of source and target, sorted by pitch and by the order of the sources.
    reasons : list of two dict of int to str
        Why other notes with a pitch have no partner.
    """
    sides = (source, target)
    groups = [_by_pitch(side) for side in sides]
    strict = [kind for kind in STRICT if _comparable(kind, _values(source, kind), _values(target, kind))]
    if any(len(_values(side, "dynamic")) == 1 < len(_values(side, "velocity")) for side in sides):
        # The F of a horn in F, or the name of a library, beside velocities.
        strict = [kind for kind in strict if kind != "dynamic"]
    # Tokens that all notes of a side have, such as the instrument, tell nothing about pairs.
    shared = _telling(source) & _telling(target)
    levels = [_levels(side) for side in sides]
    strengths = [_strengths(side) for side in sides]
    pairs: list[tuple[int, int]] = []
    reasons: list[dict[int, str]] = [{}, {}]
    for pitch in sorted(groups[0].keys() | groups[1].keys()):
        # By name: which of several equally good pairings is taken does not depend on the order of the files.
        a, b = (sorted(g.get(pitch, []), key=lambda i: _place(side[i])) for g, side in zip(groups, sides, strict=True))
        cost = np.zeros((len(a), len(b)))
        for row, i in enumerate(a):
            for column, j in enumerate(b):
                cost[row, column] = _cost(source[i], target[j], strict, shared)
                apart = abs(strengths[0].get(i, 0.5) - strengths[1].get(j, 0.5))
                cost[row, column] += WEIGHTS["dynamic"] * apart
                if apart > UNLIKE and not _equally_strong(source[i], target[j], strict):
                    cost[row, column] = IMPOSSIBLE
                cost[row, column] += LEVEL * min(1.0, abs(levels[0][i] - levels[1][j]) / 100)
                cost[row, column] -= LOUDER * (levels[0][i] + levels[1][j])
        found = zip(*linear_sum_assignment(cost), strict=True)
        allowed = [(a[row], b[column]) for row, column in found if cost[row, column] < IMPOSSIBLE / 2]
        pairs += sorted(allowed)
        possible = cost < IMPOSSIBLE / 2
        for side, (own, other) in enumerate(((a, b), (b, a))):
            paired = {pair[side] for pair in allowed}
            for place, i in enumerate(own):
                if i not in paired:
                    n_like = int(np.take(possible, place, axis=side).sum())
                    others = [sides[1 - side][j] for j in other]
                    reasons[side][i] = _reason(sides[side][i], others, n_like, strict, pitch)
    return pairs, reasons


def _place(note):
    return str(note.file), note.start or 0.0


def _by_pitch(side):
    groups: dict[int, list[int]] = defaultdict(list)
    for i, note in enumerate(side):
        if note.pitch is not None and not note.reason:
            groups[note.pitch].append(i)
    return groups


def _used(side):
    return [note for note in side if note.pitch is not None and not note.reason]


def _comparable(kind: str, a: set[str], b: set[str]) -> bool:
    """Return True if values of a kind mean the same on both sides, and some are on both."""
    if kind == "velocity" and max(map(int, a | b), default=0) <= MOST_LAYERS:
        # The second of three layers is not the second of sixteen.
        return a == b and bool(a)
    return bool(a & b)


def _values(side, kind) -> set[str]:
    return {note.tokens.kinds[kind] for note in _used(side) if kind in note.tokens.kinds}


def _telling(side) -> set[str]:
    used = _used(side)
    counts = Counter(token for note in used for token in note.tokens.others)
    several = len({note.pitch for note in used}) > 1
    # Numbers that only one file has count the files.
    return {token for token, n in counts.items() if n < len(used) and not (n == 1 and several and token.isdecimal())}


def _levels(side) -> list[float]:
    levels = np.array([note.level for note in side], dtype=float)
    used = np.array([note.pitch is not None and not note.reason for note in side], dtype=bool)
    usable = levels[used & np.isfinite(levels)]
    median = float(np.median(usable)) if len(usable) else 0.0
    return [float(level - median) if np.isfinite(level) else 0.0 for level in levels]


def _strengths(side) -> dict[int, float]:
    """Return the rank of each note's dynamic, or velocity, among those of the side, from 0 to 1."""
    found: dict[int, Any] = {}
    for i, note in enumerate(side):
        kinds = note.tokens.kinds
        if "velocity" in kinds:
            found[i] = int(kinds["velocity"])
        elif kinds.get("dynamic") in DYNAMICS:
            found[i] = DYNAMICS.index(kinds["dynamic"])
    order = sorted(set(found.values()))
    return {i: order.index(value) / (len(order) - 1) if len(order) > 1 else 0.5 for i, value in found.items()}


def _differences(a: NoteFile, b: NoteFile, kinds: Sequence[str]) -> list[str]:
    """Return the kinds of tokens in which two notes differ; a missing token is no difference."""
    mine, others = a.tokens.kinds, b.tokens.kinds
    return [kind for kind in kinds if kind in mine and kind in others and mine[kind] != others[kind]]


def _cost(a: NoteFile, b: NoteFile, strict: Sequence[str], shared: set[str]) -> float:
    if _differences(a, b, strict):
        return IMPOSSIBLE
    cost = sum(WEIGHTS[kind] for kind in _differences(a, b, KINDS) if kind not in ("dynamic", "velocity"))
    mine, others = a.tokens.others.keys() & shared, b.tokens.others.keys() & shared
    cost += OTHERS * (1 - len(mine & others) / max(1, len(mine | others)))
    if a.duration and b.duration:
        cost += LENGTH * min(1.0, abs(float(np.log2(a.duration / b.duration))) / 4)
    return cost


def _equally_strong(a: NoteFile, b: NoteFile, strict: Sequence[str]) -> bool:
    """Return True if the names of two notes have the same dynamic or velocity, in a sense that both folders share."""
    kinds = {"dynamic", "velocity"} & set(strict) & a.tokens.kinds.keys() & b.tokens.kinds.keys()
    return any(a.tokens.kinds[kind] == b.tokens.kinds[kind] for kind in kinds)


def _reason(note: NoteFile, others: Sequence[NoteFile], n_like: int, strict: Sequence[str], pitch: int) -> str:
    if not others:
        return f"no {name_of_pitch(pitch)} on the other side"
    for kind in strict:
        value = note.tokens.kinds.get(kind)
        if value is not None and all(other.tokens.kinds.get(kind, value) != value for other in others):
            return f"no {name_of_pitch(pitch)} with the {kind} {value} on the other side"
    if not n_like:
        return f"no {name_of_pitch(pitch)} of a similar dynamic, by its name, on the other side"
    like = (
        f"the {name_of_pitch(pitch)} like it" if n_like == 1 else f"all {n_like} notes {name_of_pitch(pitch)} like it"
    )
    return f"{like} on the other side {'has' if n_like == 1 else 'have'} another partner"


def _no_pairs(listings, reasons, notes):
    used = [[note.pitch for note in listing.used] for listing in listings]
    ranges = [f"{listing.shown} (MIDI {min(p)} to {max(p)})" for listing, p in zip(listings, used, strict=True)]
    if not set(used[0]) & set(used[1]):
        return (
            f"No note of {ranges[0]} has the pitch of one of {ranges[1]}. Check the folders and the pitches, which "
            "`sktimbre pairs` shows; source_pitches= and target_pitches= give others."
        )
    i, reason = next(iter(reasons[0].items()))
    return (
        f"No note of {ranges[0]} is like one of {ranges[1]}: {notes[0][i].file.name} has {reason}. Rename the files, or "
        "select those to pair with source_match= and target_match=."
    )
