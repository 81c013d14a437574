"""What tests of all rooms share."""

import os
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest

# A change is judged by the same examples each time; whoever runs the tests by hand explores new ones.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def data_home(tmp_path_factory):
    """Keep what is cached out of the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKTIMBRE_DATA_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def notes_folder() -> Path:
    """The folder of real notes, with flute/, clarinet/ and piano/ in it; tests that want it are skipped without it."""
    named = os.environ.get("SKTIMBRE_DATA")
    data = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = data / "notes"
    if not folder.is_dir():
        pytest.skip(f"needs real notes: no folder {folder}; SKTIMBRE_DATA names another place")
    return folder


@pytest.fixture(scope="session")
def start():
    """Start a command line in a process, and a group of processes, of its own."""
    # What runs in the background has SIGINT ignored, and hands that down.
    first = "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nsys.argv[0] = 'sktimbre'\n"

    def run(*arguments, code="from sktimbre.cli import main\nmain()"):
        command = [sys.executable, "-c", first + code, *map(str, arguments)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    return run


@pytest.fixture(scope="session")
def wait():
    """Wait until something has come to pass while a process runs."""

    def until(process, condition):
        deadline = time.monotonic() + 120
        while not condition():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    return until
