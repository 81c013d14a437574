"""Learning from playing beside learning from single notes: errors on held-out single notes and on melodies.

The default network is trained on single notes of two rendered instruments, and on recordings of *different* tunes on both
(`load_recordings`), for about as many steps. Held-out single notes and melodies, which are the same on both instruments,
are converted. The error is the reconstruction error, beside that of identity.
"""

import math
import time

import numpy as np
from _common import VALIDATION_PITCHES, notes_folder, parser, print_table, versions, write_json

from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.audio import read_audio
from sktimbre.datasets import load_paired_notes, load_recordings
from sktimbre.metrics import reconstruction_error

SR = 22050


def errors(model, pairs):
    """Return the mean errors of the model and of identity."""
    stft = LogSTFT()
    found = []
    for x, y in pairs:
        S, T = stft.transform(x[np.newaxis]), stft.transform(y[np.newaxis])
        found.append([reconstruction_error(T, spectra) for spectra in (model.predict_spectra(x[np.newaxis]), S)])
    return np.mean(found, axis=0)


def main():
    p = parser(__doc__, "playing.json")
    p.add_argument("--source", default="flute")
    p.add_argument("--target", default="clarinet")
    p.add_argument("--steps", type=int, default=800, help="training steps of both models, of four variations each")
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    data = notes_folder().parent / "gm"
    source, target = data / args.source, data / args.target
    notes = load_paired_notes(source / "notes", target / "notes", duration=2.0)
    held_out = np.isin(notes.pitches, VALIDATION_PITCHES)
    playing = load_recordings(source / "playing", target / "playing")
    materials = {
        "notes": (notes.source[~held_out], notes.target[~held_out], notes.pitches[~held_out]),
        "playing": (playing.source, playing.target, playing.pitches),
    }
    singles = list(zip(notes.source[held_out], notes.target[held_out], strict=True))
    melodies = []
    for file in sorted((source / "melody").iterdir()):
        x, y = (read_audio(side / "melody" / file.name, SR)[0] for side in (source, target))
        n = min(len(x), len(y))
        melodies.append((x[:n], y[:n]))
    rows = []
    for name, (X, y, pitches) in materials.items():
        epochs = max(1, math.ceil(args.steps / (0.85 * len(X) / 4)))
        model = TimbreTransfer(autoencoder=TimbreAutoencoder(epochs=epochs, random_state=args.seed))
        start = time.perf_counter()
        model.fit(X, y, groups=pitches)
        seconds = time.perf_counter() - start
        row = {"trained on": name, "pairs": len(X), "seconds of audio": sum(map(len, X)) / SR, "training, s": seconds}
        for kind, judged in (("single notes", singles), ("melodies", melodies)):
            error, identity = errors(model, judged)
            row |= {kind: error, f"{kind} / identity": error / identity}
        rows.append(row)
    rows.append({"trained on": "playing / notes", **{k: rows[1][k] / rows[0][k] for k in rows[0] if k != "trained on"}})
    print_table(f"{args.source} to {args.target}", rows)
    write_json(
        args.output,
        {"rows": rows, "missing": playing.missing, "arguments": vars(args) | {"output": ""}, "versions": versions()},
    )


if __name__ == "__main__":
    main()
