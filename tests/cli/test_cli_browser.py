"""The listening page in a browser: Chromium, where it is installed with its driver."""

import json
import time

import pytest

selenium = pytest.importorskip("selenium", reason="needs selenium: pip install '.[test]'")

from selenium.webdriver import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402

SIDES = ["source", "output", "target"]
# Notes every start of a sound, before the page's own script runs.
WATCH = """
window.starts = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...when) { window.starts.push(when); return start.apply(this, when); };
"""


@pytest.fixture(scope="module")
def page_file(sktimbre, unchanging, notes, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    result = sktimbre("report", unchanging, notes.flute, notes.clarinet, "-o", path, "--duration=0.4")
    assert result.exit_code == 0, result.stderr
    return path


@pytest.fixture(scope="module")
def chromium(start_chromium):
    running = start_chromium()
    running.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    return running


class Page:
    """The page as a listener sees it."""

    def __init__(self, browser):
        self.browser = browser

    def find(self, selector):
        return self.browser.find_element("css selector", selector)

    def press(self, *keys):
        for key in keys:
            ActionChains(self.browser).send_keys(key).perform()

    def wait(self, condition, seconds=30):
        return WebDriverWait(self.browser, seconds, poll_frequency=0.05).until(lambda _: condition())

    @property
    def side(self):
        return self.find(".current .lane.on").get_attribute("data-side")

    @property
    def playing(self):
        return "playing" in self.find(".current").get_attribute("class").split()

    @property
    def now(self):
        return float(self.find(".current .now").text)

    @property
    def note(self):
        return self.find(".current h2").text

    @property
    def starts(self):
        return self.browser.execute_script("return window.starts")


@pytest.fixture
def page(chromium, page_file):
    chromium.get(page_file.as_uri())
    yield Page(chromium)
    assert [entry for entry in chromium.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_nothing_is_fetched(page):
    page.find(".play").click()
    page.wait(lambda: page.playing)
    urls = []
    for entry in page.browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            urls.append(message["params"]["request"]["url"])
    assert any(url.startswith("file:") for url in urls)
    assert [url[:60] for url in urls if not url.startswith(("file:", "data:", "chrome:", "about:"))] == []


def test_a_player_plays_and_keys_switch_without_a_new_start(page):
    assert (page.side, page.playing, page.now) == ("output", False, 0)
    page.find(".play").click()
    page.wait(lambda: page.now > 0)
    seen = set()
    page.wait(lambda: seen.add(page.now) or len(seen) > 3)
    # All three began at one time and place, on one clock.
    assert len(page.starts) == 3
    assert page.starts[0] == page.starts[1] == page.starts[2]
    for key, side in zip("123sot", SIDES * 2, strict=True):
        page.press(key)
        assert page.side == side
        pressed = page.browser.find_elements("css selector", '.current .pick[aria-pressed="true"]')
        assert len(pressed) == 1
        assert side.capitalize() in pressed[0].text
    assert page.playing
    assert len(page.starts) == 3
    page.press(" ")
    assert not page.playing
    halted = page.now
    time.sleep(0.2)
    assert page.now == halted
    page.press(" ")
    page.wait(lambda: page.playing and page.now != halted)
    assert page.starts[3][1] == pytest.approx(halted, abs=0.01)


def test_arrows_seek_and_change_notes(page):
    page.press(Keys.ARROW_RIGHT)
    assert page.now == 0.25
    # Beyond the end of a loop is its beginning.
    page.press(Keys.ARROW_RIGHT)
    assert page.now == 0.1
    page.press("1", Keys.ARROW_DOWN)
    assert (page.note, page.side, page.playing) == ("D4", "source", False)
    page.press(" ")
    page.wait(lambda: page.playing)
    page.press(Keys.ARROW_DOWN)
    page.wait(lambda: page.note == "E4" and page.playing)
    assert len(page.browser.find_elements("css selector", ".playing")) == 1
    page.press(*[Keys.ARROW_UP] * 5)
    assert page.note == "C4"


def test_without_loop_a_note_ends(page):
    page.find("#loop").click()
    page.find(".play").click()
    page.wait(lambda: page.playing)
    page.wait(lambda: not page.playing)
    assert page.now == 0


def test_clicking_a_spectrogram_plays_from_there(page):
    picture = page.find('.lane[data-side="target"] .picture')
    ActionChains(page.browser).move_to_element(picture).click().perform()
    page.wait(lambda: page.playing)
    assert page.side == "target"
    assert page.starts[0][1] == pytest.approx(0.2, abs=0.01)


def test_phones_and_the_dark(page):
    def metrics(width):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        return page.browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")

    def paper(scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        colour = page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) / 3

    for width in (1200, 360):
        content, window = metrics(width)
        # Nothing has to be scrolled sideways; a desktop's scroll bar takes some of the window.
        assert content <= window == width
    assert paper("light") > 200
    assert paper("dark") < 50


@pytest.fixture(scope="module")
def blind_file(sktimbre, unchanging, notes, tmp_path_factory):
    path = tmp_path_factory.mktemp("blind") / "blind.html"
    result = sktimbre("report", unchanging, notes.flute, notes.clarinet, "-o", path, "--duration=0.4", "--blind")
    assert result.exit_code == 0, result.stderr
    return path


def test_a_blind_test_is_answered(chromium, blind_file, tmp_path):
    """Answer all by what the page hides: the file then says that all is right."""
    from sktimbre.metrics import analyse_answers

    chromium.get(blind_file.as_uri())
    page = Page(chromium)
    n_trials = chromium.execute_script("return document.querySelectorAll('.trial').length")
    n_sounds = chromium.execute_script("return document.querySelectorAll('.trial audio').length")
    assert "model" not in chromium.execute_script("return document.body.innerText")
    assert f"{n_trials + n_sounds} answers are missing" in page.find("#left").text
    page.find("#participant").send_keys('Ann "A"')
    play = "const played = arguments[0].closest('.trial').querySelectorAll('audio'); arguments[0].click();"
    which = f"{play} return [...played].find((audio) => !audio.paused).dataset.system"
    slide = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))"
    for trial in chromium.find_elements("css selector", ".trial"):
        systems = {
            button.text: chromium.execute_script(which, button)
            for button in trial.find_elements("css selector", ".abx button, .ratings button")
        }
        assert systems["Reference"] == "target"
        assert {systems["A"], systems["B"]} == {"model", "target"}
        answer = next(letter for letter in "AB" if systems[letter] == systems["X"])
        trial.find_element("css selector", f"input[value={answer}]").click()
        for row in trial.find_elements("css selector", ".rating"):
            value = 100 if systems[row.find_element("css selector", "button").text] == "target" else 30
            chromium.execute_script(slide, row.find_element("css selector", "input"), value)
    assert page.find("#left").text == "All is answered."
    (tmp_path / "answers.csv").write_text(page.find("#csv").get_attribute("value"))
    found = analyse_answers(tmp_path / "answers.csv")
    assert found["abx"]["correct"] == found["abx"]["total"] == n_trials
    assert {system: values["mean"] for system, values in found["ratings"].items()} == {
        "target": 100,
        "model": 30,
        "identity": 30,
    }
    assert [entry for entry in chromium.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_sounds_of_a_blind_test_are_equally_loud(blind_file):
    import base64
    import io
    import re

    import numpy as np
    import soundfile

    levels = []
    for trial in blind_file.read_text().split("<article")[1:]:
        sounds = re.findall(r'data-system="(.*?)".*?base64,(.*?)"', trial)
        found = {name: soundfile.read(io.BytesIO(base64.b64decode(data)))[0] for name, data in sounds}
        assert {"model", "target", "identity"} <= set(found)
        levels.append([10 * np.log10(np.mean(y**2)) for y in found.values()])
    assert np.ptp(levels, axis=1).max() < 0.1
