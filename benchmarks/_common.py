"""Common parts of the benchmarks: the real notes and their split, interleaved timing, tables and JSON."""

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

VALIDATION_PITCHES = (62, 69, 76, 83, 90)


def notes_folder() -> Path:
    """Return the folder of real notes, or exit with an explanation."""
    named = os.environ.get("SKTIMBRE_DATA")
    data = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (data / "notes").is_dir():
        sys.exit(f"This benchmark needs real notes and found no folder {data / 'notes'}. Set SKTIMBRE_DATA to one.")
    return data / "notes"


def real_pairs(source="flute", target="clarinet", duration=2.0):
    """Return paired notes and a mask of the held-out ones, those of `VALIDATION_PITCHES`."""
    from sktimbre.datasets import load_paired_notes

    folder = notes_folder()
    notes = load_paired_notes(folder / source, folder / target, duration=duration, trim=False)
    return notes, np.isin(notes.pitches, VALIDATION_PITCHES)


def folds(pitches, how: str) -> dict[str, np.ndarray]:
    """Return masks of held-out notes: one for `VALIDATION_PITCHES` ("fixed"), or one for each of ``how`` folds by pitch.

    The first and the last fold include an end of the range, where a model has to extrapolate.
    """
    if how == "fixed":
        return {"fixed": np.isin(pitches, VALIDATION_PITCHES)}
    number = np.asarray(pitches) - np.min(pitches)
    return {f"fold {k}": number % int(how) == k for k in range(int(how))}


def interleaved(functions: dict[str, Callable], repeats: int = 5) -> dict[str, float]:
    """Return the median seconds of each function; functions run in turns, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def peak_memory_mb() -> float:
    """Return the largest resident memory of this process so far in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage includes the parent's memory before this process started
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def versions() -> dict[str, str]:
    """Return the versions of Python and libraries, and the number of CPUs."""
    from importlib.metadata import distributions

    names = ("numpy", "scipy", "scikit-learn", "keras", "tensorflow", "torch", "jax", "librosa")
    found = {d.name: d.version for d in distributions()}
    installed = {name: found[name] for name in names if name in found}
    return {"python": platform.python_version(), "cpus": str(os.cpu_count()), **installed}


def parser(description: str, output: str) -> argparse.ArgumentParser:
    """Return a parser with the option --output, which all benchmarks have."""
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / output, help="JSON file")
    return p


def write_json(path: Path, results: dict) -> None:
    """Write results atomically, replacing those of an earlier run."""
    from sktimbre.audio import atomic_path

    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(results, indent=1, default=float) + "\n")


def print_table(title: str, rows: list[dict]) -> None:
    """Print dictionaries as a table; floats get four significant digits."""
    table = Table(title=title)
    for i, name in enumerate(rows[0]):
        table.add_column(name, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*(f"{v:.4g}" if isinstance(v, float) else "" if v is None else str(v) for v in row.values()))
    Console(width=140).print(table)


def read_json(path: Path) -> dict:
    """Return the results of an earlier run, or an empty dictionary."""
    return json.loads(path.read_text()) if path.exists() else {}
