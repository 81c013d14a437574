"""Tables of the notes in folders: what is written, what is heard, what is used and what is left out."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sktimbre.datasets.listening import Sound
from sktimbre.datasets.tokens import Tokens
from sktimbre.exceptions import DatasetError

__all__ = ["COLUMNS", "NoteFile", "read_table"]

# What stands for bytes that are not UTF-8.
NO_UTF8 = re.compile("[\udc80-\udcff]")
COLUMNS = (
    "side",
    "file",
    "pitch",
    "written",
    "heard",
    "cents",
    "onset",
    "level",
    "duration",
    "dynamic",
    "articulation",
    "start",
    "end",
    "partner",
    "reason",
    "faults",
)


@dataclass
class NoteFile:
    """A sound file of a folder of notes, or a note in a file of several.

    Parameters
    ----------
    file : Path
        The file.
    pitch : int or None
        MIDI number that is used; None if the file is left out.
    written : int or None
        MIDI number in the name, the header, a map, or as given.
    heard : float
        Pitch that is heard as a fractional MIDI number; NaN where it is not clear or the file was not read.
    onset : float
        Seconds from the beginning of the file to the onset; NaN if the file was not read.
    level : float
        Level of the loudest part in dB below full scale; NaN if the file was not read.
    duration : float
        Seconds of the file; NaN if it was not read.
    faults : tuple of str
        Faults of the recording.
    tokens : Tokens
        What the name tells besides the pitch.
    start, end : float or None
        Seconds of the note in a file of several; None for a file of one.
    partner : NoteFile or None
        The note of the other side.
    reason : str
        Why the file is left out, or has no partner; empty if it is used.
    """

    file: Path
    pitch: int | None = None
    written: int | None = None
    heard: float = np.nan
    onset: float = np.nan
    level: float = np.nan
    duration: float = np.nan
    faults: tuple[str, ...] = ()
    tokens: Tokens = field(default_factory=Tokens)
    start: float | None = None
    end: float | None = None
    partner: "NoteFile | None" = field(default=None, repr=False, compare=False)
    reason: str = ""

    @property
    def sound(self) -> Sound:
        """The file, or the part of the file."""
        return Sound(self.file, self.start, self.end)

    @property
    def cents(self) -> float:
        """Cents from the used pitch to the heard one; NaN where one of them is missing."""
        return np.nan if self.pitch is None else 100 * (self.heard - self.pitch)

    def row(self, side: str) -> dict[str, object]:
        """Return the values of `COLUMNS`; NaN and missing values are None."""

        def known(value, digits):
            return None if not np.isfinite(value) else round(float(value), digits)

        return {
            "side": side,
            "file": self.file,
            "pitch": self.pitch,
            "written": self.written,
            "heard": known(self.heard, 2),
            "cents": known(self.cents, 0),
            "onset": known(self.onset, 3),
            "level": known(self.level, 1),
            "duration": known(self.duration, 2),
            "dynamic": self.tokens.kinds.get("dynamic"),
            "articulation": self.tokens.kinds.get("articulation"),
            "partner": None if self.partner is None else self.partner.file,
            "start": self.start,
            "end": self.end,
            "reason": self.reason or None,
            "faults": ", ".join(self.faults) or None,
        }


def to_csv(rows: Iterable[Mapping[str, object]]) -> str:
    """Return rows with `COLUMNS` as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_table(path: Path, files: Iterable[Path], name: str) -> dict[Sound, dict[str, str]]:
    """Read a CSV table of files, such as `sktimbre pairs --csv` writes.

    Parameters
    ----------
    path : Path
        CSV file with the columns "file" and "pitch" and, optionally, kinds of tokens such as "dynamic". Files are given by
        paths, relative to the table's folder or the working directory, or by names; lines whose column "side" names the other
        side are for the other side. Columns may be separated by commas,
        semicolons or tabs, and text be in UTF-8 or UTF-16.
    files : iterable of Path
        The files of a folder.
    name : str
        Name of the parameter, for errors.

    Returns
    -------
    dict of Sound to dict
        Rows of the files, or of their parts if there are columns "start" and "end", that the table lists with a pitch.

    Raises
    ------
    DatasetError
        The table cannot be read, lacks a column, has none of the files, or a name that several of them have, or two pitches
        for one.
    """
    rows = _rows(path, name)
    by_place: dict[Path, Path] = {}
    by_name: dict[str, list[Path]] = {}
    for file in files:
        by_place[file.resolve()] = file
        by_name.setdefault(file.name, []).append(file)
    found: dict[Sound, dict[str, str]] = {}
    unclear: list[str] = []
    for row in rows:
        other = {"source_pitches": "target", "target_pitches": "source"}.get(name)
        if not row.get("file") or not row.get("pitch") or (other and row.get("side") == other):
            continue
        given = row["file"] if "/" in row["file"] else row["file"].replace("\\", "/")
        places = [Path(given).resolve(), (path.parent / given).resolve()]
        same = [by_place[place] for place in places if place in by_place] or by_name.get(Path(given).name, [])
        if len(set(same)) > 1:
            unclear.append(f"{given} may be {' or '.join(map(str, same[:2]))}")
        if len(set(same)) != 1:
            continue
        sound = _part(same[0], row, f"{name}: {path}")
        if found.setdefault(sound, row)["pitch"] != row["pitch"]:
            raise DatasetError(
                f"{name}: the table {path} has two pitches for {sound.name}: {found[sound]['pitch']} and {row['pitch']}; "
                "delete one of the lines, or write files with their folders."
            )
    if unclear:
        raise DatasetError(f"{name}: in the table {path}, {unclear[0]}; write files with their folders.")
    if not found:
        raise DatasetError(
            f"{name}: the table {path} lists none of the files with a pitch. Its first file is {rows[0].get('file')}; "
            f"looked for {next(iter(by_place), 'files')}, or its name, or its path from the table's folder."
        )
    return found


def _rows(path: Path, name: str) -> list[dict[str, str]]:
    """Return the lines of a table, as spreadsheets write it: separated by commas, semicolons or tabs."""
    no_utf8 = f"the table {path} is not in UTF-8; save it as CSV with this encoding."
    try:
        content = path.read_bytes()
        encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        text = content.decode(encoding, errors="surrogateescape")
        lines = text.splitlines(keepends=True)
        if lines and lines[0].startswith("sep="):
            del lines[0]
        separator = max(",;\t", key=(lines[0] if lines else "").count)
        header, *rest = csv.reader(lines, delimiter=separator) if lines else [[]]
    except UnicodeDecodeError:
        raise DatasetError(f"{name}: {no_utf8}") from None
    except (OSError, csv.Error) as error:
        raise DatasetError(f"{name}: the table {path} cannot be read: {error}. It must be a CSV file.") from None
    columns = [column.strip().lower() for column in header]
    rows = [dict(zip(columns, map(str.strip, row), strict=False)) for row in rest if any(row)]
    # Names of files are bytes, which need not be UTF-8: those that exist are right.
    names = [row.get("file", "") for row in rows]
    if any(NO_UTF8.search(each) and not (path.parent / each).exists() for each in names):
        raise DatasetError(f"{name}: {no_utf8}")
    if not rows or not {"file", "pitch"} <= set(columns):
        raise DatasetError(
            f"{name}: the table {path} needs a header with the columns file and pitch, then a line for each file; "
            f"`sktimbre pairs --csv` writes one. Its header has {', '.join(columns[:8]) or 'nothing'}."
        )
    return rows


def _part(file: Path, values: Mapping[str, str], where: str) -> Sound:
    start, end = (values.get(name) or None for name in ("start", "end"))
    if start is None and end is None:
        return Sound(file)
    try:
        seconds = float((start or "0").replace(",", ".")), float((end or "inf").replace(",", "."))
    except ValueError:
        seconds = np.nan, np.nan
    if not 0 <= seconds[0] < seconds[1]:
        raise DatasetError(
            f"{where}: {file.name} goes from {start} to {end} s; give the seconds of the note, or neither."
        )
    return Sound(file, seconds[0], seconds[1] if np.isfinite(seconds[1]) else None)
