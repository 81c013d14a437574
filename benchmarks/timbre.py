"""Timbre transfer on real notes, flute to clarinet and back: ours, baselines, regressors and the thesis's networks compared.

Every row is scored on held-out pitches: distances, pitch, loudness, and the class that a classifier of real notes gives the
output; then by octave. Finished rows and models are stored, and an interrupted run resumes with the interrupted epoch. The
thesis's rows follow its protocol with `--thesis-filters`; with fewer than its 256 filters all of them train at 1e-3, since
its 1e-4 is too low for 100 epochs. `--transposition` trains nothing; `--dynamics`, `--gain`, `--cut` and `--learning-curve`
print further parts, on the first fold. After a change of the package's code delete results/checkpoints and the JSON.
"""

import argparse
import functools
from pathlib import Path

import joblib
import numpy as np
import soxr
from _common import folds, interleaved, print_table, read_json, real_pairs, versions, write_json
from _judging import (
    SIXTY,
    Recogniser,
    end_level,
    hearing_row,
    judge,
    mean,
    octave_row,
    shaped,
    sounding_row,
    spectra_row,
)
from _models import (
    BASE,
    OURS,
    THESIS_ROWS,
    TRAINED,
    WIDE_BASE,
    checkpoints_in,
    final_error,
    model_key,
    parameters,
    seconds_to_reach,
    trained,
    transfer,
)
from matplotlib.figure import Figure
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

from sktimbre import LogSTFT, TimbreAutoencoder
from sktimbre.baselines import IdentityBaseline, PerBinLinearBaseline, TransposedNeighboursBaseline
from sktimbre.metrics import log_spectral_distance, loudness_correlation, reconstruction_error
from sktimbre.plotting import TransferDisplay
from sktimbre.spectral.log_magnitudes import transposed

DIRECTIONS = {"flute-clarinet": ("flute", "clarinet"), "clarinet-flute": ("clarinet", "flute")}
REGRESSORS = {
    "identity": IdentityBaseline(),
    "per-bin linear": PerBinLinearBaseline(),
    "ridge per frame": Ridge(1.0),
    "nearest neighbour per frame": KNeighborsRegressor(1),
}
NEIGHBOURS = {"transposed neighbours 2": 2, "transposed neighbours 4": 4}
ORACLE = "phase oracle"
ROWS = (*REGRESSORS, *NEIGHBOURS, ORACLE, *TRAINED)
PAIRS = (4, 8, 15, 30)
CUTS, ENDING = (0.25, 0.6, 1.0), 0.2  # seconds
IN_TUNE = 10  # cents; largest deviation of a note that counts as in tune


def inverted(S, X):
    """Return the audio of spectra, by the phase retrieval of every row."""
    return transfer(IdentityBaseline(), loudness=0, noise=0).fit(X, X).invert_spectra(S, X)


def neighbours(notes, training, n=2):
    """Return the fitted baseline of transposed neighbours."""
    baseline = TransposedNeighboursBaseline(sr=notes.sr, n_neighbors=n)
    return baseline.fit(notes.source[training], notes.target[training], pitches=notes.pitches[training])


def predictions(name, notes, held_out, args):
    """Return the spectra and the audio that a row predicts for the held-out notes, its learning curve and real-time factor.

    The curve is error against seconds of training. Curve and real-time factor are None for rows that are not trained.
    """
    X, y = notes.source, notes.target
    if name in REGRESSORS:
        model, curve = transfer(REGRESSORS[name], loudness=0, noise=0).fit(X[~held_out], y[~held_out]), None
    elif name in TRAINED:
        chosen = parameters(name, args.thesis_filters, args.epochs)
        model, curve = trained(chosen, notes, ~held_out, held_out, checkpoints_in(args.output))
    else:
        if name in NEIGHBOURS:
            S = neighbours(notes, ~held_out, NEIGHBOURS[name]).predict(X[held_out], pitches=notes.pitches[held_out])
        else:
            S = LogSTFT().fit_transform(y[held_out])
        return S, inverted(S, X[held_out]), None, None
    seconds = interleaved({"predict": lambda: model.predict(X[held_out])}, repeats=3)["predict"] if curve else None
    factor = seconds and seconds * notes.sr / X[held_out].size
    return model.predict_spectra(X[held_out]), model.predict(X[held_out]), curve, factor


def row_key(name, notes, held_out, args):
    """Return a key of the data and parameters of a row; a stored row with another key is computed again."""
    if name in TRAINED:
        return model_key(parameters(name, args.thesis_filters, args.epochs), notes, ~held_out)
    return joblib.hash((name, notes.source.shape, notes.pitches[held_out].tolist()))


def judged_rows(direction, notes, parts, args, path):
    """Score the rows without stored results, write results after each row, and return them by row and fold."""
    stored = read_json(path)
    results = stored.setdefault("rows", {})
    stored["versions"] = versions()
    recognisers = {fold: Recogniser(notes, held_out) for fold, held_out in parts.items()}
    accuracies = {fold: recogniser.accuracy for fold, recogniser in recognisers.items()}
    stored["accuracy of the classifier"] = {**stored.get("accuracy of the classifier", {}), **accuracies}
    for name in args.rows:
        for fold, held_out in parts.items():
            row, key = results.setdefault(name, {}), row_key(name, notes, held_out, args)
            if row.get(fold, {}).get("key") == key:
                continue
            S, audio, curve, factor = predictions(name, notes, held_out, args)
            per_note = judge(S, audio, notes, held_out, recognisers[fold])
            chosen = parameters(name, args.thesis_filters, args.epochs) if name in TRAINED else {}
            shown = {
                key: value if isinstance(value, int | float | str | bool) else repr(value)
                for key, value in chosen.items()
            }
            row[fold] = {"key": key, "parameters": shown, "notes": per_note, "curve": curve, "real-time factor": factor}
            write_json(path, stored)
            print(f"{direction}, {name}, {fold}: error {mean(per_note, 'error'):.4g}", flush=True)
    return stored


def print_rows(direction, stored, parts, args):
    """Print the scores of the chosen rows over the held-out notes of all folds."""
    results = {name: [stored["rows"][name][fold] for fold in parts] for name in args.rows}
    per_note = {name: [note for fold in done for note in fold["notes"]] for name, done in results.items()}
    seconds = {
        name: sum(fold["curve"][-1][0] for fold in done) if done[0]["curve"] else None for name, done in results.items()
    }
    factors = {name: done[0]["real-time factor"] for name, done in results.items()}
    title = f"{direction}, {len(per_note[args.rows[0]])} held-out notes ({args.folds})"
    each = per_note.items()
    print_table(title, [spectra_row(name, notes, seconds[name], factors[name]) for name, notes in each])
    print_table(f"{title}, while both sound", [sounding_row(*row) for row in each])
    print_table(f"{title}: cents of pitch, loudness, instrument", [hearing_row(*row) for row in each])
    print_table(f"{title}: error by octave", [octave_row(*row) for row in each])
    accuracy = np.mean([stored["accuracy of the classifier"][fold] for fold in parts])
    print(f"Accuracy of the classifier on the real held-out notes of both instruments: {accuracy:.3f}")
    if OURS in args.rows:
        errors, cents = (
            np.array([note[key] for note in per_note[OURS]]) for key in ("error", "cents from target, median")
        )
        correlation = np.corrcoef(errors, cents)[0, 1]
        for which, chosen in (("within", cents <= IN_TUNE), ("beyond", cents > IN_TUNE)):
            if chosen.any():
                print(f"{OURS}: {chosen.sum()} notes {which} {IN_TUNE} cents, error {errors[chosen].mean():.3g}")
        print(f"{OURS}: correlation of error with cents from target: {correlation:.2f}")
    for base in (name for name in (BASE, WIDE_BASE) if name in args.rows):
        for name in (name for name in args.rows if name in TRAINED and name not in THESIS_ROWS):
            for fold, ours, thesis in zip(parts, results[name], results[base], strict=True):
                reached = seconds_to_reach(ours["curve"], final_error(thesis["curve"]))
                ratio = reached / thesis["curve"][-1][0]
                print(f"{name}, {fold}: the final error of {base} after {ratio:.3f} of its whole training time")


def draw_time(direction, stored, parts, path):
    """Draw the error on held-out notes, averaged over folds, against seconds of training, for all rows trained so far."""
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    ax = figure.subplots()
    for name in TRAINED:
        curves = [stored["rows"].get(name, {}).get(fold, {}).get("curve") for fold in parts]
        if not all(curves):
            continue
        shortest = min(len(curve) for curve in curves)
        seconds, errors = np.mean([curve[:shortest] for curve in curves], axis=0).T
        ax.plot(seconds, errors, "--" if name in THESIS_ROWS else "-", label=name)
    for name in ("identity", "per-bin linear", "transposed neighbours 2"):
        done = [stored["rows"].get(name, {}).get(fold) for fold in parts]
        if all(done):
            level = np.mean([mean(fold["notes"], "error") for fold in done])
            ax.axhline(level, color="0.5", linewidth=0.8)
            ax.annotate(name, (0.01, level), xycoords=("axes fraction", "data"), fontsize=8, va="bottom")
    ax.set(title=direction, xlabel="seconds of training", ylabel="error on held-out notes", xscale="log", yscale="log")
    ax.grid(visible=True, which="both", alpha=0.3)
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def transposition(notes):
    """Print the difference between stretching the frequency axis of log spectra and resampling the audio."""
    rows = []
    for semitones in (0.25, 0.5, 1.0, -0.25, -0.5, -1.0):
        ratio = 2 ** (semitones / 12)
        # Scale the hop of the original by the ratio, so that frames of both are at the same times of the note.
        original = LogSTFT(hop_length=round(512 * ratio)).fit_transform(notes.source)
        resampled = LogSTFT().fit_transform(
            np.stack([soxr.resample(y, notes.sr * ratio, notes.sr) for y in notes.source])
        )
        n_frames = min(original.shape[2], resampled.shape[2]) - 2  # the ends are padded differently
        original, resampled = original[..., 2:n_frames], resampled[..., 2:n_frames]
        stretched = np.stack([transposed(S, ratio) for S in original])
        rows.append(
            {
                "semitones": semitones,
                "stretched - resampled": float(np.mean((stretched - resampled) ** 2)),
                "not transposed - resampled": float(np.mean((original - resampled) ** 2)),
                "successive frames": float(np.mean(np.diff(resampled, axis=2) ** 2)),
            }
        )
    print_table("mean squared difference of log spectra", rows)
    return rows


def dynamics(name, model, notes, held_out):
    """Print the loudness correlation of output and source for sources with changed loudness, and the error.

    Also without the last 0.2 s, where the release of a target may sound on after a source has stopped.
    """
    X, y, pitches = notes.source[held_out], notes.target[held_out], notes.pitches[held_out]
    baseline, T = neighbours(notes, ~held_out), LogSTFT().fit_transform(y)
    sources = {shape: changed.astype(np.float32) for shape, changed in shaped(X, notes.sr).items()}

    def blind(X):
        return inverted(baseline.predict(X, pitches=pitches), X)

    def row(title, predict, S):
        outputs = {shape: predict(changed) for shape, changed in sources.items()}

        def correlations(n_samples=None):
            for shape, changed in sources.items():
                curves = changed[:, :n_samples], outputs[shape][:, :n_samples]
                yield shape, loudness_correlation(*curves, sr=notes.sr, average=False)

        each, sounding = dict(correlations()), dict(correlations(-round(ENDING * notes.sr)))
        means = {shape: float(values.mean()) for shape, values in each.items()}
        worst = {f"{shape}, worst note": float(values.min()) for shape, values in each.items()}
        before = {f"{shape}, but for {ENDING:g} s": float(values.mean()) for shape, values in sounding.items()}
        return {"row": title, "error": reconstruction_error(T, S), **means}, worst, before

    usual, rows = model.loudness, []
    for share in sorted({0.0, usual, 1.0}):
        model.loudness = share
        rows.append(row(f"{name}, loudness={share:g}", model.predict, model.predict_spectra(X)))
    model.loudness = usual
    rows.append(row("transposed neighbours 2", blind, baseline.predict(X, pitches=pitches)))
    print_table(f"{name}: loudness correlation with the changed source; the bar is 0.95", [row for row, *_ in rows])
    print_table("the same, worst note and without the end", [{"row": row["row"], **w, **b} for row, w, b in rows])
    return [{**row, **worst, **before} for row, worst, before in rows]


def gain(name, model, notes, held_out):
    """Print the change of the output's level for gains of the input."""
    X = notes.source[held_out]
    level = functools.partial(np.linalg.norm, axis=1)
    plain = level(model.predict(X))
    rows = []
    for decibels in (-20.0, -6.0, 6.0):
        louder = level(model.predict((X * 10 ** (decibels / 20)).astype(np.float32)))
        change = 20 * np.log10(np.maximum(louder, SIXTY * plain) / plain)
        off = np.abs(change - decibels)
        rows.append(
            {"gain dB": decibels, "output dB": float(change.mean()), "largest error dB": float(off.max())}
            | {"notes within 0.5 dB": f"{np.sum(off <= 0.5)} of {len(off)}"}
        )
    print_table(f"{name}: level of the output; the bar is 0.5 dB", rows)
    return rows


def cut(name, model, notes, held_out):
    """Print the error of held-out notes whose source and target are cut in the middle of the tone, with a fade of 10 ms.

    A network that mistakes the end of a file for the end of a tone fades out the cut notes.
    """
    baseline = neighbours(notes, ~held_out)
    fade = np.linspace(1, 0, notes.sr // 100, dtype=np.float32)
    rows = []
    for seconds in CUTS:
        X, y = (side[held_out, : round(seconds * notes.sr)] for side in (notes.source, notes.target))
        for side in (X, y):
            side[:, -len(fade) :] *= fade
        T = LogSTFT().fit_transform(y)
        given = {
            name: model.predict_spectra(X),
            "identity": LogSTFT().fit_transform(X),
            "transposed neighbours 2": baseline.predict(X, pitches=notes.pitches[held_out]),
        }
        errors = {which: reconstruction_error(T, spectra) for which, spectra in given.items()}
        distances = {f"{which}, LSD dB": log_spectral_distance(T, spectra) for which, spectra in given.items()}
        end = {"end dB": end_level(model, X, notes.sr)}
        rows.append({"notes": f"first {seconds:g} s", **errors, **distances, **end})
    print_table(f"{name}: error of notes that are cut", rows)
    return rows


def learning_curve(notes, held_out, args):
    """Print the error of ours by number of pairs, evenly spread over the range, with equal numbers of training steps."""
    X, T = notes.source[held_out], LogSTFT().fit_transform(notes.target[held_out])
    known = np.flatnonzero(~held_out)
    full = parameters(OURS, epochs=args.epochs)
    epochs = TimbreAutoencoder(**full).epochs
    rows = []
    for n in PAIRS:
        training = np.zeros(len(held_out), bool)
        training[known[np.linspace(0, len(known) - 1, min(n, len(known))).round().astype(int)]] = True
        chosen = dict(full)
        if n < len(known):
            chosen["epochs"] = round(epochs * len(known) / n)
        model, _ = trained(chosen, notes, training, held_out, checkpoints_in(args.output))
        linear = transfer(PerBinLinearBaseline(), loudness=0, noise=0).fit(
            notes.source[training], notes.target[training]
        )
        baseline = neighbours(notes, training).predict(X, pitches=notes.pitches[held_out])
        rows.append(
            {
                "pairs": int(training.sum()),
                "epochs": chosen.get("epochs", epochs),
                OURS: reconstruction_error(T, model.predict_spectra(X)),
                "transposed neighbours 2": reconstruction_error(T, baseline),
                "per-bin linear": reconstruction_error(T, linear.predict_spectra(X)),
            }
        )
    print_table("error by number of training pairs", rows)
    return rows


def run(direction, args):
    """Run all requested parts in one direction."""
    notes, _ = real_pairs(*DIRECTIONS[direction], duration=args.duration)
    stem = f"timbre_{direction}" if args.folds == "fixed" else f"timbre_{direction}_{args.folds}_folds"
    path = args.output / f"{stem}.json"
    if args.transposition:
        rows = transposition(notes)
        write_json(path, {**read_json(path), "transposition": rows})
        return
    parts = folds(notes.pitches, args.folds)
    stored = judged_rows(direction, notes, parts, args, path)
    print_rows(direction, stored, parts, args)
    draw_time(direction, stored, parts, path.with_suffix(".png"))
    held_out = next(iter(parts.values()))
    models = {}
    for name in (name for name in args.rows if name in TRAINED and (name == OURS or args.all_parts)):
        chosen = parameters(name, args.thesis_filters, args.epochs)
        models[name] = trained(chosen, notes, ~held_out, held_out, checkpoints_in(args.output))[0]
    if OURS in models:
        names = [f"MIDI {pitch}" for pitch in notes.pitches[held_out]]
        display = TransferDisplay.from_estimator(
            models[OURS], notes.source[held_out], notes.target[held_out], names=names
        )
        display.figure_.savefig(args.output / f"{stem}_spectra.png", dpi=110)
    for name, model in models.items():
        for asked, part in ((args.dynamics, dynamics), (args.gain, gain), (args.cut, cut)):
            if asked:
                stored.setdefault(part.__name__, {})[name] = part(name, model, notes, held_out)
    if args.learning_curve:
        stored["learning curve"] = learning_curve(notes, held_out, args)
    write_json(path, stored)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--direction", choices=(*DIRECTIONS, "both"), default="flute-clarinet")
    p.add_argument(
        "--folds", choices=("fixed", "5"), default="fixed", help="held-out pitches: five, or five folds of all"
    )
    p.add_argument(
        "--rows", nargs="+", choices=ROWS, default=ROWS, metavar="ROW", help=f"some of {', '.join(map(repr, ROWS))}"
    )
    p.add_argument("--epochs", type=int, help="epochs of every training, for a quick look")
    p.add_argument("--thesis-filters", type=int, default=32, help="the thesis has 256, which needs a GPU")
    p.add_argument("--duration", type=float, default=2.0, help="seconds of each note")
    p.add_argument("--output", type=Path, default=Path(__file__).parent / "results", help="folder")
    p.add_argument("--transposition", action="store_true", help="only compare stretching spectra with resampling")
    p.add_argument("--dynamics", action="store_true", help="test ours on crescendo, tremolo and late attack")
    p.add_argument("--gain", action="store_true", help="test ours with a gain of the input")
    p.add_argument("--cut", action="store_true", help="test ours on notes that are cut in the middle of the tone")
    p.add_argument("--all-parts", action="store_true", help="run these parts for every trained row, not only for ours")
    p.add_argument("--learning-curve", action="store_true", help=f"train ours on {PAIRS} pairs")
    args = p.parse_args()
    for direction in DIRECTIONS if args.direction == "both" else (args.direction,):
        run(direction, args)


if __name__ == "__main__":
    main()
