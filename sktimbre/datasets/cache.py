"""Results that are remembered by the content of sound files, in the user's cache folder or in ``SKTIMBRE_DATA_HOME``."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sktimbre._utils.files import find_data_home

__all__ = ["digest_of", "look_up", "remember"]


def digest_of(file: Path) -> str:
    """Return a digest of the content of a file; its path if it cannot be read, for which nothing is remembered."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "blake2b").hexdigest()[:32]
    except OSError:
        return str(file)


def look_up(version: int | str, digests: Iterable[str]) -> dict[str, Any]:
    """Return what is remembered for digests.

    Parameters
    ----------
    version : int or str
        Kind and version of the results; it changes when results would change.
    digests : iterable of str
        As `digest_of` returns them, or longer.
    """
    query = "SELECT note FROM heard WHERE version = ? AND digest = ?"
    found: dict[str, Any] = {}
    # Without a cache, nothing is remembered.
    with suppress(OSError, sqlite3.Error), closing(_open()) as connection:
        for digest in digests:
            for (text,) in connection.execute(query, (version, digest)):
                found[digest] = json.loads(text)
    return found


def remember(version: int | str, found: Mapping[str, Any]) -> None:
    """Remember results that JSON can hold, by the digests of their files; parameters are those of `look_up`."""
    rows = [(version, digest, json.dumps(result)) for digest, result in found.items()]
    with suppress(OSError, sqlite3.Error), closing(_open()) as connection, connection:
        connection.executemany("INSERT OR REPLACE INTO heard VALUES (?, ?, ?)", rows)


def _open() -> sqlite3.Connection:
    home = find_data_home()
    home.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(home / "heard.sqlite", timeout=5)
    connection.execute("CREATE TABLE IF NOT EXISTS heard (version, digest, note, PRIMARY KEY (version, digest))")
    return connection
