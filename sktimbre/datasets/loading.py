"""Load folders of recorded notes, of one instrument or of two, paired by pitch."""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sktimbre._utils.checks import check_flags, check_real, check_whole
from sktimbre._utils.files import as_path
from sktimbre._utils.progress import with_bar
from sktimbre.audio import read_audio
from sktimbre.audio.soundfiles import READABLE_SUFFIXES
from sktimbre.datasets.names import pitches_in_names
from sktimbre.datasets.notes import Notes
from sktimbre.datasets.onset import find_onset
from sktimbre.exceptions import DatasetError, ParameterError

PathLike = str | os.PathLike[str]
Folder = PathLike | Sequence[PathLike]
Pitches = Mapping[str, int] | Sequence[int] | np.ndarray | Callable[[Path], int] | None

# Seconds kept before the onset, so that a soft attack is not cut off.
PREROLL = 0.01


def load_notes(
    folder: Folder,
    *,
    sr: int = 22050,
    duration: float | None = None,
    trim: bool = True,
    trim_db: float = 60.0,
    pitches: Pitches = None,
    progress: bool = False,
) -> Notes:
    """Load a folder of recorded notes, one note in each file, mixed to mono.

    Parameters
    ----------
    folder : path-like or list of path-like
        A list of sound files, or a folder: its sound files are found by their suffix, without hidden files and those in
        subfolders.
    sr : int
        Sampling rate in Hz to which all notes are resampled.
    duration : float or None
        Length of every note in seconds: longer notes are cut at the end, shorter ones padded with zeros. ``None`` keeps
        their lengths.
    trim : bool
        Remove what is before each onset, except the last 10 ms. The onset is found against what comes before it: silence,
        noise of the room, hum, a constant offset, clicks, breath.
    trim_db : float
        Level below the peak of the note, in dB, under which samples are silence: of a recording without noise, the onset is
        no earlier than the first sample above it.
    pitches : dict, sequence, callable or None
        MIDI numbers, 0 to 127: a dict by file name, a sequence in the order of the files (sorted by name if `folder` is a
        folder), or a function of the path. ``None`` reads them from the file names, see Notes.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    sklearn.utils.Bunch
        Sorted by pitch, then by name; ``play(i)`` is a player for notebooks:

        - audio: with ``duration`` ndarray of shape (n_notes, n_samples), float32; without, list of 1-D ndarray.
        - pitches: ndarray of shape (n_notes,), int, MIDI numbers.
        - files: list of pathlib.Path.
        - names: list of str, file names.
        - left_out: list of pathlib.Path, files without a pitch in their names; they are not read.
        - sr: int.

    Raises
    ------
    AudioFileError
        A sound file cannot be read; the error names it.
    DatasetError
        The folder does not exist or has no sound files, or a pitch is missing or ambiguous.
    ParameterError
        `sr`, `duration`, `trim_db` or a value of `pitches` is out of range.

    See Also
    --------
    load_paired_notes : Load two folders, paired by pitch.

    Notes
    -----
    All names of a folder are compared. The pitch is the part that is in most names and varies as pitches do, in steps of at
    most an octave: a note name (``A4``, ``Bb4``, ``A#4``, ``As4``, ``Asharp4``; ``C4`` is 60, middle C; German where there is
    an ``H``), a MIDI number (``61``, ``061``, ``M61``) or a Latin note name (``la4``). Numbers that count files, velocities
    and parts that never change are not pitches. Where MIDI numbers and note names differ by octaves, the numbers decide.
    Files without that part, such as effects among notes, are left out.

    Examples
    --------
    >>> import tempfile
    >>> from sktimbre.audio import write_audio
    >>> from sktimbre.datasets import load_notes, make_paired_notes
    >>> notes = make_paired_notes(3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for file, y in zip(notes.source_files, notes.source):
    ...         write_audio(f"{folder}/{file.name}", y, notes.sr)
    ...     loaded = load_notes(folder, duration=0.5)
    >>> loaded.audio.shape, loaded.pitches, loaded.names
    ((3, 11025), array([60, 72, 84]), ['flute.C4.wav', 'flute.C5.wav', 'flute.C6.wav'])
    """
    check_flags(trim=trim, progress=progress)
    sr, n_samples = check_sizes(sr, duration, trim_db)
    files = _find_files(folder, "folder")
    found = _find_pitches(files, pitches, "pitches")
    left_out = [file for file in files if file not in found]
    files = sorted(found, key=lambda file: (found[file], file.name, file))
    numbers = [found[file] for file in files]
    audio = _read(files, sr, n_samples, trim_db if trim else None, progress)
    return Notes(
        audio=audio if n_samples is None else np.stack(audio),
        pitches=np.array(numbers, dtype=int),
        files=files,
        names=[file.name for file in files],
        left_out=left_out,
        sr=sr,
    )


def load_paired_notes(
    source: Folder,
    target: Folder,
    *,
    sr: int = 22050,
    duration: float | None = None,
    trim: bool = True,
    trim_db: float = 60.0,
    source_pitches: Pitches = None,
    target_pitches: Pitches = None,
    progress: bool = False,
) -> Notes:
    """Load the notes of two instruments, paired by pitch.

    Parameters
    ----------
    source, target : path-like or list of path-like
        Folders or files of the source and of the target instrument.
    sr, duration, trim, trim_db
        As in `load_notes`.
    source_pitches, target_pitches : dict, sequence, callable or None
        As `pitches` in `load_notes`, for all files of the source and of the target.
    progress : bool
        As in `load_notes`.

    Returns
    -------
    sklearn.utils.Bunch
        Sorted by pitch, then by name; ``play(i)`` is a player for notebooks:

        - source, target: with ``duration`` ndarray of shape (n_notes, n_samples), float32; without, lists of 1-D ndarray,
          where the shorter note of each pair is padded with zeros at its end to the length of the other.
        - pitches: ndarray of shape (n_notes,), int, MIDI numbers.
        - source_files, target_files: list of pathlib.Path.
        - unpaired_source, unpaired_target: list of pathlib.Path, files without a partner; they are not read.
        - sr: int.

    Raises
    ------
    AudioFileError, DatasetError, ParameterError
        As in `load_notes`; also `DatasetError` if source and target have no pitch in common.

    Notes
    -----
    If a pitch occurs several times, the first notes of source and target (by name) are a pair, then the second ones, and
    so on; the others are unpaired.

    Examples
    --------
    >>> import tempfile
    >>> from sktimbre.audio import write_audio
    >>> from sktimbre.datasets import load_paired_notes, make_paired_notes
    >>> notes = make_paired_notes(4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for file, y in zip(notes.source_files, notes.source):
    ...         write_audio(f"{folder}/{file.name}", y, notes.sr)
    ...     for file, y in zip(notes.target_files[1:], notes.target[1:]):
    ...         write_audio(f"{folder}/{file.name}", y, notes.sr)
    ...     files = [[f"{folder}/{f.name}" for f in side] for side in (notes.source_files, notes.target_files[1:])]
    ...     pairs = load_paired_notes(*files, duration=1.0)
    >>> pairs.source.shape, pairs.target.shape, pairs.pitches, [file.name for file in pairs.unpaired_source]
    ((3, 22050), (3, 22050), array([68, 76, 84]), ['flute.C4.wav'])
    """
    check_flags(trim=trim, progress=progress)
    sr, n_samples = check_sizes(sr, duration, trim_db)
    paired = pair_files(source, target, source_pitches, target_pitches)
    both = _read(paired.source_files + paired.target_files, sr, n_samples, trim_db if trim else None, progress)
    audio = [both[: len(paired.pitches)], both[len(paired.pitches) :]]
    if n_samples is None:
        lengths = [max(len(a), len(b)) for a, b in zip(*audio, strict=True)]
        audio = [[_fit(y, n) for y, n in zip(side, lengths, strict=True)] for side in audio]
    return Notes(
        source=audio[0] if n_samples is None else np.stack(audio[0]),
        target=audio[1] if n_samples is None else np.stack(audio[1]),
        **paired,
        sr=sr,
    )


def pair_files(source: Folder, target: Folder, source_pitches: Pitches = None, target_pitches: Pitches = None) -> Bunch:
    """Pair the files of two instruments by pitch, without reading them.

    Parameters and errors are as in `load_paired_notes`. The result has the fields ``pitches``, ``source_files``,
    ``target_files``, ``unpaired_source`` and ``unpaired_target``.
    """
    by_pitch, nameless = [], []
    for folder, pitches, name in ((source, source_pitches, "source"), (target, target_pitches, "target")):
        files = _find_files(folder, name)
        groups: dict[int, list[Path]] = defaultdict(list)
        found = _find_pitches(files, pitches, f"{name}_pitches")
        for file, pitch in found.items():
            groups[pitch].append(file)
        nameless.append([file for file in files if file not in found])
        by_pitch.append({p: sorted(group, key=lambda file: (file.name, file)) for p, group in sorted(groups.items())})
    pairs = [
        (pitch, pair)
        for pitch in by_pitch[0]
        for pair in zip(by_pitch[0][pitch], by_pitch[1].get(pitch, []), strict=False)
    ]
    if not pairs:
        raise DatasetError(
            f"No note of {_show(source)} (MIDI {_range(by_pitch[0])}) has the pitch of one of {_show(target)} (MIDI "
            f"{_range(by_pitch[1])}). Check the folders and the pitches in the file names; from Python, pass the pitches as "
            "source_pitches= and target_pitches=."
        )
    chosen = [[pair[side] for _, pair in pairs] for side in (0, 1)]
    unpaired = [
        [f for group in groups.values() for f in group if f not in set(chosen[side])] + nameless[side]
        for side, groups in enumerate(by_pitch)
    ]
    return Bunch(
        pitches=np.array([pitch for pitch, _ in pairs], dtype=int),
        source_files=chosen[0],
        target_files=chosen[1],
        unpaired_source=unpaired[0],
        unpaired_target=unpaired[1],
    )


def check_sizes(sr: Any, duration: Any, trim_db: Any = 60.0) -> tuple[int, int | None]:
    """Return the sampling rate and the number of samples of each note, or raise `ParameterError`."""
    sr = check_whole(sr, "sr", 1, fix="It is in Hz.")
    check_real(trim_db, "trim_db", 0.0, fix="It is in dB below the peak.")
    if duration is None:
        return sr, None
    n_samples = round(check_real(duration, "duration", 0.0, open_low=True, fix="It is in seconds.") * sr)
    if n_samples == 0:
        raise ParameterError(f"duration={duration} s is shorter than one sample at {sr} Hz; ask for more.")
    return sr, n_samples


def _find_files(folder: Folder, name: str) -> list[Path]:
    if not isinstance(folder, str | os.PathLike):
        if not isinstance(folder, list | tuple):
            raise DatasetError(f"{name}={folder!r} must be a folder or a list of sound files.")
        files = [as_path(file, DatasetError) for file in folder]
        if not files:
            raise DatasetError(f"{name} is an empty list; pass the sound files, or the folder that they are in.")
        if len(set(files)) < len(files):
            twice = next(file for file in files if files.count(file) > 1)
            raise DatasetError(f"{name} lists {twice} twice; pass every file once.")
        return files
    folder = as_path(folder, DatasetError)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DatasetError(f"{name}={os.fspath(folder)!r} {what}; pass a folder, or a list of files.")
    # For each x.aif macOS may leave a hidden file ._x.aif, which is not a sound file.
    files = [f for f in sorted(folder.iterdir()) if f.suffix.lower() in READABLE_SUFFIXES and f.name[0] != "."]
    files = [file for file in files if not file.is_dir()]
    if not files:
        inside = next((f for f in sorted(folder.glob("*/*")) if f.suffix.lower() in READABLE_SUFFIXES), None)
        fix = (
            f"Folders inside it are not searched: give {inside.parent}." if inside else "Check the name of the folder."
        )
        raise DatasetError(
            f"{name}={os.fspath(folder)!r} holds no sound files; looked for {', '.join(sorted(READABLE_SUFFIXES))}. {fix}"
        )
    return files


def _find_pitches(files: list[Path], pitches: Pitches, name: str) -> dict[Path, int]:
    """Return the MIDI numbers of the files that have one."""
    if pitches is None:
        return pitches_in_names(files, name)
    fix = "It is a MIDI number."
    if callable(pitches):
        return {file: check_whole(pitches(file), f"{name}({file.name!r})", 0, 127, fix=fix) for file in files}
    if isinstance(pitches, Mapping):
        missing = [file.name for file in files if file.name not in pitches]
        if missing:
            raise DatasetError(
                f"{name} lacks {len(missing)} of {len(files)} files, for instance {missing[0]!r}; its keys are file "
                "names with their suffix."
            )
        return {file: check_whole(pitches[file.name], f"{name}[{file.name!r}]", 0, 127, fix=fix) for file in files}
    if not np.iterable(pitches):
        raise ParameterError(f"{name}={pitches!r} must be a dict by file name, a sequence, or a function of the path.")
    pitches = list(pitches)
    if len(pitches) != len(files):
        raise DatasetError(
            f"{name} has {len(pitches)} values for {len(files)} files ({files[0].name} to {files[-1].name}); give "
            "one for each, or a dict by file name."
        )
    return {
        file: check_whole(pitch, f"{name}[{i}]", 0, 127, fix=fix)
        for i, (file, pitch) in enumerate(zip(files, pitches, strict=True))
    }


def _read(files: list[Path], sr: int, n_samples: int | None, trim_db: float | None, progress: bool) -> list[np.ndarray]:
    notes = []
    with with_bar(total=len(files), description="Reading notes", unit="file", show=progress) as bar:
        for file in files:
            y, _ = read_audio(file, sr)
            if trim_db is not None:
                y = y[max(0, find_onset(y, sr, trim_db) - round(PREROLL * sr)) :]
            # _fit copies, which frees the samples that were cut off.
            notes.append(_fit(y, len(y) if n_samples is None else n_samples))
            bar.update(1)
    return notes


def _fit(y: np.ndarray, n_samples: int) -> np.ndarray:
    fitted = np.zeros(n_samples, np.float32)
    fitted[: len(y)] = y[:n_samples]
    return fitted


def _show(folder: Folder) -> str:
    return os.fspath(folder) if isinstance(folder, str | os.PathLike) else f"a list of {len(folder)} files"


def _range(groups: dict[int, list[Path]]) -> str:
    return f"{min(groups)} to {max(groups)}"
