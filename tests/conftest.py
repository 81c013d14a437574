"""What tests of all rooms share."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest

# A change is judged by the same examples each time; whoever runs the tests by hand explores new ones.
# The first example of a test may compile or import something, so there is no deadline.
hypothesis.settings.register_profile("by hand", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "by hand")


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


@pytest.fixture(scope="session")
def start_chromium():
    """Start a headless Chromium that looks up no name in any network; skip where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install '.[test]'")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    browser, driver = next(filter(None, map(shutil.which, names)), None), shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("needs a browser: Debian's packages chromium and chromium-driver, or Chrome with chromedriver")
    running = []

    def begin(*arguments):
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        # Containers have neither a sandbox of their own nor much shared memory.
        for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", *arguments):
            options.add_argument(f"--{argument}")
        options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        running.append(webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)))
        running[-1].set_page_load_timeout(120)
        return running[-1]

    yield begin
    for each in running:
        each.quit()
