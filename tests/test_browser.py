"""The page that converts sounds in the browser, against the reference of the export; Chromium opens it."""

import base64
import importlib.util
import json
import shutil
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from scipy.io import wavfile

from sktimbre.transfer import reference

selenium = pytest.importorskip("selenium", reason="needs selenium: pip install '.[test]'")

from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402

EXTENSION = Path(__file__).parents[1] / "docs" / "_ext" / "browser.py"
MODEL = "to-clarinet"
READ = """
const done = arguments[arguments.length - 1];
fetch(document.querySelector(arguments[0]).href).then((response) => response.blob()).then((blob) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.split(",")[1]);
  reader.readAsDataURL(blob);
});
"""
SET = """
const slider = document.getElementById(arguments[0]);
slider.value = arguments[1];
for (const kind of ["input", "change"]) slider.dispatchEvent(new Event(kind, {bubbles: true}));
"""


class Handler(SimpleHTTPRequestHandler):
    """Notes the first line of each request."""

    requests: ClassVar = []

    def log_message(self, *_):
        self.requests.append(self.requestline)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The page with one model."""
    if not EXTENSION.exists():
        pytest.skip("needs the folder docs of the repository")
    spec = importlib.util.spec_from_file_location("browser", EXTENSION)
    browser = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(browser)
    path = tmp_path_factory.mktemp("browser")
    try:
        browser.build(path, [MODEL])
    except browser.RuntimeMissing as missing:
        pytest.skip(f"needs ONNX Runtime for browsers: {missing}")
    return path


@pytest.fixture(scope="module")
def address(folder):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium(start_chromium):
    # The microphone beeps.
    running = start_chromium("use-fake-device-for-media-stream", "use-fake-ui-for-media-stream")
    running.set_script_timeout(30)
    return running


class Page:
    """The page as a visitor sees it."""

    def __init__(self, browser, address):
        self.browser = browser
        browser.get(address)
        self.wait(lambda: self.find("#model option"))

    def find(self, selector):
        found = self.browser.find_elements("css selector", selector)
        return found[0] if found else None

    def wait(self, condition, seconds=50):
        return WebDriverWait(self.browser, seconds, poll_frequency=0.05).until(lambda _: condition())

    @property
    def status(self):
        return self.find("#status").text

    def give(self, path):
        self.find("#file").send_keys(str(path))

    def converted(self):
        """Wait for the result and return its samples."""
        self.wait(lambda: self.status.startswith("Converted") or self.find("#status.error"))
        assert self.status.startswith("Converted")
        return self.download(32)

    def download(self, bits):
        content = base64.b64decode(self.browser.execute_async_script(READ, f"#wav{bits}"))
        return np.frombuffer(content[44:], "<f4" if bits == 32 else "<i2")

    def move(self, slider, value):
        self.browser.execute_script(SET, slider, value)


@pytest.fixture(scope="module")
def page(chromium, address):
    return Page(chromium, address)


@pytest.fixture(scope="module")
def phrase():
    from sktimbre.datasets import load_phrase

    return load_phrase(44100)[0][30000:130000]


@pytest.fixture(scope="module")
def phrase_file(phrase, tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "phrase.wav"
    wavfile.write(path, 44100, phrase)
    return path


@pytest.fixture
def expected(folder, phrase, tmp_path):
    """What convert.py of the export makes of the phrase with some other settings."""

    def convert(**changes):
        exported = folder / "models" / MODEL
        settings = json.loads((exported / "settings.json").read_text()) | changes
        (tmp_path / "settings.json").write_text(json.dumps(settings))
        shutil.copy(exported / "network.onnx", tmp_path)
        return reference.convert(phrase, tmp_path)

    return convert


def assert_same(found, wanted):
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-3
    assert np.linalg.norm(found - wanted) < 1e-3 * np.linalg.norm(wanted)


def test_as_the_reference(page, phrase_file, phrase, expected):
    from sktimbre import models

    page.give(phrase_file)
    found = page.converted()
    assert_same(found, expected())
    assert_same(found, models.load(MODEL).predict([phrase])[0])
    np.testing.assert_allclose(page.download(16) / 32767, np.clip(found, -1, 1), atol=1 / 32767)
    seconds = [
        page.browser.execute_script(f"return document.getElementById('{name}').duration")
        for name in ("before", "after")
    ]
    assert seconds == pytest.approx([len(phrase) / 44100] * 2, abs=0.01)


def test_sliders(page, phrase_file, expected):
    def pitch(y):
        """Return the frequency of the highest partial."""
        spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 8 * len(y)))
        return spectrum.argmax() / 8 / len(y) * 44100

    page.give(phrase_file)
    before = page.converted()
    # The first is superseded by the second.
    page.move("transpose", -12)
    page.move("amount", 0.5)
    found = page.converted()
    assert_same(found, expected(transpose=-12, amount=0.5))
    note = slice(20000, 40000)
    assert pitch(found[note]) == pytest.approx(pitch(before[note]) / 2, rel=0.01)
    page.move("transpose", 0)
    page.find("#amount").send_keys(Keys.END)
    page.move("mix", 0.6)
    assert_same(page.converted(), expected(mix=0.6))


def test_the_microphone(page):
    page.find("#record").click()
    page.wait(lambda: page.find("#record").text == "Stop recording")
    time.sleep(1.5)
    page.find("#record").click()
    page.wait(lambda: page.status != "Recording")
    y = page.converted()
    assert len(y) > 44100
    assert np.isfinite(y).all()
    assert page.find("#record").text == "Record ten seconds"


def test_cancel(page, phrase_file):
    page.give(phrase_file)
    page.wait(page.find("#convert").is_enabled)
    page.find("#convert").click()
    page.find("#cancel").click()
    assert page.status == "Cancelled"
    time.sleep(0.5)
    assert page.status == "Cancelled"
    page.find("#convert").click()
    page.converted()


def test_mistakes(page, tmp_path):
    rng = np.random.default_rng(0)
    sounds = {
        "short": (rng.uniform(-0.1, 0.1, 2000), "too short"),
        "long": (rng.uniform(-0.1, 0.1, 61 * 8000), "61 seconds"),
        "silent": (np.zeros(44100), "silent"),
    }
    for name, (y, words) in sounds.items():
        path = tmp_path / f"{name}.wav"
        wavfile.write(path, 8000 if name == "long" else 44100, y.astype(np.float32))
        page.give(path)
        page.wait(lambda words=words: words in page.status)
        assert "error" in page.find("#status").get_attribute("class")
    (tmp_path / "text.wav").write_text("no sound")
    page.give(tmp_path / "text.wav")
    page.wait(lambda: "choose a WAV" in page.status)


def test_nothing_is_sent(page, address):
    requested = {}
    for entry in page.browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            request = message["params"]["request"]
            requested[request["url"][:60]] = request["method"]
    local = (address, "blob:", "data:", "chrome:", "about:")
    assert [url for url in requested if not url.startswith(local)] == []
    assert set(requested.values()) == {"GET"}
    # The worker's requests are known to the server alone.
    assert any(line.startswith(f"GET /models/{MODEL}/network.onnx ") for line in Handler.requests)
    assert [line for line in Handler.requests if not line.startswith("GET ") or "?" in line] == []


def test_console_is_clean(page):
    assert [entry for entry in page.browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
