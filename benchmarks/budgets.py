"""Error against training time: the default network with shorter trainings, fewer filters and early stopping.

Trains flute to clarinet on the real notes, as `timbre.py` does, and prints the scores of the five held-out notes beside those
of identity and of the transposed neighbours. Seconds are those of `fit` in this process, after one training that starts the
libraries. "In tune" compares with the target at the pitch of the output.
"""

import time

from _common import parser, print_table, read_json, real_pairs, versions, write_json
from _judging import Recogniser, judge, mean

from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.autoencoder import DRAFT
from sktimbre.baselines import TransposedNeighboursBaseline

SCORES = ("error, in tune", "LSD dB, in tune", "cents from source, median", "level dB", "taken for target")
ROWS = {
    "draft": DRAFT,
    "1/6 of the epochs": {"epochs": 8},
    "1/3 of the epochs": {"epochs": 17},
    "1/3 of the epochs, 16 filters": {"epochs": 17, "filters": 16},
    "16 filters": {"filters": 16},
    "1/2 of the epochs": {"epochs": 25},
    "default": {},
    "default, early stopping": {"early_stopping": True, "validation_split": 0.15},
}


def trained(params, notes, held_out):
    """Return a model of the training notes and the seconds that it took."""
    network = TimbreAutoencoder(**{"validation_split": 0, "random_state": 0, **params})
    model = TimbreTransfer(autoencoder=network)
    start = time.perf_counter()
    model.fit(notes.source[~held_out], notes.target[~held_out], groups=notes.pitches[~held_out])
    return model, time.perf_counter() - start


def main():
    p = parser(__doc__, "budgets.json")
    p.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    args = p.parse_args()
    notes, held_out = real_pairs()
    recogniser = Recogniser(notes, held_out)
    X = notes.source[held_out]

    def row(name, S, audio, **more):
        judged = judge(S, audio, notes, held_out, recogniser)
        return {"row": name, **more, **{score: mean(judged, score) for score in SCORES}}

    trained({"epochs": 1, "filters": 4}, notes, held_out)
    stft = LogSTFT().fit(X)
    neighbours = TransposedNeighboursBaseline(sr=notes.sr, n_neighbors=2)
    neighbours.fit(notes.source[~held_out], notes.target[~held_out], pitches=notes.pitches[~held_out])
    S = neighbours.predict(X, pitches=notes.pitches[held_out])
    audio = GriffinLimInverter(random_state=0).fit(S).invert(S, length=X.shape[1])
    blank = {"seconds": None, "epochs": None}
    rows = {
        "identity": row("identity", stft.transform(X), X, **blank),
        "neighbours": row("transposed neighbours, 2", S, audio, **blank),
    }
    rows |= read_json(args.output).get("rows", {})
    for name in args.rows:
        model, seconds = trained(ROWS[name], notes, held_out)
        epochs = len(model.autoencoder_.history_["loss"])
        rows[name] = row(name, model.predict_spectra(X), model.predict(X), seconds=seconds, epochs=epochs)
        print_table("Flute to clarinet, five held-out notes", list(rows.values()))
        write_json(args.output, {"rows": rows, "versions": versions()})


if __name__ == "__main__":
    main()
