"""Error against training time: the default network with other trainings, fewer filters and early stopping.

Trains flute to clarinet on the real notes, as `timbre.py` does, and prints the scores of the held-out notes beside those of
identity and of the transposed neighbours: of five notes, or with --folds 5 of all. Folds that were run are kept. Seconds are
those of `fit` in this process, after one training that starts the libraries. "In tune" compares with the target at the pitch
of the output.
"""

import time

from _common import folds, parser, print_table, read_json, real_pairs, versions, write_json
from _judging import Recogniser, judge, mean

from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.autoencoder import DRAFT, QUALITY
from sktimbre.baselines import TransposedNeighboursBaseline

SCORES = (
    "error, in tune",
    "error, in tune, both sound",
    "LSD dB, in tune",
    "cents from source, median",
    "level dB",
    "taken for target",
)
BASELINES = ("identity", "transposed neighbours, 2")
ROWS = {
    "draft": DRAFT,
    "1/6 of the epochs": {"epochs": 8},
    "1/3 of the epochs": {"epochs": 17},
    "1/3 of the epochs, 16 filters": {"epochs": 17, "filters": 16},
    "16 filters": {"filters": 16},
    "1/2 of the epochs": {"epochs": 25},
    "default": {},
    "quality": QUALITY,
    "default, early stopping": {"early_stopping": True, "validation_split": 0.15},
}


def trained(params, notes, held_out):
    """Return a model of the training notes and the seconds that it took."""
    network = TimbreAutoencoder(**{"validation_split": 0, "random_state": 0, **params})
    model = TimbreTransfer(autoencoder=network)
    start = time.perf_counter()
    model.fit(notes.source[~held_out], notes.target[~held_out], groups=notes.pitches[~held_out])
    return model, time.perf_counter() - start


def converted(name, notes, held_out):
    """Return spectra and audio of the held-out notes, and seconds and epochs of a training."""
    X, pitches = notes.source[held_out], notes.pitches
    if name == "identity":
        return LogSTFT().fit_transform(X), X, {}
    if name in BASELINES:
        neighbours = TransposedNeighboursBaseline(sr=notes.sr, n_neighbors=2)
        neighbours.fit(notes.source[~held_out], notes.target[~held_out], pitches=pitches[~held_out])
        S = neighbours.predict(X, pitches=pitches[held_out])
        return S, GriffinLimInverter(random_state=0).fit(S).invert(S, length=X.shape[1]), {}
    model, seconds = trained(ROWS[name], notes, held_out)
    epochs = len(model.autoencoder_.history_["loss"])
    return model.predict_spectra(X), model.predict(X), {"seconds": seconds, "epochs": epochs}


def main():
    p = parser(__doc__, "budgets.json")
    p.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    p.add_argument("--folds", choices=("fixed", "5"), default="fixed", help="the five notes, or folds of all")
    args = p.parse_args()
    notes, _ = real_pairs()
    trained({"epochs": 1, "filters": 4}, notes, folds(notes.pitches, "fixed")["fixed"])
    results = read_json(args.output)
    done = results.setdefault(args.folds, {})
    for name in (*BASELINES, *args.rows):
        found = done.setdefault(name, {})
        for fold, held_out in folds(notes.pitches, args.folds).items():
            if fold in found:
                continue
            S, audio, more = converted(name, notes, held_out)
            judged = judge(S, audio, notes, held_out, Recogniser(notes, held_out))
            found[fold] = {score: mean(judged, score) for score in SCORES} | more
            write_json(args.output, {**results, "versions": versions()})
            print_table(f"Flute to clarinet, {fold}", [row(*each) for each in done.items()])


def row(name, found):
    """Return a row of the table: means over the folds, each of which has as many notes."""
    return {"row": name, **{column: mean(found.values(), column) for column in ("seconds", "epochs", *SCORES)}}


if __name__ == "__main__":
    main()
