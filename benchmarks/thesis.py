"""The thesis's study on our notes: every row of its table 3.1, its sweeps and its figures.

`smoke` takes minutes and only shows that everything runs. `cpu` takes about an hour and a half on two cores, with fewer
filters and epochs and one learning rate for all rows, since the thesis's 1e-4 is too low for 30 epochs. `full` is the
thesis's protocol (256 filters, 100 epochs, its learning rates) and needs a GPU. Finished rows are stored, and an interrupted
run resumes with the interrupted epoch.
"""

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from _common import VALIDATION_PITCHES, notes_folder, print_table, read_json, real_pairs, versions, write_json
from matplotlib.figure import Figure

from sktimbre import LogSTFT, TimbreAutoencoder
from sktimbre.autoencoder import THESIS
from sktimbre.baselines import IdentityBaseline, PerBinLinearBaseline, TransposedNeighboursBaseline
from sktimbre.datasets import load_notes, segment
from sktimbre.metrics import reconstruction_error
from sktimbre.plotting import LearningCurveDisplay

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Budget:
    """Sizes of the networks, and lengths of the notes and of the training."""

    filters: int
    epochs: int
    swept_filters: tuple[int, ...]
    rate: float | None  # learning rate; None is the thesis's for each row
    duration: float  # seconds of each note


BUDGETS = {
    "smoke": Budget(4, 2, (2, 4), 1e-3, 0.5),
    "cpu": Budget(16, 30, (4, 8, 16, 32), 1e-3, 2.0),
    "full": Budget(256, 100, (64, 128, 256, 512), None, 2.0),
}


@dataclass(frozen=True)
class Row:
    """A training: its name, the error that the thesis published, and its parameters."""

    name: str
    published: float | None
    parameters: dict = field(default_factory=dict)
    group: str = "table 3.1"
    data: str = "notes"


def reconstruction_rows(budget):
    """Return the rows of the reconstruction task; learning rate 1e-3 as in the thesis."""
    layers = {n: {"depth": n, "pretraining": "layerwise"} for n in (2, 3, 4)}
    return [
        Row("shallow, batch 4", 3.215e-4),
        Row("shallow, batch 8", 2.043e-4, {"batch_size": 8}),
        Row("2 layers", 5.237e-4, layers[2]),
        Row("3 layers", 1.418e-3, layers[3]),
        Row("4 layers", 1.418e-3, layers[4]),
        Row("shallow + L1", 1.424e-3, {"l1": 1e-4, "l2": 0.0}),
        Row("shallow, batch 4, segments", None, group="one-second segments", data="segments"),
        Row("2 layers, segments", None, layers[2], "one-second segments", "segments"),
    ]


def transformation_rows(budget):
    """Return the rows of the transformation task and of the sweeps, which vary the best model."""
    slow = {"optimizer__learning_rate": 1e-4}
    best = {"architecture": "dilated_residual", **slow}
    rows = [
        Row("base", 4.697e-2),
        Row("2 layers", 4.876e-2, {"depth": 2, "pretraining": "layerwise"}),
        Row("3 layers", 5.292e-2, {"depth": 3, "pretraining": "layerwise"}),
        Row("dilated", 4.698e-2, {"architecture": "dilated", **slow}),
        Row("residual", 5.210e-2, {"architecture": "residual", **slow}),
        Row("dilated + residual", 3.417e-2, best),
        Row("dilated + residual, 2 layers", 3.825e-2, {**best, "depth": 2, "pretraining": "layerwise"}),
    ]
    published = {64: 3.93e-2, 128: 4.00e-2, 256: 3.91e-2, 512: 3.74e-2}
    rows += [Row(f"filters {n}", published.get(n), {**best, "filters": n}, "filters") for n in budget.swept_filters]
    rates = (1e-4, 1e-3, 1e-2) if budget.rate else (1e-6, 1e-5, 1e-4, 1e-3)
    rows += [Row(f"learning rate {r:g}", None, {**best, "optimizer__learning_rate": r}, "learning rate") for r in rates]
    rows += [Row(f"batch {n}", None, {**best, "batch_size": n}, "batch size") for n in (2, 4, 8)]
    penalties = {
        "no penalty": {"l2": 0.0},
        "L1 1e-5": {"l1": 1e-5, "l2": 0.0},
        "L2 1e-4": {},
        "KL 0.5": {"sparsity_weight": 0.5},
    }
    rows += [Row(name, None, {**best, **p}, "penalties") for name, p in penalties.items()]
    rows += [Row(f"dropout {r:g}", None, {**best, "dropout": r}, "dropout") for r in (0.0, 0.1, 0.2, 0.5)]
    return rows


def estimator(row, budget, checkpoints):
    """Return the estimator of a row: the thesis's parameters with those of the row and of the budget."""
    base = {
        "architecture": "shallow",
        "filters": budget.filters,
        "optimizer__learning_rate": 1e-3,
        "epochs": budget.epochs,
    }
    parameters = {**THESIS, **base, **row.parameters}
    if budget.rate and row.group != "learning rate":
        parameters["optimizer__learning_rate"] = budget.rate
    return TimbreAutoencoder(**parameters, validation_split=0, random_state=0, checkpoint=checkpoints)


def transformation_data(budget):
    """Return flute and clarinet spectra, split by pitch, and the errors of the baselines."""
    notes, held_out = real_pairs(duration=budget.duration)
    stft = LogSTFT().fit(notes.source)
    S, T = stft.transform(notes.source), stft.transform(notes.target)
    training, validation = (S[~held_out], T[~held_out]), (S[held_out], T[held_out])
    baselines = {
        name: reconstruction_error(validation[1], baseline.fit(*training).predict(validation[0]))
        for name, baseline in (("identity", IdentityBaseline()), ("per-bin linear", PerBinLinearBaseline()))
    }
    neighbours = TransposedNeighboursBaseline(sr=notes.sr)
    neighbours.fit(notes.source[~held_out], notes.target[~held_out], pitches=notes.pitches[~held_out])
    predicted = neighbours.predict(notes.source[held_out], pitches=notes.pitches[held_out])
    baselines["transposed neighbours"] = reconstruction_error(validation[1], predicted)
    return {"notes": (training, validation)}, baselines


def reconstruction_data(budget):
    """Return piano spectra of whole notes and of one-second segments, every fourteenth note held out, and baseline errors."""
    notes = load_notes(notes_folder() / "piano", duration=budget.duration, trim=False)
    held_out = np.arange(len(notes.audio)) % 14 == 6
    S = LogSTFT().fit_transform(notes.audio)
    data = {"notes": ((S[~held_out], None), (S[held_out], None))}
    length = min(notes.sr, notes.audio.shape[1] // 2)
    pieces = LogSTFT().fit_transform(np.concatenate([segment(y, length) for y in notes.audio]))
    of_note = np.repeat(held_out, len(pieces) // len(held_out))
    data["segments"] = ((pieces[~of_note], None), (pieces[of_note], None))
    mean = np.broadcast_to(S[~held_out].mean(axis=(0, 2), keepdims=True), S[held_out].shape)
    baselines = {"mean spectrum": mean, "silence": np.zeros_like(mean)}
    return data, {name: reconstruction_error(S[held_out], predicted) for name, predicted in baselines.items()}


def table(rows, results, baselines):
    """Return the printed table: our errors and the published ones, with their ratios to the base row and to a baseline."""
    done = [row for row in rows if row.name in results]
    base, baseline = done[0], next(iter(baselines))
    return [
        {
            "row": row.name,
            "ours": results[row.name]["error"],
            "loss": results[row.name]["loss"],
            "best": results[row.name]["best"],
            "ours / base": results[row.name]["error"] / results[base.name]["error"],
            "published / base": row.published / base.published if row.published else None,
            f"ours / {baseline}": results[row.name]["error"] / baselines[baseline],
            "minutes": results[row.name]["seconds"] / 60,
        }
        for row in done
    ]


def curves(title, names, results, path, metric="reconstruction_error", training=False):
    """Draw learning curves on a logarithmic scale, as in the thesis's figures."""
    display = LearningCurveDisplay({name: results[name]["history"] for name in names})
    display.plot(metrics=metric, training=training)
    display.ax_.set_title(title)
    display.figure_.savefig(path, dpi=110)


def draw(task, rows, results, data, folder, budget, checkpoints):
    """Write the figures of a task."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [row.name for row in rows if row.group == "table 3.1"]
    if task == "reconstruction":
        curves("Figure 3.6: reconstruction, models", names, results, folder / "figure_3_06.png")
        curves("Figure 3.7: loss", names[:2], results, folder / "figure_3_07.png", "loss", training=True)
        curves("Figure 3.8: reconstruction error", names[:2], results, folder / "figure_3_08.png", training=True)
        shown = names[0]
    else:
        figures = {
            "figure_3_09": ("Figure 3.9: depth", names[:3]),
            "figure_3_10": ("Figure 3.10: dilated", [names[0], names[3]]),
            "figure_3_11": ("Figure 3.11: residual", [names[0], names[4]]),
            "figure_3_12": ("Figure 3.12: dilated and residual", [names[0], *names[3:]]),
            "figure_3_13": ("Figure 3.13: filters", [row.name for row in rows if row.group == "filters"]),
        }
        for file, (title, chosen) in figures.items():
            curves(title, chosen, results, folder / f"{file}.png")
        shown = "dilated + residual"
    row = next(row for row in rows if row.name == shown)
    (S, T), (S_out, T_out) = data[row.data]
    model = estimator(row, budget, checkpoints).fit(S, T, validation_data=(S_out, T_out))
    spectra_figure(S_out, model.predict(S_out), S_out if T_out is None else T_out).savefig(
        folder / f"appendix_a_{task}.png"
    )


def spectra_figure(source, output, target, n_notes=3):
    """Draw log-magnitude spectra of some notes on one colour scale, as in the thesis's appendix A."""
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    axes = figure.subplots(n_notes, 3, sharex=True, sharey=True)
    top = max(float(target.max()), float(source.max()))
    for row, i in zip(axes, np.linspace(0, len(source) - 1, n_notes).astype(int), strict=True):
        for ax, title, S in zip(row, ("source", "output", "target"), (source, output, target), strict=True):
            extent = (0, S.shape[2] * 512 / 22050, 0, 11.025)
            image = ax.imshow(S[i], origin="lower", aspect="auto", extent=extent, vmin=0, vmax=top, cmap="magma")
            ax.set(title=f"{title}, note {i}", xlabel="s", ylabel="kHz")
            ax.label_outer()
    figure.colorbar(image, ax=axes, label="log(1 + |STFT|)")
    return figure


def run(task, budget_name):
    """Train the rows without stored results, write results after each row, then the figures and the tables."""
    budget = BUDGETS[budget_name]
    path, checkpoints = RESULTS / f"thesis_{task}_{budget_name}.json", RESULTS / "checkpoints"
    rows = {"reconstruction": reconstruction_rows, "transformation": transformation_rows}[task](budget)
    data, baselines = {"reconstruction": reconstruction_data, "transformation": transformation_data}[task](budget)
    stored = read_json(path)
    results = stored.get("rows", {})
    for number, row in enumerate(rows, 1):
        if row.name in results:
            continue
        training, validation = data[row.data]
        model = estimator(row, budget, checkpoints)
        start = time.perf_counter()
        model.fit(*training, validation_data=validation)
        history = model.history_
        last = slice(-min(10, budget.epochs), None)
        parameters = model.get_params()
        result = {
            "group": row.group,
            "published": row.published,
            "parameters": {name: parameters[name] for name in SHOWN_PARAMETERS},
            "error": float(np.mean(history["val_reconstruction_error"][last])),
            "best": min(history["val_reconstruction_error"][-budget.epochs :]),
            "loss": float(np.mean(history["val_loss"][last])),
            "seconds": time.perf_counter() - start,
            "n_parameters": model.n_parameters_,
            "history": history,
        }
        results[row.name] = result
        write_json(path, {"versions": versions(), "budget": vars(budget), "baselines": baselines, "rows": results})
        print(f"[{number}/{len(rows)}] {row.name}: {result['error']:.4g} in {result['seconds']:.0f} s", flush=True)
    draw(task, rows, results, data, RESULTS / f"thesis_{budget_name}", budget, checkpoints)
    for group in dict.fromkeys(row.group for row in rows):
        shown = [row for row in rows if row.group == group]
        print_table(f"{task}, {group} ({budget_name}: {budget.epochs} epochs)", table([*shown], results, baselines))
    print({name: round(value, 5) for name, value in baselines.items()}, f"held-out pitches {VALIDATION_PITCHES}")


SHOWN_PARAMETERS = (
    "architecture", "depth", "filters", "kernel_size", "batch_size", "l1", "l2", "dropout", "sparsity_weight", "pretraining",
    "optimizer__learning_rate", "decay", "epochs",
)  # fmt: skip


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--task", choices=("reconstruction", "transformation", "both"), default="both")
    p.add_argument("--budget", choices=BUDGETS, default="smoke")
    args = p.parse_args()
    for task in ("transformation", "reconstruction") if args.task == "both" else (args.task,):
        run(task, args.budget)


if __name__ == "__main__":
    main()
