"""Threads over notes: all work below is done outside the interpreter's lock, each note by one thread."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from joblib import effective_n_jobs

from sktimbre.exceptions import ParameterError


def map_notes(function: Callable, n_jobs: int | None, *notes: Iterable) -> list[Any]:
    """Return the function's results for every note, in order; ``n_jobs`` counts as in joblib, None is 1."""
    if n_jobs == 0:
        raise ParameterError("n_jobs=0 leaves nobody to do the work; None is 1 thread, -1 one for each processor.")
    columns = [list(column) for column in notes]
    n_threads = min(effective_n_jobs(n_jobs), len(columns[0]))
    if n_threads == 1:
        return list(map(function, *columns))
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, *columns))
