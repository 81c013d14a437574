"""Load folders of recorded notes, of one instrument or of two, paired by pitch."""

from typing import Any

import numpy as np

from sktimbre._utils.checks import check_flags, check_real, check_whole
from sktimbre._utils.progress import with_bar
from sktimbre.datasets.listening import Sound
from sktimbre.datasets.listing import Misfits, Octave, Pitches, list_notes
from sktimbre.datasets.notes import Notes
from sktimbre.datasets.onset import find_onset
from sktimbre.datasets.pairing import order, pair_files, warn
from sktimbre.datasets.rates import HIGHEST_RATE, resolve_rate
from sktimbre.datasets.sounds import Folder, Match
from sktimbre.exceptions import ParameterError

# Seconds kept before the onset, so that a soft attack is not cut off.
PREROLL = 0.01


def load_notes(
    folder: Folder,
    *,
    sr: int | None = 22050,
    duration: float | None = None,
    trim: bool = True,
    trim_db: float = 60.0,
    pitches: Pitches = None,
    octave: Octave = "auto",
    misfits: Misfits = "leave_out",
    match: Match = None,
    recursive: bool = False,
    progress: bool = False,
) -> Notes:
    """Load a folder of recorded notes, listen to them, and mix them to mono.

    Parameters
    ----------
    folder : path-like or list of path-like
        A list of sound files, or a folder: its sound files are found by their suffix, without hidden files.
    sr : int or None
        Sampling rate in Hz to which all notes are resampled; None is the rate that most of the files have, or of two
        instruments the lower one, at most 48000.
    duration : float or None
        Length of every note in seconds: longer notes are cut at the end, shorter ones padded with zeros. ``None`` keeps
        their lengths.
    trim : bool
        Remove what is before each onset, except the last 10 ms. The onset is found against what comes before it: silence,
        noise of the room, hum, a constant offset, clicks, breath.
    trim_db : float
        Level below the peak of the note, in dB, under which samples are silence: of a recording without noise, the onset is
        no earlier than the first sample above it.
    pitches : "heard", dict, sequence, callable, path-like, regular expression or None
        ``None`` reads the pitches from names, headers and maps and compares them with what is heard, see Notes. "heard" uses
        what is heard. Else MIDI numbers, 0 to 127: a dict by file name, a sequence in the order of the files (sorted by path
        if `folder` is a folder), a function of the path, a CSV table with the columns "file" and "pitch", as
        ``sktimbre pairs`` writes it, or a regular expression for names with a group named "pitch" (a MIDI number) or "note"
        (a note name).
    octave : int or "auto"
        Octaves to add to written pitches; "auto" adds those by which the whole folder differs from what is heard.
    misfits : {"leave_out", "raise", "keep"}
        What happens to single notes that sound different from what is written; "keep" believes what is written.
    match : str, sequence of str or None
        Patterns for names, or for paths below the folder, such as ``"*_ff_*"``; those that begin with ``!`` exclude. Case is
        ignored.
    recursive : bool
        Search the folders inside, too.
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
        - left_out: dict of pathlib.Path to str, other sound files and why they are left out.
        - notes: list of NoteFile, one for each sound file, or note in a file of several, used or not: ``file``, ``pitch``,
          ``written``, ``heard``, ``cents``, ``onset``, ``level``, ``duration``, ``faults``, ``reason``.
        - sr: int.

    Raises
    ------
    AudioFileError
        A sound file of a list, or all of a folder, cannot be read; the error names the first one.
    DatasetError
        The folder does not exist or has no usable notes, nothing tells the pitches, what is written contradicts what is heard
        in most notes, or all notes are transposed by another interval than octaves.
    ParameterError
        A parameter is out of range.

    Warns
    -----
    DatasetWarning
        Files are left out, octaves are put right, or given pitches contradict what is heard.

    See Also
    --------
    load_paired_notes : Load two folders, paired by pitch.

    Notes
    -----
    Pitches may be written as note names (``A4``, ``Bb4``, ``A#4``, ``As4``, ``Asharp4``; ``C4`` is 60, middle C; German where
    there is an ``H``), as MIDI numbers (``61``, ``061``, ``M61``), as Latin note names (``la4``), as root notes in headers of
    WAV (``smpl``) and AIFF (``INST``), or in an ``.sfz`` map beside or above the files. The part that agrees with the clear
    pitches that are heard in most notes is the pitch. Where nothing is clear, as in noises, it is the part that is in most
    names and varies as pitches do; numbers that count files, velocities and parts that never change are not pitches. Files
    that write it in another way than most are read where they sound so.

    Files whose names have a range, such as ``C4B4.aiff``, are cut into notes with the pitches that are heard.

    Left out are also files that are silent, whose channels cancel each other, that are noise, shorter than a window
    or of several notes although most others are not, notes that are 40 dB from the median level, and copies of one take in
    several formats.

    What is heard is cached in the user's cache folder, or in ``SKTIMBRE_DATA_HOME``, by the content of the files.

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
    check_sizes(sr, duration, trim_db)
    listing = list_notes(
        folder, pitches=pitches, octave=octave, misfits=misfits, match=match, recursive=recursive, progress=progress
    )
    warn([listing])
    used = sorted(listing.used, key=lambda note: (note.pitch, *order(note)))
    files = [note.file for note in used]
    sr = resolve_rate(sr, files)
    _, n_samples = check_sizes(sr, duration)
    numbers = [note.pitch for note in used]
    audio = _read([note.sound for note in used], sr, n_samples, trim_db if trim else None, progress)
    return Notes(
        audio=audio if n_samples is None else np.stack(audio),
        pitches=np.array(numbers, dtype=int),
        files=files,
        names=[file.name for file in files],
        left_out=listing.left_out,
        notes=sorted(listing.notes, key=order),
        sr=sr,
    )


def load_paired_notes(
    source: Folder,
    target: Folder,
    *,
    sr: int | None = 22050,
    duration: float | None = None,
    trim: bool = True,
    trim_db: float = 60.0,
    source_pitches: Pitches = None,
    target_pitches: Pitches = None,
    source_octave: Octave = "auto",
    target_octave: Octave = "auto",
    source_match: Match = None,
    target_match: Match = None,
    misfits: Misfits = "leave_out",
    recursive: bool = False,
    progress: bool = False,
) -> Notes:
    """Load the notes of two instruments in pairs of equal pitch, like with like.

    Parameters
    ----------
    source, target : path-like or list of path-like
        Folders or files of the source and of the target instrument. The source may be a list of folders of several
        instruments, each of which is paired with the target: a model of many to one.
    sr, duration, trim, trim_db
        As in `load_notes`.
    source_pitches, target_pitches, source_octave, target_octave, source_match, target_match
        As `pitches`, `octave` and `match` in `load_notes`, for each side.
    misfits, recursive, progress
        As in `load_notes`.

    Returns
    -------
    sklearn.utils.Bunch
        Sorted by pitch, then by name; ``play(i)`` is a player for notebooks:

        - source, target: with ``duration`` ndarray of shape (n_notes, n_samples), float32; without, lists of 1-D ndarray,
          where the shorter note of each pair is padded with zeros at its end to the length of the other.
        - pitches: ndarray of shape (n_notes,), int, MIDI numbers.
        - source_files, target_files: list of pathlib.Path; source_sounds, target_sounds: the same with start and end of
          notes in files of several.
        - unpaired_source, unpaired_target: list of pathlib.Path, files without a partner.
        - reasons: dict of pathlib.Path to str, why they have none.
        - source_notes, target_notes: list of NoteFile, as ``notes`` of `load_notes`, with ``partner``.
        - sr: int.

    Raises
    ------
    AudioFileError, DatasetError, ParameterError
        As in `load_notes`; also `DatasetError` if source and target have no pitch in common.

    Notes
    -----
    Names tell dynamics, velocities, articulations, lengths, strings, round robins and microphones. Notes that differ in one of
    the first four, where both sides have the same values, are never a pair. An assignment within each pitch minimizes the
    other differences: the order of dynamics or velocities, the kinds in the order above, other parts of the names that both
    sides have, length, and loudness beside the median of the folder.

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
    check_sizes(sr, duration, trim_db)
    paired = pair_files(
        source,
        target,
        source_pitches=source_pitches,
        target_pitches=target_pitches,
        source_octave=source_octave,
        target_octave=target_octave,
        source_match=source_match,
        target_match=target_match,
        misfits=misfits,
        recursive=recursive,
        progress=progress,
    )
    sr = resolve_rate(sr, paired.source_files, paired.target_files)
    _, n_samples = check_sizes(sr, duration)
    both = _read(paired.source_sounds + paired.target_sounds, sr, n_samples, trim_db if trim else None, progress)
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


def check_sizes(sr: Any, duration: Any, trim_db: Any = 60.0) -> tuple[int, int | None]:
    """Return the sampling rate, for None the highest, and the number of samples of each note, or raise `ParameterError`."""
    sr = HIGHEST_RATE if sr is None else check_whole(sr, "sr", 1, fix="It is in Hz.")
    check_real(trim_db, "trim_db", 0.0, fix="It is in dB below the peak.")
    if duration is None:
        return sr, None
    n_samples = round(check_real(duration, "duration", 0.0, open_low=True, fix="It is in seconds.") * sr)
    if n_samples == 0:
        raise ParameterError(f"duration={duration} s is shorter than one sample at {sr} Hz; ask for more.")
    return sr, n_samples


def _read(
    sounds: list[Sound], sr: int, n_samples: int | None, trim_db: float | None, progress: bool
) -> list[np.ndarray]:
    notes = []
    with with_bar(total=len(sounds), description="Reading notes", unit="file", show=progress) as bar:
        for sound in sounds:
            y, _ = sound.read(sr)
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
