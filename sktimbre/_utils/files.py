"""Atomic files, which get their name only when they are complete."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sktimbre.exceptions import AudioFileError, ParameterError

# Errors of a full disk, an exceeded quota and a too large file.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def as_path(path: str | os.PathLike[str], error: type[Exception]) -> Path:
    """Return a path, or raise `error` if it is not a valid file name."""
    if not isinstance(path, str | os.PathLike):
        raise error(f"path={path!r} must be the name of a file.")
    path = Path(path)
    if "\0" in str(path):
        raise error(f"path={str(path)!r} contains a zero byte, which file names must not. Remove it.")
    return path


def check_target(
    path: str | os.PathLike[str], overwrite: bool = False, *, error: type[Exception] = AudioFileError
) -> Path:
    """Return the path of the file to write, or raise `error` if it cannot be written.

    Parameters
    ----------
    path : path-like
        The file to write. A symbolic link stands for the file that it points to.
    overwrite : bool
        Whether an existing file may be replaced.
    error : exception class
        Class of the error.

    Returns
    -------
    pathlib.Path
        Absolute path with links resolved.

    Raises
    ------
    AudioFileError, or the class `error`
        The folder is missing or cannot be written to, `path` is a folder, or it exists and may not be replaced.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_target(Path(folder) / "new.json").name
    'new.json'
    """
    shown, target = os.fspath(as_path(path, error)), as_path(path, error).resolve()
    folder = target.parent
    if target.is_dir():
        raise error(f"{shown} is a folder; give the name of a file in it.")
    if not folder.is_dir():
        raise error(f"{shown} cannot be written: the folder {folder} does not exist. Create it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise error(f"{shown} cannot be written: there is no permission to write in {folder}. Choose another folder.")
    if target.exists() and not overwrite:
        raise error(f"{shown} exists; pass overwrite=True to replace it, or choose another name.")
    return target


@contextmanager
def atomic_path(
    path: str | os.PathLike[str], overwrite: bool = False, *, error: type[Exception] = AudioFileError
) -> Iterator[Path]:
    """Yield a temporary path, renamed to `path` if the ``with`` block succeeds and deleted if it fails.

    Parameters
    ----------
    path : path-like
        The file to write. Its folder must exist.
    overwrite : bool
        Whether an existing file may be replaced. It stays untouched until the new one is complete.
    error : exception class
        Class of the error if `path` cannot be written.

    Yields
    ------
    pathlib.Path
        An empty file in the same folder with the same suffix.

    Raises
    ------
    AudioFileError, or the class `error`
        Before the block, see `check_target`; after it, if the disk is full, or if the file was created in the meantime and
        ``overwrite=False``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "scores.json") as temporary:
    ...         _ = temporary.write_text("{}")
    ...     [file.name for file in Path(folder).iterdir()]
    ['scores.json']
    """
    target = check_target(path, overwrite, error=error)
    temporary = target.with_name(f".{target.stem[:64]}-{secrets.token_hex(8)}{target.suffix}")
    try:
        # Not by tempfile, which ignores the umask: the file gets the usual permissions.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as reason:
        raise error(f"{os.fspath(path)} cannot be written: {reason}. Choose another folder.") from reason
    try:
        yield temporary
        check_target(path, overwrite, error=error)
        sync(temporary)
        # Afterwards: a file that may only be read cannot be flushed.
        if overwrite:
            with suppress(OSError):
                shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as reason:
        if reason.errno not in FULL:
            raise
        raise error(
            f"{os.fspath(path)} cannot be written: {reason.strerror}. Make room, or choose another disk."
        ) from reason
    finally:
        # Fails if the folder is no longer writable, which the error already says.
        with suppress(OSError):
            temporary.unlink()


def sync(path: Path) -> None:
    """Flush a file to the disk before it is renamed, so that a power failure does not leave an empty file."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def find_data_home(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of downloads and cached results: an argument, ``SKTIMBRE_DATA_HOME``, or the user's cache folder.

    Raises
    ------
    ParameterError
        ``data_home`` is not the name of a folder.
    """
    if data_home is None:
        data_home = os.environ.get("SKTIMBRE_DATA_HOME")
    if data_home is not None and (not isinstance(data_home, str | os.PathLike) or "\0" in str(data_home)):
        raise ParameterError(f"data_home={data_home!r} must be the name of a folder; None is the user's cache.")
    if data_home:
        return Path(os.path.expanduser(data_home))
    import platformdirs

    return Path(platformdirs.user_cache_dir("sktimbre"))
