"""What is drawn inside the panels beside stored pictures, what is written around them, and that nothing overlaps.

`python tests/plotting/test_pictures.py` writes the stored pictures anew; look at the displays at full size before you
commit them.
"""

import itertools
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from sktimbre.plotting import (
    HarmonicDisplay,
    LearningCurveDisplay,
    SearchDisplay,
    SpectrogramDisplay,
    TransferDisplay,
)

STORED = Path(__file__).parent / "pictures"
CELLS, DOTS = 24, 192  # along each side of a panel
# Largest difference in a cell's red, green or blue, in [0, 1]. From matplotlib 3.8 to 3.11 it is 0.002, as much as eight bits
# make; fonts, hinting and spacing make none.
TOLERANCE = 0.01


def gliding(slope):
    """Spectra with one broad partial that glides."""
    rows, columns = np.mgrid[:65, :40]
    return np.where(abs(rows - 12 - slope * columns // 2) < 6, 3.0, 0.0)[np.newaxis]


EPOCHS = np.arange(1, 31)
PICTURES = {
    "spectrogram": lambda: SpectrogramDisplay(gliding(1), sr=8000, names=["up"]).plot(),
    "spectrogram_note": lambda: SpectrogramDisplay(gliding(1), sr=8000).plot(frequency_axis="note"),
    "transfer": lambda: TransferDisplay(gliding(0), gliding(1), gliding(2), sr=8000, names=["C4"]).plot(),
    "curves": lambda: LearningCurveDisplay(
        {"a": {"reconstruction_error": 2.0 / EPOCHS, "val_reconstruction_error": 1 / EPOCHS + 0.01 * EPOCHS}}
    ).plot(references={"identity": 0.3}),
    "search": lambda: SearchDisplay(
        {
            "params": [{"filters": n} for n in (16, 32, 64)],
            "split0_test_score": np.array([-0.5, -0.3, -0.2]),
            "split1_test_score": np.array([-0.6, -0.5, -0.3]),
        }
    ).plot(),
    "harmonics": lambda: HarmonicDisplay(
        {"source": [[0, -10, -20, -30]], "output": [[-5, 0, -25, -40]], "target": [[0, -30, -5, np.nan]]}, names=["C4"]
    ).plot(),
}


LEVEL = "Level (dB, 0 is the loudest)"
WORDS = {  # of each panel: title, beside the axes, in the legend
    "spectrogram": [("up", "Time (s)", "Frequency (Hz)"), ("", "", LEVEL)],
    "spectrogram_note": [("", "Time (s)", "Pitch"), ("", "", LEVEL)],
    "transfer": [
        ("Source", "Time (s)", "C4\nFrequency (Hz)"),
        ("Output", "Time (s)", ""),
        ("Target", "Time (s)", ""),
        ("Output \N{MINUS SIGN} target", "Time (s)", ""),
        ("", "", LEVEL),
        ("", "", "Difference (dB)"),
    ],
    "curves": [("", "Epoch", "Reconstruction error", "a, training", "a, validation", "identity")],
    "search": [("", "filters", "Error", "mean of the folds")],
    "harmonics": [("C4", "Harmonic", "Level (dB, 0 is the strongest)", "Source", "Output", "Target")],
}


def seen(display):
    """Return colours (CELLS, n_panels * CELLS, 3) of the panels without legends and axes, colour bars among them."""
    figure = display.figure_
    panels = figure.axes
    figure.set_layout_engine("none")
    figure.set_size_inches(len(panels), 1)
    for i, panel in enumerate(panels):
        panel.set_axis_off()
        panel.set_axes_locator(None)
        panel.set_position((i / len(panels), 0, 1 / len(panels), 1))
        if panel.get_legend():
            panel.get_legend().set_visible(False)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS)
    buffer.seek(0)
    dots = matplotlib.image.imread(buffer)[..., :3]
    return dots.reshape(CELLS, DOTS // CELLS, -1, DOTS // CELLS, 3).mean(axis=(1, 3))


def difference(display, name):
    """Return how much the display differs from a stored picture where it differs most."""
    return np.abs(seen(display) - matplotlib.image.imread(STORED / f"{name}.png")[..., :3]).max()


@pytest.mark.parametrize("name", PICTURES)
def test_picture_looks_as_before(name):
    assert difference(PICTURES[name](), name) < TOLERANCE


@pytest.mark.parametrize("name", PICTURES)
def test_words_stand_around_the_panels(name):
    figure = PICTURES[name]().figure_
    legends = [panel.get_legend().get_texts() if panel.get_legend() else [] for panel in figure.axes]
    assert WORDS[name] == [
        (panel.get_title(), panel.get_xlabel(), panel.get_ylabel(), *(text.get_text() for text in legend))
        for panel, legend in zip(figure.axes, legends, strict=True)
    ]
    figure.draw_without_rendering()
    places = [panel.get_tightbbox() for panel in figure.axes]
    assert not [pair for pair in itertools.combinations(places, 2) if pair[0].overlaps(pair[1])]
    assert all(figure.bbox.contains(*place.min) and figure.bbox.contains(*place.max) for place in places)


def test_notebooks_show_a_picture():
    assert PICTURES["curves"]()._repr_png_().startswith(b"\x89PNG")


def test_pyplot_and_settings_are_left_alone():
    code = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy();"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_pictures as t;"
        "[t.seen(make()) for make in t.PICTURES.values()];"
        "print(matplotlib.rcParams.copy() == before, 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


if __name__ == "__main__":
    STORED.mkdir(exist_ok=True)
    for name, make in PICTURES.items():
        matplotlib.image.imsave(STORED / f"{name}.png", seen(make()), vmin=0, vmax=1)
