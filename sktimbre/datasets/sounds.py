"""Find the sound files of a folder, and say which files are left out and why."""

import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from sktimbre._utils.files import as_path
from sktimbre.audio.soundfiles import READABLE_SUFFIXES, is_readable, needs_decoder
from sktimbre.exceptions import DatasetError, ParameterError

__all__ = ["Folder", "Match", "counted", "find_sounds", "show"]

PathLike = str | os.PathLike[str]
Folder = PathLike | Sequence[PathLike]
Match = str | Sequence[str] | None

INSIDE = "is in a folder inside"
LINK = "is a link to a folder, which is not followed"
# Of copies of one take in several formats the first of these is read.
LOSSLESS = (".wav", ".wave", ".bwf", ".w64", ".rf64", ".aif", ".aiff", ".aifc", ".flac", ".caf")


def find_sounds(
    folder: Folder, name: str, *, match: Match = None, recursive: bool = False
) -> tuple[list[Path], dict[Path, str]]:
    """Find the sound files of a folder.

    Parameters
    ----------
    folder : path-like or list of path-like
        A folder, or a list of sound files.
    name : str
        Name of the parameter, for errors.
    match : str, sequence of str or None
        Patterns for names, or for paths below the folder, such as ``*_ff_*``; those that begin with ``!`` exclude.
    recursive : bool
        Whether to search the folders inside it.

    Returns
    -------
    files : list of Path
        Sorted by path; a list keeps its order.
    left_out : dict of Path to str
        Other sound files, and why they are left out. Hidden files are not counted.

    Raises
    ------
    DatasetError
        The folder does not exist, or no sound file is left.
    """
    if not isinstance(folder, str | os.PathLike):
        files = _listed(folder, name)
        left_out: dict[Path, str] = {}
    else:
        folder = as_path(folder, DatasetError)
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "does not exist"
            raise DatasetError(f"{name}={os.fspath(folder)!r} {what}; pass a folder, or a list of files.")
        files, left_out = _in_folder(folder, recursive)
    root = folder if isinstance(folder, Path) else None
    if match is not None:
        chosen = {file for file in files if _matches(file, root, match)}
        left_out |= {file: "does not match the patterns" for file in files if file not in chosen}
        files = [file for file in files if file in chosen]
    if root is not None:
        copies = _copies(files)
        left_out |= copies
        files = [file for file in files if file not in copies]
    if not files:
        raise DatasetError(f"{name}={_shown(folder)} holds no sound files{_why(left_out, match)}")
    return files, left_out


def show(folder: Folder) -> str:
    """Return a folder as errors and warnings show it."""
    if not isinstance(folder, str | os.PathLike):
        if len(folder) != 1:
            return f"a list of {len(folder)} files"
        folder = folder[0]
    return os.fspath(folder)


def counted(number: int, thing: str) -> str:
    """Return a number of things: ``1 pair``, ``2 pairs``, ``2 pitches``."""
    ending = "es" if thing.endswith("ch") else "s"
    return f"{number} {thing}{'' if number == 1 else ending}"


def _listed(folder, name):
    if not isinstance(folder, list | tuple):
        raise DatasetError(f"{name}={folder!r} must be a folder or a list of sound files.")
    files = [as_path(file, DatasetError) for file in folder]
    if not files:
        raise DatasetError(f"{name} is an empty list; pass the sound files, or the folder that they are in.")
    if inner := [file for file in files if file.is_dir()]:
        raise DatasetError(
            f"{name} lists the folder {inner[0]}; pass one folder, or a list of sound files. Only a source can be a list of "
            "folders."
        )
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise DatasetError(f"{name} lists {twice} twice; pass every file once.")
    return files


def _in_folder(folder: Path, recursive: bool) -> tuple[list[Path], dict[Path, str]]:
    files: list[Path] = []
    left_out: dict[Path, str] = {}
    # Links are not followed: they may lead in circles.
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(inner for inner in folders if not inner.startswith("."))
        left_out |= {Path(path, inner): LINK for inner in folders if Path(path, inner).is_symlink()}
        for name in sorted(names):
            file = Path(path) / name
            # For each x.aif macOS may leave a hidden file ._x.aif, which is not a sound file.
            if name.startswith("."):
                continue
            if needs_decoder(file):
                left_out[file] = "needs ffmpeg to be read"
                continue
            if not is_readable(file):
                continue
            if Path(path) == folder or recursive:
                files.append(file)
            else:
                left_out[file] = INSIDE
    return sorted(files), left_out


def _matches(file: Path, root: Path | None, match: Match) -> bool:
    patterns = [match] if isinstance(match, str) else match
    usable = isinstance(patterns, list | tuple) and all(isinstance(each, str) and each.strip("!") for each in patterns)
    if not usable or not patterns:
        raise ParameterError(f"match={match!r} must be a pattern such as '*_ff_*', or a list of patterns.")
    texts = [file.name.casefold()]
    if root is not None:
        texts.append(file.relative_to(root).as_posix().casefold())

    def fits(pattern):
        return any(fnmatchcase(text, pattern.casefold()) for text in texts)

    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return (not wanted or any(map(fits, wanted))) and not any(map(fits, unwanted))


def _copies(files: Iterable[Path]) -> dict[Path, str]:
    """Return the files that have the name of another one in a better format."""
    first: dict[Path, Path] = {}
    copies: dict[Path, str] = {}
    ranks = {suffix: rank for rank, suffix in enumerate(LOSSLESS)}
    for file in sorted(files, key=lambda f: (ranks.get(f.suffix.lower(), len(LOSSLESS)), f)):
        kept = first.setdefault(file.with_suffix(""), file)
        if kept != file:
            copies[file] = f"is a copy of {kept.name}"
    return copies


def _shown(folder):
    return repr(os.fspath(folder)) if isinstance(folder, Path) else show(folder)


def _why(left_out, match):
    if match is not None:
        return f" that match {match!r}; the patterns are compared with names, as in '*_ff_*'."
    suffixes = f"; looked for {', '.join(sorted(READABLE_SUFFIXES))}."
    if inside := [file.parent for file, reason in left_out.items() if reason == INSIDE]:
        return f"{suffixes} Folders inside it are not searched: give {inside[0]}, or recursive=True (--recursive)."
    if left_out:
        return f"; {len(left_out)} files, such as {next(iter(left_out)).name}, need ffmpeg to be read. Install it."
    return f"{suffixes} Check the name of the folder."
