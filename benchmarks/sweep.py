"""Speed of a search: eight candidates, three folds, with `TimbreTransfer` and in a naive form, interleaved in one process.

The naive form needs no sktimbre estimator: a scikeras regressor with the same network in a Pipeline, within a
TransformedTargetRegressor. It recomputes the spectra of source and target for each fit, and predicts by `model.predict`.
Both train the same networks in the same way, so their errors agree up to the seeds; they search four learning rates and two
sizes. Also measures the first fit, which traces, and later fits; the search in one and two processes; and reading spectra
from a folder (``memory=``) relative to computing them.
"""

import tempfile
import time

import keras
import numpy as np
from _common import interleaved, parser, print_table, real_pairs, versions, write_json
from joblib import Memory
from scikeras.wrappers import KerasRegressor
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.autoencoder import ARCHITECTURES, NetworkOptions
from sktimbre.datasets import make_paired_notes

RATES = [3e-4, 1e-3, 3e-3, 1e-2]


def flat(S):
    return S.reshape(len(S), -1)


def naive_network(meta, architecture, filters):
    n_frequencies, n_frames = meta["X_shape_"][1:3]
    spectra = keras.Input((n_frequencies, n_frames))
    network = ARCHITECTURES[architecture](n_frequencies, NetworkOptions(filters=filters, activation="leaky_relu"))
    pad = -n_frames % 2
    S = keras.layers.ZeroPadding2D(((0, 0), (0, pad)))(keras.layers.Reshape((n_frequencies, n_frames, 1))(spectra))
    return keras.Model(spectra, keras.layers.Flatten()(keras.layers.Cropping2D(((0, 0), (0, pad)))(network(S))))


def naive(architecture, epochs):
    network = KerasRegressor(
        naive_network,
        architecture=architecture,
        filters=2,
        loss="mse",
        optimizer="adam",
        optimizer__learning_rate=1e-3,
        epochs=epochs,
        batch_size=4,
        verbose=0,
    )
    target = make_pipeline(LogSTFT(), FunctionTransformer(flat))
    return TransformedTargetRegressor(make_pipeline(LogSTFT(), network), transformer=target, check_inverse=False)


def naive_score(model, X, y):
    return -float(np.mean(np.square(model.regressor_.predict(X) - model.transformer_.transform(y))))


def ours(architecture, epochs):
    # Switch off what the naive form lacks.
    as_naive = {
        "schedule": "constant",
        "augment": False,
        "normalize_level": False,
        "quiet_weight": 0,
        "validation_split": 0,
    }
    network = TimbreAutoencoder(architecture, filters=2, epochs=epochs, random_state=0, **as_naive)
    return TimbreTransfer(stft=LogSTFT(), autoencoder=network, loudness=0, noise=0)


WAYS = {
    "TimbreTransfer": (ours, "autoencoder", None),
    "naive": (naive, "regressor__kerasregressor", naive_score),
}


def search(way, architecture, epochs, filters, n_jobs=None):
    make, prefix, scoring = WAYS[way]
    grid = {f"{prefix}__filters": filters, f"{prefix}__optimizer__learning_rate": RATES}
    return GridSearchCV(make(architecture, epochs), grid, cv=3, scoring=scoring, refit=False, n_jobs=n_jobs)


def workers(architecture, epochs, filters, X, y):
    """Return the time of the same search in one process and in two, which are started in the first turn."""
    rows = []
    for turn in range(2):
        sizes = [n + 2 + 16 * turn for n in filters]  # not traced by any other part
        one, two = (seconds(search("TimbreTransfer", architecture, epochs, sizes, n).fit, X, y) for n in (1, 2))
        workers = "started" if turn == 0 else "running"
        rows.append(
            {"workers": workers, "epochs": epochs, "1 process, s": one, "2, s": two, "times as fast": one / two}
        )
    return rows


def reading_beside_computing(X):
    """Return the time to read spectra from a folder relative to the time to compute them."""
    stft = LogSTFT().fit(X)
    with tempfile.TemporaryDirectory() as folder:
        read = Memory(folder, verbose=0).cache(stft.transform)
        took = interleaved({"read": lambda: read(X), "compute": lambda: stft.transform(X)}, repeats=15)
    return took["read"] / took["compute"]


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def main():
    p = parser(__doc__, "sweep.json")
    p.add_argument("--architecture", default="shallow", choices=sorted(ARCHITECTURES))
    p.add_argument("--filters", type=int, nargs=2, default=(4, 8))
    p.add_argument("--epochs", type=int, nargs="+", default=(2, 10))
    p.add_argument("--notes", type=int, default=18)
    p.add_argument("--duration", type=float, default=1.0, help="seconds of each note")
    p.add_argument("--turns", type=int, default=3)
    p.add_argument("--synthetic", action="store_true", help="notes of make_paired_notes instead of real ones")
    args = p.parse_args()
    make = make_paired_notes if args.synthetic else None
    notes = make(args.notes, duration=args.duration, random_state=0) if make else real_pairs(duration=args.duration)[0]
    X, y = notes.source[: args.notes], notes.target[: args.notes]
    n_candidates = len(RATES) * len(args.filters)
    for make_model, _, _ in WAYS.values():
        make_model(args.architecture, 1).fit(X, y)  # excludes one-time costs of the process from the timing
    rows = []
    for epochs in args.epochs:
        took: dict[str, list[float]] = {way: [] for way in WAYS}
        errors: dict[str, list[float]] = {way: [] for way in WAYS}
        for turn in range(args.turns):
            for way in WAYS:
                # New sizes in each turn, so that no search uses graphs of an earlier one.
                found = search(way, args.architecture, epochs, [n + 16 * turn for n in args.filters])
                took[way].append(seconds(found.fit, X, y))
                errors[way].extend(-found.cv_results_["mean_test_score"])
        ratio = np.median(np.divide(took["naive"], took["TimbreTransfer"]))
        for way in WAYS:
            row = {"way": way, "epochs": epochs, "candidates a minute": 60 * n_candidates / np.median(took[way])}
            row |= {"times the naive form": ratio if way == "TimbreTransfer" else 1.0}
            rows.append({**row, "median error": float(np.median(errors[way]))})
    print_table(f"{n_candidates} candidates, 3 folds, {len(X)} notes of {args.duration:g} s, {args.architecture}", rows)
    fits = []
    for way, (make_model, prefix, _) in WAYS.items():
        model = make_model(args.architecture, 2).set_params(**{f"{prefix}__filters": 5})
        first, *later = [seconds(clone(model).fit, X, y) for _ in range(5)]
        fits.append({"way": way, "first fit, s": first, "later fits, s": float(np.median(later))})
    print_table("fits of 2 epochs", fits)
    processes = workers(args.architecture, args.epochs[-1], args.filters, X, y)
    print_table("two processes beside one", processes)
    reading = reading_beside_computing(X)
    print(f"Reading spectra from a folder takes {reading:.2g} times as long as LogSTFT.")
    write_json(
        args.output,
        {
            "versions": versions(),
            "settings": {k: str(v) for k, v in vars(args).items()},
            "rows": rows,
            "fits": fits,
            "processes": processes,
            "reading": reading,
        },
    )


if __name__ == "__main__":
    main()
