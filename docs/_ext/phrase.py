"""Make the sounds and the picture of the first page: the phrase of the package, before and after a model of it."""

from pathlib import Path

import numpy as np

MODEL = "to-clarinet"


def make(app):
    """Write the files into the folder of static files, unless they are newer than the model."""
    from sktimbre import models
    from sktimbre.audio import write_audio
    from sktimbre.datasets import load_phrase
    from sktimbre.plotting import SpectrogramDisplay

    folder = Path(app.srcdir) / "_static" / "phrase"
    picture = folder / "spectra.png"
    if picture.exists() and picture.stat().st_mtime > models.path(MODEL).stat().st_mtime:
        return
    folder.mkdir(parents=True, exist_ok=True)
    model = models.load(MODEL)
    phrase, sr = load_phrase(int(model.sr))
    converted = np.clip(model.predict([phrase])[0], -1, 1)
    for name, y in (("before", phrase), ("after", converted)):
        write_audio(folder / f"{name}.wav", y, sr, overwrite=True)
    display = SpectrogramDisplay.from_predictions(
        np.stack([phrase, converted]), sr=sr, names=["before", "after"], frequency_axis="log"
    )
    display.figure_.savefig(picture, dpi=110)


def setup(app):
    """Register with Sphinx."""
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
