"""Process notes in threads, each note in one; the kernels release the interpreter's lock."""

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sktimbre.exceptions import ParameterError

# Samples to transform (n_fft for each transform of a frame) that justify starting a thread. With fewer, the analysis of a
# batch took longer in two threads than in one: `benchmarks/phase.py --only threads`.
LEAST_WORK = 1 << 22


def map_notes(function: Callable, n_jobs: int | None, work: int, *notes: Iterable) -> list[Any]:
    """Apply a function to notes in threads, one thread for every `LEAST_WORK` samples to transform.

    Parameters
    ----------
    function : callable
        Takes one item of each of ``notes``.
    n_jobs : int or None
        Largest number of threads, counted as in joblib; None is 1.
    work : int
        ``n_fft`` times the number of frames of all notes, times the number of transforms of each frame.
    *notes : iterables of equal length
        The arguments of the function.

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
        raise ParameterError("n_jobs=0 must not be zero: pass None for 1 thread, or -1 for one per processor.")
    columns = [list(column) for column in notes]
    n_threads = min(_effective(n_jobs), len(columns[0]), work // LEAST_WORK)
    if n_threads <= 1:
        return list(map(function, *columns))
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, *columns))


def _effective(n_jobs):
    """Return the number of threads that joblib would start, without importing it for one."""
    # None is 1 but in a context of joblib.
    if n_jobs == 1 or (n_jobs is None and "joblib" not in sys.modules):
        return 1
    from joblib import effective_n_jobs

    return effective_n_jobs(n_jobs)
