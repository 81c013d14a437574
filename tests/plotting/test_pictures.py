"""Whole pictures beside stored ones, in so few pixels that a change of fonts or of matplotlib's spacing hardly counts.

`python tests/plotting/test_pictures.py` writes the stored ones anew; look at them at full size before you commit them.
"""

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
CELLS = 24  # along each side
TOLERANCE = 0.03  # mean difference of grey values in [0, 1]; the spacing of matplotlib 3.8 makes 0.021


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


def seen(display):
    """Return grey values (CELLS, CELLS) of a picture."""
    buffer = BytesIO()
    display.figure_.savefig(buffer, format="png", dpi=75)
    buffer.seek(0)
    grey = matplotlib.image.imread(buffer)[..., :3].mean(axis=2)
    rows, columns = (np.arange(n) * CELLS // n for n in grey.shape)
    sums, counts = np.zeros((CELLS, CELLS)), np.zeros((CELLS, CELLS))
    np.add.at(sums, (rows[:, np.newaxis], columns), grey)
    np.add.at(counts, (rows[:, np.newaxis], columns), 1)
    return sums / counts


def stored(name):
    return matplotlib.image.imread(STORED / f"{name}.png")[..., 0]


@pytest.mark.parametrize("name", PICTURES)
def test_picture_looks_as_before(name):
    assert np.abs(seen(PICTURES[name]()) - stored(name)).mean() < TOLERANCE


def test_other_pictures_look_different():
    turned = SpectrogramDisplay(gliding(1)[:, ::-1], sr=8000, names=["up"]).plot()
    assert np.abs(seen(turned) - stored("spectrogram")).mean() > TOLERANCE
    brighter = SpectrogramDisplay(gliding(1), sr=8000, names=["up"]).plot(cmap="viridis")
    assert np.abs(seen(brighter) - stored("spectrogram")).mean() > TOLERANCE


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
        matplotlib.image.imsave(STORED / f"{name}.png", seen(make()), cmap="gray", vmin=0, vmax=1)
