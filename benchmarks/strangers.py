"""Sources that a model was not trained on: flutes of other libraries and players, and other instruments.

The default model is trained on the real flute and clarinet notes and converts

- the held-out flute notes of the same library,
- the notes of a rendered flute, and of a rendered violin and trumpet,
- the notes of real flute solos, cut from the recordings.

There is no true answer, so outputs are compared with the *training* clarinet. "Distance" is the RMS difference of the levels
of the first 12 harmonics (in dB below the strongest, down to -50 dB) from their mean over the training clarinet's notes within
a tone of the pitch. "Taken for clarinet" is the share that a classifier takes for a clarinet, which is trained on the
clarinets and flutes of three libraries, without the held-out pitches. Beside them stand the sources themselves, and the real
clarinet's held-out notes.

Printed first are the scores of `timbre.py` on the held-out notes of the same library, the whole of them.

--filtering trains further models with other probabilities of the random filter on the source (`PairAugmenter`). --levers
trains further models whose sources are also varied in another way (`LEVERS`), wherever the filter is. --epochs makes all
trainings shorter.
"""

import warnings
from contextlib import contextmanager
from functools import partial

import joblib
import numpy as np
from _common import VALIDATION_PITCHES, notes_folder, parser, print_table, read_json, real_pairs, versions, write_json
from _judging import Recogniser, features, judge, mean
from _models import checkpoints_in
from scipy.signal import lfilter
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sktimbre
from sktimbre import TimbreAutoencoder, TimbreTransfer
from sktimbre.audio import read_audio
from sktimbre.autoencoder import PairAugmenter
from sktimbre.autoencoder.data import augmentation
from sktimbre.datasets import cut_notes, load_notes
from sktimbre.metrics import estimate_f0
from sktimbre.metrics.harmonic import harmonic_levels

SR = 22050
HOP = 512  # of the default STFT at this rate
SECONDS = 1.0  # of each note, at most
SHORTEST = 0.3  # seconds of the notes of solos
N_HARMONICS, FLOOR = 12, -50.0
# Scores of the whole held-out notes.
SCORES = (
    "error",
    "error, in tune",
    "LSD dB, in tune",
    "cents from source, median",
    "cents from source, p95",
    "level dB",
    "taken for target",
)
NEAR = 2.0  # semitones within which notes of the training clarinet are compared


def with_noise(M, rng):
    """Return magnitudes with white noise, 30 to 60 dB below their loudest frame."""
    level = np.sqrt(np.mean(M**2, axis=0).max()) * 10 ** (-rng.uniform(30, 60) / 20)
    return np.sqrt(M**2 + rng.exponential(level**2, M.shape)).astype(np.float32)


def with_band_limit(M, rng):
    """Return magnitudes without frequencies above 3 to 11 kHz, as compressed files and old recordings lack them."""
    M = M.copy()
    M[round(rng.uniform(3000, SR / 2) / (SR / 2) * len(M)) :] = 0
    return M


def with_reverberation(M, rng):
    """Return magnitudes with a tail that falls by 60 dB in 0.2 to 1.5 s and begins 6 to 20 dB below the sound."""
    fall = 10 ** (-6 * HOP / SR / rng.uniform(0.2, 1.5))  # of power, per frame
    tail = lfilter([0, (1 - fall) * 10 ** (-rng.uniform(6, 20) / 10)], [1, -fall], M.astype(float) ** 2, axis=1)
    return np.sqrt(M**2 + tail).astype(np.float32)


LEVERS = {"noise": with_noise, "band limit": with_band_limit, "reverberation": with_reverberation}


@contextmanager
def pulled(lever):
    """Vary sources by a lever after the random filter."""
    given = augmentation.filtered
    if lever:
        augmentation.filtered = lambda M, rng: LEVERS[lever](given(M, rng), rng)
    try:
        yield
    finally:
        augmentation.filtered = given


def library(folder):
    """Return the notes of a folder as pairs of audio and MIDI number."""
    notes = load_notes(folder, sr=SR, duration=SECONDS)
    return list(zip(notes.audio, notes.pitches.astype(float), strict=True))


def solos(instrument):
    """Return the notes of the real solos of an instrument."""
    found = []
    for file in sorted((notes_folder().parent / "solos").glob(f"{instrument}_*.flac")):
        y, _ = read_audio(file, SR)
        found += [
            (y[round(n.start * SR) : round(min(n.end, n.start + SECONDS) * SR)], n.midi)
            for n in cut_notes(y, SR)
            if n.end - n.start >= SHORTEST
        ]
    return found


def levels(y, midi):
    """Return the levels of the harmonics of a note."""
    hertz = 440 * 2 ** ((midi - 69) / 12)
    f0 = float(estimate_f0(y[np.newaxis], sr=SR, fmin=hertz * 2 ** (-1 / 6), fmax=hertz * 2 ** (1 / 6))[0])
    return np.maximum(harmonic_levels(y, f0 if np.isfinite(f0) else hertz, SR, N_HARMONICS), FLOOR)


def distance(note, clarinet):
    """Return the distance in dB of a note from the training clarinet at its pitch; NaN beyond its range."""
    own = levels(*note)
    near = [known for known, midi in clarinet if abs(midi - note[1]) <= NEAR]
    if not near:
        return np.nan
    difference = own - np.mean(near, axis=0)
    return float(np.sqrt(np.nanmean(difference**2)))


def trained(notes, held_out, folder, filtering=None, lever=None, **params):
    """Return a model of the real notes; it is stored and reused, delete it after a change of the package."""
    augmenter = PairAugmenter() if filtering is None else PairAugmenter(filtering=filtering)
    network = TimbreAutoencoder(validation_split=0, random_state=0, augment=augmenter, **params)
    key = joblib.hash((sorted((k, repr(v)) for k, v in network.get_params().items()), held_out.tolist(), lever))
    path = folder / f"strangers_{key}.sktimbre"
    if not path.exists():
        with pulled(lever):
            model = TimbreTransfer(autoencoder=network, sr=SR).fit(notes.source[~held_out], notes.target[~held_out])
        sktimbre.save(model, path)
    return sktimbre.load(path)


def scores(model, notes, held_out):
    """Return the scores of `timbre.py` on the held-out notes."""
    X = notes.source[held_out]
    judged = judge(model.predict_spectra(X), model.predict(X), notes, held_out, Recogniser(notes, held_out))
    return {name: mean(judged, name) for name in SCORES}


def converted(model, notes):
    """Return notes converted by a model."""
    audio = model.predict([y for y, _ in notes])
    return [(y, midi) for y, (_, midi) in zip(audio, notes, strict=True)]


def main():
    p = parser(__doc__, "strangers.json")
    p.add_argument("--filtering", nargs="*", type=float, default=[], help="probabilities of the filter on the source")
    p.add_argument("--levers", nargs="*", choices=LEVERS, default=[], help="other variations of the source")
    p.add_argument("--epochs", type=int, help="epochs of all trainings, if not the default")
    args = p.parse_args()
    params = {} if args.epochs is None else {"epochs": args.epochs}
    ways = {"": {}}
    ways |= {f", filtering={share:g}": {"filtering": share} for share in args.filtering}
    ways |= {f", {lever}": {"lever": lever} for lever in args.levers}
    notes, held_out = real_pairs()
    gm = notes_folder().parent / "gm"
    seconds = round(SECONDS * SR)
    sides = [
        list(zip(side[:, :seconds], notes.pitches.astype(float), strict=True)) for side in (notes.source, notes.target)
    ]
    own, real = sides
    clarinet = [(levels(*note), note[1]) for note, out in zip(real, held_out, strict=True) if not out]
    held_out_notes = [[note for note, out in zip(side, held_out, strict=True) if out] for side in (own, real)]
    sources = {
        "its own flute, held out": held_out_notes[0],
        "rendered flute": library(gm / "flute" / "notes"),
        "flutes of solos": solos("flute"),
        "rendered violin": library(gm / "violin" / "notes"),
        "rendered trumpet": library(gm / "trumpet" / "notes"),
    }
    kinds = {
        "clarinet": [*real, *library(gm / "clarinet" / "notes"), *solos("clarinet")],
        "flute": [*own, *sources["rendered flute"], *sources["flutes of solos"]],
    }
    known = [
        (note, kind) for kind, found in kinds.items() for note in found if round(note[1]) not in VALIDATION_PITCHES
    ]
    of = partial(features, sr=SR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of librosa: notes shorter than a window
        x, labels = np.stack([of(*note) for note, _ in known]), [kind for _, kind in known]
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        accuracy = float(np.mean(cross_val_score(classifier, x, labels, cv=5)))
        classifier.fit(x, labels)

        def row(name, found):
            apart = np.array([distance(note, clarinet) for note in found])
            taken = [classifier.predict([of(*note)])[0] == "clarinet" for note in found]
            inside = np.isfinite(apart)
            return {
                "row": name,
                "notes": int(inside.sum()),
                "distance dB": float(np.mean(apart[inside])),
                "taken for clarinet": float(np.mean(np.array(taken)[inside])),
            }

        rows = [row("the real clarinet, held out", held_out_notes[1])]
        for name, found in sources.items():
            rows.append(row(f"{name}, unchanged", found))
        own_library = []
        for which, way in ways.items():
            model = trained(notes, held_out, checkpoints_in(args.output.parent), **way, **params)
            own_library.append({"row": f"ours{which}", **scores(model, notes, held_out)})
            rows += [row(f"{name}, converted{which}", converted(model, found)) for name, found in sources.items()]
    print_table("flute to clarinet, held-out notes of the same library", own_library)
    print(f"accuracy of the classifier on real notes, cross-validated: {accuracy:.3f}")
    print_table("flute to clarinet, strangers", rows)
    found = {"rows": rows, "own library": own_library, "accuracy": accuracy, "versions": versions()}
    at = "" if args.epochs is None else f"{args.epochs} epochs"
    write_json(args.output, {**read_json(args.output), **({at: found} if at else found)})


if __name__ == "__main__":
    main()
