"""Memory of long runs: conversion of a two-hour recording, 500 conversions, and 100 fits.

Each run has its own process. The model is a small network; the recording is written in blocks before. The fits are those of
a search, with three folds for each candidate, or all of different sizes, the worst case, which is also run with Keras alone.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from _common import parser, peak_memory_mb, print_table, read_json, versions, write_json

SR = 22050


def main():
    p = parser(__doc__, "long_runs.json")
    p.add_argument("--hours", type=float, default=2.0)
    p.add_argument("--conversions", type=int, default=500)
    p.add_argument("--fits", type=int, default=100)
    p.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    p.add_argument("--work", nargs=2, help="used by the script itself")
    args = p.parse_args()
    if args.work:
        what, folder = args.work
        print(json.dumps(RUNS[what](Path(folder), args)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), args.hours)
        for what in args.runs:
            command = [sys.executable, __file__, "--work", what, folder]
            command += [f"--{name}={getattr(args, name)}" for name in ("hours", "conversions", "fits")]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
    print_table("long runs, memory in MB", rows)
    kept = [row for row in read_json(args.output).get("rows", []) if row["run"] not in {new["run"] for new in rows}]
    write_json(args.output, {"versions": versions(), "rows": kept + rows})


def prepare(folder, hours):
    """Write a fitted model, a short recording and a long one."""
    import sktimbre
    from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
    from sktimbre.audio import AudioWriter, write_audio
    from sktimbre.datasets import make_paired_notes

    notes = make_paired_notes(6, duration=1.0, random_state=0)
    model = TimbreTransfer(LogSTFT(), TimbreAutoencoder("shallow", filters=4, epochs=2, random_state=0))
    sktimbre.save(model.fit(notes.source, notes.target), folder / "m.sktimbre")
    write_audio(folder / "short.wav", np.concatenate(notes.source), SR)
    minute = np.tile(notes.source.ravel(), 10)
    with AudioWriter(folder / "long.wav", SR) as writer:
        for _ in range(round(hours * 60)):
            writer.write(minute)


def recording(folder, args):
    """Convert the long recording."""
    convert = converter(folder)
    convert("short.wav")
    before, started = resident_mb(), time.perf_counter()
    seconds = convert("long.wav")
    elapsed = time.perf_counter() - started
    return row(f"{args.hours:g} hours, one recording", before, seconds, elapsed)


def conversions(folder, args):
    """Convert the short recording repeatedly; growth is measured from the tenth conversion on."""
    convert = converter(folder)
    for _ in range(10):
        convert("short.wav")
    before, started = resident_mb(), time.perf_counter()
    seconds = sum(convert("short.wav") for _ in range(args.conversions))
    return row(f"{args.conversions} conversions of 6 s", before, seconds, time.perf_counter() - started)


def fits(folder, args, folds=1):
    """Fit networks of different sizes, each on ``folds`` folds; growth is measured from the tenth fit on."""
    from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer

    notes = few_notes()

    def fit(filters):
        network = TimbreAutoencoder("shallow", epochs=1, filters=filters, random_state=0)
        TimbreTransfer(LogSTFT(n_fft=256), network).fit(notes.source, notes.target).score(notes.source, notes.target)

    return fits_row(fit, args.fits, folds, "ours")


def keras_fits(folder, args):
    """Fit the same networks with Keras alone."""
    from sktimbre import LogSTFT
    from sktimbre.autoencoder import ARCHITECTURES, NetworkOptions

    notes = few_notes()
    S, T = (LogSTFT(n_fft=256).fit_transform(side)[..., np.newaxis] for side in (notes.source, notes.target))

    def fit(filters):
        network = ARCHITECTURES["shallow"](S.shape[1], NetworkOptions(filters=filters))
        network.compile("adam", "mse")
        network.fit(S, T, batch_size=4, epochs=1, verbose=0)
        network(S)

    return fits_row(fit, args.fits, 1, "Keras alone")


def few_notes():
    from sktimbre.datasets import make_paired_notes

    return make_paired_notes(4, duration=0.2, random_state=0)


def fits_row(fit, n_fits, folds, whose):
    """Return the memory over ``n_fits`` fits of networks of different sizes in random order."""
    n_sizes = -(-n_fits // folds)
    filters = 2 + folds * np.random.default_rng(0).permutation(n_sizes)
    resident = []
    for i in range(n_fits):
        fit(int(filters[i // folds]))
        resident.append(resident_mb())
    before = resident[9]
    run = f"{n_fits} fits of {n_sizes} sizes, {whose}"
    return {"run": run, "peak": peak_memory_mb(), "before": before, "growth": resident[-1] - before}


def converter(folder):
    """Return a function that converts a file of the folder and returns its duration in seconds."""
    import sktimbre
    from sktimbre.cli.recordings import Recording, convert_recording

    model = sktimbre.load(folder / "m.sktimbre")

    def convert(name):
        return convert_recording(model, Recording(folder / name, folder / "out.wav", SR, None), overwrite=True)

    return convert


def row(what, before, seconds, elapsed):
    return {
        "run": what,
        "peak": peak_memory_mb(),
        "before": before,
        "growth": resident_mb() - before,
        "real-time factor": elapsed / seconds,
    }


def resident_mb():
    """Return the resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


RUNS = {
    "recording": recording,
    "conversions": conversions,
    "fits": fits,
    "fits-folds": partial(fits, folds=3),
    "fits-keras": keras_fits,
}


if __name__ == "__main__":
    main()
