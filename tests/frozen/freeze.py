"""Make frozen files of this version: tiny fitted models, and beside each what goes in and what has to come out.

Run it once for each release, `python tests/frozen/freeze.py`, and commit the files; `test_frozen.py` loads every file of this
folder for ever. A word, as in `python tests/frozen/freeze.py pitches`, makes further files when what a file has in it changes
between releases. A file that was released is never made anew: the script leaves out what is there. Until then, where
predictions were changed on purpose, delete the file of what comes out and run it again; the model stays.
"""

import sys
from pathlib import Path

import numpy as np

import sktimbre
from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes

# The smallest network, and the one that most files hold.
ARCHITECTURES = ("shallow", "unet")


def made(architecture):
    notes = make_paired_notes(4, duration=0.15, sr=8000, random_state=0)
    model = TimbreTransfer(
        LogSTFT(n_fft=64),
        TimbreAutoencoder(architecture, filters=2, epochs=2, random_state=0),
        GriffinLimInverter(n_iter=2, random_state=0),
        sr=8000,
    )
    return model.fit(notes.source, notes.target)


def main():
    audio = make_paired_notes(4, duration=0.15, sr=8000, random_state=0).source[:1]
    for architecture in ARCHITECTURES:
        name = "-".join([architecture, sktimbre.__version__, *sys.argv[1:]])
        path = Path(__file__).parent / f"{name}.sktimbre"
        if not path.exists():
            sktimbre.save(made(architecture), path)
        if not (outcome := path.parent / f"{name}.npz").exists():
            model = sktimbre.load(path)
            converted = {"spectra": model.predict_spectra(audio), "converted": model.predict(audio)}
            np.savez_compressed(outcome, audio=audio, **converted)
        print(f"{path}: {path.stat().st_size + outcome.stat().st_size} bytes")


if __name__ == "__main__":
    main()
