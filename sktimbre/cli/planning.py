"""Find the recordings that a command line names, and plan the file to write for each."""

import glob
import os
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sktimbre.cli.recordings import Recording
from sktimbre.cli.session import check_folder, check_output, did_you_mean, unquoted
from sktimbre.exceptions import ParameterError, SktimbreError

if TYPE_CHECKING:
    from sktimbre.audio import AudioReader

__all__ = ["Found", "Writing", "check_names", "check_target", "file_of_one", "find_recordings"]


# Suffixes that messages name; there are many more.
USUAL = (".wav", ".flac", ".mp3", ".aif")


@dataclass(frozen=True)
class Found:
    """A recording that was named on the command line or found in a folder.

    Parameters
    ----------
    path : Path
        The file.
    name : Path
        Its path in the output folder, with subfolders; the suffix may change.
    """

    path: Path
    name: Path


@dataclass(frozen=True)
class Writing:
    """Options of `sktimbre convert` for the files that it writes.

    Parameters
    ----------
    folder : Path
        Output folder.
    keep_rate : bool
        Whether outputs have the sample rate of their recordings; otherwise they have the model's.
    format : str or None
        Suffix; None is the recording's if it can be written, else wav.
    subtype : str or None
        Sample format, such as PCM_16; None is the recording's, or the nearest that the format has.
    gain : float
        Gain of the output in dB.
    overwrite : bool
        Whether files may be replaced.
    file : Path or None
        File to write, in the folder, if there is only one recording; None names outputs as their recordings.
    """

    folder: Path
    keep_rate: bool = True
    format: str | None = None
    subtype: str | None = None
    gain: float = 0.0
    overwrite: bool = False
    file: Path | None = None

    def check(self) -> None:
        """Raise `ParameterError` if an option is wrong for every recording, or nothing can be written to the folder."""
        from sktimbre.audio.formats import FORMATS

        check_folder(self.folder, "--output")
        if self.file and self.format and self.file.suffix.lower() != f".{self.format.lower().removeprefix('.')}":
            raise ParameterError(
                f"--format {self.format} is not the format of --output {self.file}; leave out one of them."
            )
        if self._suffix is not None and self._suffix not in FORMATS:
            known = [name.removeprefix(".") for name in FORMATS]
            given = f"--output {self.file}" if self.file else f"--format {self.format}"
            raise ParameterError(
                f"{given} cannot be written: choose one of {', '.join(known)}."
                f"{did_you_mean(self._suffix.removeprefix('.'), known)}"
            )

    @property
    def _suffix(self) -> str | None:
        if self.file:
            return self.file.suffix.lower()
        return None if self.format is None else f".{self.format.lower().removeprefix('.')}"

    def target_of(self, found: Found, suffix: str | None = None) -> Path:
        """Return the file to write for a recording: with the suffix that is given, or else that its name lets expect."""
        from sktimbre.audio.formats import FORMATS

        own = found.path.suffix.lower()
        suffix = suffix or self._suffix or (own if own in FORMATS else ".wav")
        return self.file or self.folder / found.name.parent / f"{found.name.stem}{suffix}"

    def plan(self, found: Found, model_sr: int) -> Recording:
        """Read the header of a recording and return its conversion, in a format that can be written.

        Raises
        ------
        ParameterError
            The output format does not support the sample rate, the channels, the subtype or the size.
        AudioFileError
            The recording cannot be read.
        """
        from sktimbre.audio import AudioReader

        reader = AudioReader(found.path, sr=model_sr)
        sr = reader.file_sr if self.keep_rate else model_sr
        suffix, subtype = self._format(found.path.suffix.lower(), reader.subtype, sr, reader.n_channels)
        self._check_size(found, suffix, subtype, sr, reader)
        return Recording(found.path, self.target_of(found, suffix), sr, reader.n_frames, subtype)

    def _check_size(self, found: Found, suffix: str, subtype: str, sr: int, reader: "AudioReader") -> None:
        """Raise an error if an output would be larger than its format can hold."""
        from sktimbre.audio.formats import FORMATS, too_large

        if reader.n_frames is None:
            return
        n_values = reader.n_frames * sr / reader.sr * reader.n_channels
        if size := too_large(FORMATS[suffix], subtype, n_values):
            raise ParameterError(
                f"{found.path.name} would have {size:.1f} GiB as {suffix}, which holds 4: give --format w64 or flac."
            )

    def _format(self, suffix: str, subtype: str, sr: int, n_channels: int) -> tuple[str, str]:
        """Return suffix and subtype of the output for a recording's: the same if they can be written."""
        from sktimbre.audio.formats import FORMATS, nearest_subtype, resolve_format

        suffixes = [self._suffix] if self._suffix else [suffix, ".wav"] if suffix in FORMATS else [".wav"]
        wrong: list[ParameterError] = []
        for each in suffixes:
            for wanted in [self.subtype] if self.subtype else [nearest_subtype(subtype, each), None]:
                try:
                    return each, resolve_format(Path(f"x{each}"), wanted, sr, n_channels)[1]
                except ParameterError as error:
                    wrong.append(error)
        raise wrong[-1]


def file_of_one(output: Path, given: Sequence[Path]) -> Path | None:
    """Return the file to write if the output has the name of a sound file; None if it is a folder.

    Parameters
    ----------
    output : Path
        Value of --output.
    given : sequence of Path
        Files, folders and patterns of the command line.

    Returns
    -------
    Path or None

    Raises
    ------
    ParameterError
        The output has the name of a sound file, and more than one recording may be converted.
    """
    from sktimbre.audio.soundfiles import SOUND_SUFFIXES

    if output.is_dir() or output.suffix.lower() not in SOUND_SUFFIXES:
        return None
    if len(given) > 1 or any(path.is_dir() or (not path.exists() and glob.has_magic(str(path))) for path in given):
        raise ParameterError(
            f"--output {output} is the name of one sound file; give a folder, in which outputs have the names of the "
            f"recordings, or convert a single recording.{unquoted(given)}"
        )
    return output


def find_recordings(
    given: Sequence[Path], output: Path, *, recursive: bool = False, may_be_none: bool = False
) -> list[Found]:
    """Return the recordings named by files, folders and patterns such as ``takes/*.wav``, each once.

    In folders, files with the suffix of a sound file are found, except hidden files and those in the output folder; also
    those that need ffmpeg where it is missing, so that they are reported. Named files are returned even if they do not
    exist.

    Parameters
    ----------
    given : sequence of Path
        Files, folders and patterns of the command line.
    output : Path
        Output folder.
    recursive : bool
        Whether subfolders are searched.
    may_be_none : bool
        Whether a folder may hold no recording, and a pattern may match no file.

    Returns
    -------
    list of Found

    Raises
    ------
    ParameterError
        A given folder is the output folder.
    SktimbreError
        A folder holds no recording, a pattern matches no file, or a name with spaces lacks quotes.
    """
    if quotes := unquoted(given):
        raise SktimbreError(quotes.strip())
    found: dict[Path, Found] = {}
    for path in given:
        if path.exists() or not glob.has_magic(str(path)):
            matches = [path]
        else:
            matches = _matches(path, output)
            if not matches and not may_be_none:
                raise SktimbreError(
                    f"No file matches {path}; check the pattern (the working directory is {Path.cwd()})."
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


def check_names(targets: Iterable[tuple[Path, Path]]) -> None:
    """Raise `ParameterError` if two recordings would be written to the same file; pairs are recordings and files to write."""
    names: dict[str, Path] = {}
    for recording, target in targets:
        # Some file systems ignore case.
        other = names.setdefault(str(target).casefold(), recording)
        if other != recording:
            raise ParameterError(
                f"{other} and {recording} would both be written as {target.name}; convert one at a time."
            )


def check_target(recording: Recording, sources: Set[Path], overwrite: bool) -> None:
    """Raise an error if the target cannot be written, exists, or is one of ``sources`` (resolved paths)."""
    target = recording.target
    if target.resolve() in sources:
        raise SktimbreError(f"{target} would replace a recording that is to be converted; write to another folder.")
    if target.parent.exists():
        check_output(target, overwrite)


def _matches(pattern: Path, output: Path) -> list[Path]:
    """Return what a pattern matches, without what was written to an output folder that lies among it."""
    matches, written = [Path(match) for match in sorted(glob.glob(str(pattern), recursive=True))], output.resolve()
    fixed = next(each for each in pattern.parents if not glob.has_magic(str(each))).resolve()
    if fixed.is_relative_to(written):
        return matches
    return [match for match in matches if not match.resolve().is_relative_to(written)]


def _in_folder(folder: Path, output: Path, recursive: bool) -> list[Found]:
    from sktimbre.audio.soundfiles import SOUND_SUFFIXES

    written = output.resolve()
    if written == folder.resolve():
        raise ParameterError(f"--output {output} is the folder of the recordings; write to another folder.")
    files = []
    for file in sorted(folder.rglob("*") if recursive else folder.iterdir()):
        name = file.relative_to(folder)
        # Hidden files may look like sound files: beside x.aif, macOS leaves a ._x.aif that holds no sound.
        hidden = any(part.startswith(".") for part in name.parts)
        if hidden or file.suffix.lower() not in SOUND_SUFFIXES or not file.is_file():
            continue
        # Skip the files in an output folder that lies inside the searched folder.
        if not (written.is_relative_to(folder.resolve()) and file.resolve().is_relative_to(written)):
            files.append(Found(file, name))
    return files


def _nothing_in(folder: Path, recursive: bool) -> str:
    deep = not recursive and any(path.is_dir() for path in folder.iterdir())
    fix = "Pass --recursive to search its subfolders." if deep else "Check the name."
    return f"{folder} holds no recordings, files with a name of a sound file such as {', '.join(USUAL)}. {fix}"
