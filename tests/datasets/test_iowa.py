"""Downloads, from a server on this machine."""

import io
import os
import stat
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile

from sktimbre.datasets import fetch_iowa_notes, iowa, load_paired_notes
from sktimbre.datasets.iowa import ARCHIVES, extract_sounds
from sktimbre.exceptions import DatasetError, ParameterError


def sound(n=3000, amplitude=0.5):
    buffer = io.BytesIO()
    y = amplitude * np.sin(2 * np.pi * 440 * np.arange(n) / 44100)
    soundfile.write(buffer, np.stack([y, y], axis=1), 44100, format="AIFF")
    return buffer.getvalue()


def write_zip(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        self.server.paths.append(self.path)


@pytest.fixture
def studio(tmp_path):
    """A server of the studio's layout; `paths` are those that were asked for."""
    root = tmp_path / "server" / "a b"
    flute = {f"flute/Flute.nonvib.ff.{p}.stereo.aif": sound() for p in ("B3", "C4", "Db4")}
    write_zip(
        root / ARCHIVES["flute"], {**flute, "__MACOSX/flute/._Flute.nonvib.ff.B3.stereo.aif": b"x", "flute/": b""}
    )
    clarinet = {f"BbClarinet.ff.{p}.stereo.aif": sound() for p in ("C4", "Db4", "D4")}
    write_zip(root / ARCHIVES["clarinet"], {**clarinet, "README.txt": b"x"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "server")))
    server.paths = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.url, server.root = f"http://127.0.0.1:{server.server_port}/a b/", root
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SKTIMBRE_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "home"


def fetch(studio, **options):
    return fetch_iowa_notes(progress=False, base_url=studio.url, **options)


def left_behind(home):
    return sorted(path.name for path in home.rglob("*") if path.is_file() or path.name.startswith("."))


def test_download(studio, home):
    folders = fetch(studio)
    assert sorted(folders) == ["clarinet", "flute"]
    assert folders.flute.is_relative_to(home)
    assert sorted(file.name for file in folders.flute.iterdir()) == [
        f"Flute.nonvib.ff.{p}.stereo.aif" for p in ("B3", "C4", "Db4")
    ]
    notes = load_paired_notes(folders.flute, folders.clarinet)
    assert notes.pitches.tolist() == [60, 61]
    assert [unquote(path) for path in studio.paths] == [f"/a b/{ARCHIVES[name]}" for name in ("flute", "clarinet")]
    # Nothing but the notes stays.
    assert all(name.endswith(".aif") or name == "heard.sqlite" for name in left_behind(home))


def test_the_second_call_needs_no_network(studio, home):
    first = fetch(studio)
    studio.paths.clear()
    assert fetch(studio) == first
    assert fetch_iowa_notes(base_url="http://127.0.0.1:1/") == first
    assert studio.paths == []


def test_one_instrument_elsewhere(studio, home, tmp_path):
    folders = fetch(studio, data_home=tmp_path / "elsewhere", instruments=["clarinet"])
    assert dict(folders) == {"clarinet": tmp_path / "elsewhere" / "iowa" / "clarinet"}
    assert not home.exists()


def test_progress_bar_is_on_stderr(studio, home, capsys):
    pytest.importorskip("tqdm")
    fetch_iowa_notes(base_url=studio.url, instruments=["flute"])
    out, err = capsys.readouterr()
    assert out == ""
    assert "100%" in err


def test_missing_on_the_server(studio, home):
    (studio.root / ARCHIVES["clarinet"]).unlink()
    with pytest.raises(DatasetError, match=r"BbClarinet\.ff\.stereo\.zip could not be downloaded \(404") as caught:
        fetch(studio)
    assert str(home / "iowa" / "clarinet") in str(caught.value)
    # What came before stays, and is not asked for again.
    studio.paths.clear()
    assert fetch(studio, instruments=["flute"]).flute.is_dir()
    assert studio.paths == []


def test_no_server(home):
    with pytest.raises(DatasetError, match="could not be downloaded"):
        fetch_iowa_notes(progress=False, base_url="http://127.0.0.1:1")


def test_files_put_there_by_hand_are_found(home):
    folder = home / "iowa" / "flute"
    folder.mkdir(parents=True)
    (folder / "A4.aif").write_bytes(sound())
    assert fetch_iowa_notes(instruments=["flute"], base_url="http://127.0.0.1:1").flute == folder


@pytest.mark.parametrize("damage", ["half", "no zip", "flipped"])
def test_a_damaged_archive_can_be_fetched_again(studio, home, damage):
    path = studio.root / ARCHIVES["flute"]
    good = path.read_bytes()
    flipped = bytearray(good)
    flipped[150:250] = bytes(100)
    path.write_bytes({"half": good[: len(good) // 2], "no zip": b"<html>", "flipped": bytes(flipped)}[damage])
    with pytest.raises(DatasetError, match="not a complete zip archive"):
        fetch(studio)
    assert left_behind(home) == []
    path.write_bytes(good)
    assert len(list(fetch(studio).flute.iterdir())) == 3


def test_an_interruption_leaves_nothing(studio, home, monkeypatch):
    calls = []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*args)

    original = iowa._extract
    monkeypatch.setattr(iowa, "_extract", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(studio)
    assert left_behind(home) == []
    monkeypatch.undo()
    monkeypatch.setenv("SKTIMBRE_DATA_HOME", str(home))
    assert len(list(fetch(studio).flute.iterdir())) == 3


@pytest.mark.parametrize(
    "name",
    [
        "../A4.aif",
        "a/../../A4.aif",
        "/A4.aif",
        "..\\A4.aif",
        "C:\\A4.aif",
        "C:A4.aif",
        "\\\\host\\share\\A4.aif",
        "\\A4.aif",
    ],
)
def test_paths_that_point_elsewhere(tmp_path, name):
    info = zipfile.ZipInfo("x")
    info.filename = name
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("fine.A4.aif", sound())
        file.writestr(info, sound())
    with pytest.raises(DatasetError, match="points out of its folder"):
        extract_sounds(tmp_path / "a.zip", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices(tmp_path, kind):
    info = zipfile.ZipInfo("A4.aif")
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(info, "/etc/passwd")
    with pytest.raises(DatasetError, match="a link or device"):
        extract_sounds(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_too_large(tmp_path):
    write_zip(tmp_path / "a.zip", {"A4.aif": bytes(10**6)})
    with pytest.raises(DatasetError, match="more than"):
        extract_sounds(tmp_path / "a.zip", tmp_path / "out", most_bytes=10**6 - 1)
    extract_sounds(tmp_path / "a.zip", tmp_path / "out", most_bytes=10**6)
    assert (tmp_path / "out" / "A4.aif").stat().st_size == 10**6


def test_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(iowa, "MOST_FILES", 2)
    write_zip(tmp_path / "a.zip", {f"{p}4.aif": b"x" for p in "ABC"})
    with pytest.raises(DatasetError, match="more than 2 files"):
        extract_sounds(tmp_path / "a.zip", tmp_path / "out")


def test_a_size_that_lies(tmp_path):
    """A member that says that it is small and inflates to much."""
    write_zip(tmp_path / "a.zip", {"A4.aif": bytes(10**6)})
    data = (tmp_path / "a.zip").read_bytes().replace((10**6).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DatasetError):
        extract_sounds(tmp_path / "a.zip", tmp_path / "out", most_bytes=1000)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_other_archives(tmp_path):
    write_zip(tmp_path / "a.zip", {"README.txt": b"x", ".A4.aif": b"x"})
    with pytest.raises(DatasetError, match="no sound files"):
        extract_sounds(tmp_path / "a.zip", tmp_path / "out")
    write_zip(tmp_path / "b.zip", {"a/A4.aif": b"x", "b/a4.AIF": b"y"})
    with pytest.raises(DatasetError, match="two files called"):
        extract_sounds(tmp_path / "b.zip", tmp_path / "out")
    write_zip(tmp_path / "c.zip", {"A4.aif": b"x"})
    data = bytearray((tmp_path / "c.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "c.zip").write_bytes(data)
    with pytest.raises(DatasetError, match="encrypted"):
        extract_sounds(tmp_path / "c.zip", tmp_path / "out")


def test_modes_follow_the_umask(tmp_path):
    write_zip(tmp_path / "a.zip", {"A4.aif": b"x"})
    umask = os.umask(0o022)
    try:
        extract_sounds(tmp_path / "a.zip", tmp_path / "out")
    finally:
        os.umask(umask)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


def test_somebody_else_was_faster(tmp_path):
    write_zip(tmp_path / "a.zip", {"A4.aif": b"mine"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "A4.aif").write_bytes(b"theirs")
    extract_sounds(tmp_path / "a.zip", tmp_path / "out")
    assert (tmp_path / "out" / "A4.aif").read_bytes() == b"theirs"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "out"]


@pytest.mark.parametrize("instruments", [[], "flute", ["oboe"], ["flute", "oboe"]])
def test_unknown_instruments(home, instruments):
    with pytest.raises(ParameterError, match="one or more of flute, clarinet"):
        fetch_iowa_notes(instruments=instruments)


def test_a_home_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="SKTIMBRE_DATA_HOME"):
        fetch_iowa_notes(tmp_path / "file")
