"""Make frozen files of this version: tiny fitted models, and beside each what goes in and what has to come out.

Run it once for each release, `python tests/frozen/freeze.py`, and commit the files; `test_frozen.py` loads every file of this
folder for ever. A file that was released is never made anew: the script leaves out what is there.
"""

from pathlib import Path

import numpy as np

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes

# The smallest network, and the one that most files hold.
ARCHITECTURES = ("shallow", "unet")


def freeze(architecture, path):
    notes = make_paired_notes(4, duration=0.15, sr=8000, random_state=0)
    model = TimbreTransfer(
        LogSTFT(n_fft=64),
        TimbreAutoencoder(architecture, filters=2, epochs=2, random_state=0),
        GriffinLimInverter(n_iter=2, random_state=0),
        sr=8000,
    ).fit(notes.source, notes.target)
    sktimbre.save(model, path)
    audio = notes.source[:1]
    with open(path.with_suffix(".npz"), "xb") as file:
        np.savez_compressed(file, audio=audio, spectra=model.predict_spectra(audio), converted=model.predict(audio))
    print(f"{path}: {path.stat().st_size + path.with_suffix('.npz').stat().st_size} bytes")


if __name__ == "__main__":
    for architecture in ARCHITECTURES:
        path = Path(__file__).parent / f"{architecture}-{sktimbre.__version__}.sktimbre"
        if not path.exists():
            freeze(architecture, path)
