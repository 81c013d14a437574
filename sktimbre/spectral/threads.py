"""Threads over notes: all work below is done outside the interpreter's lock, each note by one thread."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from joblib import effective_n_jobs

from sktimbre.exceptions import ParameterError

# Samples that a thread has to transform to be worth starting, those of every frame counted at each transform. With fewer, the
# analysis of a batch took longer in two threads than in one: `benchmarks/phase.py --only threads`.
LEAST_WORK = 1 << 22


def map_notes(function: Callable, n_jobs: int | None, work: int, *notes: Iterable) -> list[Any]:
    """Apply a function to notes in threads, as many of them as the work pays for.

    Parameters
    ----------
    function : callable
        Takes one of each of ``notes``.
    n_jobs : int or None
        Threads at most, counted as in joblib; None is 1.
    work : int
        Samples of all frames of all notes, times the number of transforms of each. A thread is started for every
        `LEAST_WORK` of them.
    *notes : iterables of equal length
        The arguments.

    Returns
    -------
    list
        The results in order.

    Raises
    ------
    ParameterError
        ``n_jobs`` is 0.
    """
    if n_jobs == 0:
        raise ParameterError("n_jobs=0 leaves nobody to do the work; None is 1 thread, -1 one for each processor.")
    columns = [list(column) for column in notes]
    n_threads = min(effective_n_jobs(n_jobs), len(columns[0]), work // LEAST_WORK)
    if n_threads <= 1:
        return list(map(function, *columns))
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, *columns))
