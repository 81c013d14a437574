"""Notes recorded by the Electronic Music Studios of the University of Iowa."""

import lzma
import os
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import quote

from sklearn.utils import Bunch

from sktimbre._utils.checks import check_flags
from sktimbre._utils.files import find_data_home
from sktimbre._utils.progress import with_bar
from sktimbre.audio.soundfiles import READABLE_SUFFIXES
from sktimbre.exceptions import DatasetError, ParameterError

STUDIO = "https://theremin.music.uiowa.edu/sound files/MIS Pitches - 2014/Woodwinds"
ARCHIVES = {
    "flute": "Flute/Flute.nonvib.ff.stereo.zip",
    "clarinet": "Bb Clarinet/BbClarinet.ff.stereo.zip",
}
# Limits for an archive, many times those of one instrument of the studio.
MOST_BYTES = 4 << 30
MOST_FILES = 10_000


def fetch_iowa_notes(
    data_home: str | os.PathLike[str] | None = None,
    *,
    instruments: Sequence[str] = ("flute", "clarinet"),
    progress: bool = True,
    base_url: str = STUDIO,
) -> Bunch:
    """Download recorded notes of the University of Iowa, unless an earlier call has.

    Parameters
    ----------
    data_home : path-like or None
        Folder to store them in. ``None`` is the folder in the environment variable SKTIMBRE_DATA_HOME, or, if it is not
        set, the user's cache folder (``pooch.os_cache("sktimbre")``).
    instruments : sequence of {"flute", "clarinet"}
        Flute without vibrato and B-flat clarinet, both fortissimo, chromatic over their range, stereo AIFF.
    progress : bool
        Show a progress bar on standard error while downloading.
    base_url : str
        Address of the studio's folder of woodwinds, or of a mirror with the same layout.

    Returns
    -------
    sklearn.utils.Bunch
        The folder of notes (`pathlib.Path`) of each instrument, by its name.

    Raises
    ------
    DatasetError
        The download failed, or the archive is damaged, unsafe or has no sound files. If the download failed, the error
        says how to do it by hand.
    ParameterError
        An instrument is unknown, or another argument has the wrong type.

    See Also
    --------
    load_paired_notes : Load the notes of two instruments.
    make_paired_notes : Synthesise notes, without a network.

    Notes
    -----
    **Source.** Electronic Music Studios, University of Iowa: Musical Instrument Samples, "MIS Pitches - 2014",
    https://theremin.music.uiowa.edu/MIS.html.

    **Licence.** The studio states that the samples "may be downloaded and used for any projects, without restrictions".

    **Citation.** Fritts, L. (1997-). *University of Iowa Musical Instrument Samples*. University of Iowa Electronic
    Music Studios.

    **Checksums.** None are pinned: the studio's server cannot be reached from the machines that this package is built
    on. Instead, only sound files are extracted, without their folders; archives with absolute paths, "..", links, or more
    than 4 GiB are refused; and every file is checked against the archive's own CRC.

    A folder gets its name only when it is complete, so a later call never uses the incomplete download of an interrupted
    one.

    Examples
    --------
    >>> from sktimbre.datasets import fetch_iowa_notes, load_paired_notes
    >>> folders = fetch_iowa_notes()  # doctest: +SKIP
    >>> notes = load_paired_notes(folders.flute, folders.clarinet, duration=2.0)  # doctest: +SKIP
    """
    check_flags(progress=progress)
    known = isinstance(instruments, list | tuple) and all(isinstance(i, str) and i in ARCHIVES for i in instruments)
    if not known or not instruments:
        raise ParameterError(f"instruments={instruments!r} must be a list of one or more of {', '.join(ARCHIVES)}.")
    if not isinstance(base_url, str):
        raise ParameterError(f"base_url={base_url!r} must be a URL as a string.")
    home = find_data_home(data_home) / "iowa"
    folders = {}
    for instrument in instruments:
        folders[instrument] = home / instrument
        if not (folders[instrument].is_dir() and any(folders[instrument].iterdir())):
            archive = _download(f"{base_url.rstrip('/')}/{ARCHIVES[instrument]}", home, folders[instrument], progress)
            try:
                extract_sounds(archive, folders[instrument])
            finally:
                # pooch would use a damaged archive again; a good one is no longer needed.
                archive.unlink(missing_ok=True)
    return Bunch(**folders)


def extract_sounds(archive: Path, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
    """Extract the sound files of an untrusted zip archive into a new folder, all or none.

    Parameters
    ----------
    archive : Path
        The zip file.
    folder : Path
        The new folder; it gets its name when it is complete. Files of all folders in the archive go into it.
    most_bytes : int
        Largest sum of the files' sizes.

    Raises
    ------
    DatasetError
        The archive is not a zip file, is damaged, has no sound files, or is unsafe: it has an absolute path, "..", a link,
        an encrypted file, two files of one name, or too many files or bytes.
    """
    temporary = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    try:
        # Not by tempfile, which ignores the umask: other users may share the folder.
        temporary.mkdir()
        with zipfile.ZipFile(archive) as file:
            members = _check_members(file, archive.name, most_bytes)
            left = most_bytes
            for name, member in members.items():
                left -= _extract(file, member, temporary / name, left)
        # Another process may have created the same folder in the meantime.
        with suppress(OSError):
            os.rename(temporary, folder)
        if not folder.is_dir():
            raise DatasetError(f"{folder} could not be created; check the permissions of {folder.parent}.")
    except DatasetError:
        raise
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError) as error:
        raise DatasetError(
            f"{archive.name} is not a complete zip archive ({error}); download it again, or check base_url."
        ) from error
    except OSError as error:
        raise DatasetError(
            f"{archive.name} could not be extracted to {folder} ({error}); check room and permissions."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_members(file: zipfile.ZipFile, archive: str, most_bytes: int) -> dict[str, zipfile.ZipInfo]:
    infos = file.infolist()
    if len(infos) > MOST_FILES or sum(info.file_size for info in infos) > most_bytes:
        raise DatasetError(
            f"{archive} holds more than {MOST_FILES} files or {most_bytes} bytes: not extracted. Check base_url."
        )
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        posix, windows = PurePosixPath(info.filename), PureWindowsPath(info.filename)
        if posix.is_absolute() or windows.drive or windows.root or ".." in (*posix.parts, *windows.parts):
            raise DatasetError(
                f"{archive} holds {info.filename!r}, which points out of its folder: not extracted. Check base_url."
            )
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DatasetError(f"{archive} holds {info.filename!r}, a link or device: not extracted. Check base_url.")
        name = windows.name
        # macOS adds __MACOSX/._x.aif to every x.aif.
        if info.is_dir() or windows.suffix.lower() not in READABLE_SUFFIXES or name.startswith("."):
            continue
        if info.flag_bits & 1:
            raise DatasetError(f"{archive} holds {info.filename!r}, which is encrypted: not extracted. Check base_url.")
        if name.lower() in (known.lower() for known in members):
            raise DatasetError(f"{archive} holds two files called {name!r}: not extracted. Check base_url.")
        members[name] = info
    if not members:
        raise DatasetError(
            f"{archive} holds no sound files; looked for {', '.join(sorted(READABLE_SUFFIXES))}. Check base_url."
        )
    return members


def _extract(file: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, most_bytes: int) -> int:
    """Extract one member, of at most ``most_bytes`` whatever size the archive declares; return its size."""
    written = 0
    with file.open(member) as source, path.open("xb") as target:
        while block := source.read(1 << 20):
            written += len(block)
            if written > most_bytes:
                raise DatasetError(
                    f"{member.filename!r} is larger than the archive declares: not extracted. Check base_url."
                )
            target.write(block)
    return written


def _download(url: str, home: Path, folder: Path, progress: bool) -> Path:
    import pooch
    import requests

    url = quote(url, safe=":/%?&=")
    try:
        # Created here, so that the error can name SKTIMBRE_DATA_HOME; pooch's would not.
        home.mkdir(parents=True, exist_ok=True)
        path = pooch.retrieve(
            url,
            known_hash=None,
            # A name for each process, so that two processes do not write and delete the same file.
            fname=f"{folder.name}-{os.getpid()}.zip",
            path=home / "downloads",
            downloader=partial(_stream, progress=progress),
        )
    except requests.RequestException as error:
        raise DatasetError(
            f"{url} could not be downloaded ({error}). Try again later, or download it yourself and extract its sound "
            f"files to {folder}, where they will be found."
        ) from error
    except OSError as error:
        raise DatasetError(
            f"{home} cannot be written to ({error}); pass data_home=, or set SKTIMBRE_DATA_HOME to another folder."
        ) from error
    return Path(path)


def _stream(url: str, path: str, _pooch: object, *, progress: bool) -> None:
    """Download to a file; pooch's own downloader does not close the connection after an error of the server."""
    import requests

    with requests.get(url, stream=True, timeout=60) as response, open(path, "wb") as file:
        response.raise_for_status()
        size = int(response.headers.get("content-length", 0))
        with with_bar(total=size or None, description=Path(url).name, unit="B", show=progress) as bar:
            for block in response.iter_content(1 << 16):
                file.write(block)
                bar.update(len(block))
