"""Which recordings a command line names, and what each is to become."""

import glob
import os
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from sktimbre.cli.recordings import Recording
from sktimbre.cli.session import check_output, did_you_mean
from sktimbre.exceptions import ParameterError, SktimbreError

__all__ = ["Found", "Writing", "check_names", "check_target", "find_recordings"]


@dataclass(frozen=True)
class Found:
    """A recording that was named, or found in a folder.

    Parameters
    ----------
    path : Path
        The file.
    name : Path
        What it is called in the folder that is written to; from folders inside a folder, with these.
    """

    path: Path
    name: Path

    @property
    def key(self) -> str:
        """What two recordings that would be written under one name have in common."""
        # Not all file systems tell capital letters from small ones.
        return str(self.name.parent / self.name.stem).casefold()


@dataclass(frozen=True)
class Writing:
    """Where and how conversions are written: options of `sktimbre convert`.

    Parameters
    ----------
    folder : Path
        Where to.
    keep_rate : bool
        Whether each has the sample rate of its recording.
    format : str or None
        Suffix; None is the recording's if it can be written.
    subtype : str or None
        How samples are stored.
    gain : float
        Decibels by which outputs are made louder.
    overwrite : bool
        Whether files may be replaced.
    """

    folder: Path
    keep_rate: bool = False
    format: str | None = None
    subtype: str | None = None
    gain: float = 0.0
    overwrite: bool = False

    def check(self) -> None:
        """Raise `ParameterError` for what is wrong whatever the recording."""
        from sktimbre.audio.soundfiles import FORMATS

        if self.folder.exists() and not self.folder.is_dir():
            raise ParameterError(f"--output {self.folder} is a file; give a folder to write to.")
        if self.format is not None and self._suffix not in FORMATS:
            known = [name.removeprefix(".") for name in FORMATS]
            raise ParameterError(
                f"--format {self.format} is none that can be written: choose one of {', '.join(known)}."
                f"{did_you_mean(self.format.lower(), known)}"
            )

    @property
    def _suffix(self) -> str | None:
        return None if self.format is None else f".{self.format.lower().removeprefix('.')}"

    def plan(self, found: Found, model_sr: int) -> Recording:
        """Return what to do with a file, once its header was read and its format is known to be writable.

        Raises
        ------
        ParameterError
            The options do not go together with the rate or the channels of the file.
        AudioFileError
            The file cannot be read.
        """
        from sktimbre.audio import AudioReader
        from sktimbre.audio.soundfiles import resolve_format

        reader = AudioReader(found.path, sr=model_sr)
        sr = reader.file_sr if self.keep_rate else model_sr
        chosen = self._suffix
        if chosen is None:
            chosen = found.path.suffix.lower()
            try:
                resolve_format(Path(f"x{chosen}"), self.subtype, sr, reader.n_channels)
            except ParameterError:
                chosen = ".wav"
        target = self.folder / found.name.parent / f"{found.name.stem}{chosen}"
        resolve_format(target, self.subtype, sr, reader.n_channels)
        return Recording(found.path, target, sr, reader.n_frames)


def find_recordings(
    given: Sequence[Path], output: Path, *, recursive: bool = False, may_be_none: bool = False
) -> list[Found]:
    """Return what files, folders and patterns such as ``takes/*.wav`` stand for, each recording once.

    Of a folder these are the sound files by their suffix, but hidden ones, and what lies in the folder that is written to.
    A file that is named is returned whether it is there or not.

    Parameters
    ----------
    given : sequence of Path
        As on the command line.
    output : Path
        The folder that is written to.
    recursive : bool
        Whether folders inside folders are searched.
    may_be_none : bool
        Whether a folder may be empty, and a pattern stand for nothing.

    Returns
    -------
    list of Found

    Raises
    ------
    ParameterError
        A folder is the one that is written to.
    SktimbreError
        There is no recording in a folder, or no file that a pattern stands for.
    """
    found: dict[Path, Found] = {}
    for path in given:
        if path.exists() or not glob.has_magic(str(path)):
            matches = [path]
        else:
            matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
            if not matches and not may_be_none:
                raise SktimbreError(
                    f"No file is called {path}; check the pattern (the working directory is {Path.cwd()})."
                )
        for match in matches:
            if match.is_dir():
                files = _in_folder(match, output, recursive)
                if not files and not may_be_none:
                    raise SktimbreError(_nothing_in(match, recursive))
            else:
                files = [Found(match, Path(match.name))]
            for file in files:
                found.setdefault(Path(os.path.abspath(file.path)), file)
    return list(found.values())


def check_names(recordings: Iterable[Found]) -> None:
    """Raise `ParameterError` if two recordings would be written under one name."""
    names: dict[str, Path] = {}
    for recording in recordings:
        other = names.setdefault(recording.key, recording.path)
        if other != recording.path:
            raise ParameterError(
                f"{other} and {recording.path} would both be written as {recording.name.stem}; convert one at a time."
            )


def check_target(recording: Recording, sources: Set[Path], overwrite: bool) -> None:
    """Raise an error if writing would destroy anything, resolved ``sources`` above all, or cannot succeed."""
    target = recording.target
    if target.resolve() in sources:
        raise SktimbreError(f"{target} would replace a recording that is to be converted; write to another folder.")
    if target.parent.exists():
        check_output(target, overwrite)


def _in_folder(folder: Path, output: Path, recursive: bool) -> list[Found]:
    from sktimbre.audio.soundfiles import READABLE_SUFFIXES

    written = output.resolve()
    if written == folder.resolve():
        raise ParameterError(f"--output {output} is the folder of the recordings; write to another folder.")
    files = []
    for file in sorted(folder.rglob("*") if recursive else folder.iterdir()):
        name = file.relative_to(folder)
        # Hidden files are the operating system's: beside x.aif, macOS leaves a ._x.aif that is no sound.
        hidden = any(part.startswith(".") for part in name.parts)
        if hidden or file.suffix.lower() not in READABLE_SUFFIXES or not file.is_file():
            continue
        # A folder to write to may lie inside the one to read from, but not around it.
        if not (written.is_relative_to(folder.resolve()) and file.resolve().is_relative_to(written)):
            files.append(Found(file, name))
    return files


def _nothing_in(folder: Path, recursive: bool) -> str:
    from sktimbre.audio.soundfiles import READABLE_SUFFIXES

    fix = "Check the name." if recursive else "Folders inside it are searched with --recursive."
    return f"{folder} holds no recordings; looked for {', '.join(sorted(READABLE_SUFFIXES))}. {fix}"
