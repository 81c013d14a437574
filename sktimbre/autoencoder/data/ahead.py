"""Draw variations in other processes, ahead of training, so that a fast device does not wait for them."""

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache

import joblib
import numpy as np
from joblib.externals.loky import ProcessPoolExecutor

from sktimbre.autoencoder.data.augmentation import Variations

__all__ = ["DrawnAhead", "draw_all"]

# Batches that are drawn ahead by each process.
AHEAD = 2

Drawn = list[tuple[np.ndarray, np.ndarray]]


def draw_all(variations: Variations, chosen: Sequence[int], seed: tuple[int, ...]) -> Drawn:
    """Return one variation of each chosen pair; equal seeds give equal variations."""
    rng = np.random.default_rng(seed)
    return [variations.draw(int(i), rng) for i in chosen]


class DrawnAhead:
    """Variations of an epoch, batch by batch, drawn by several processes while earlier batches are used.

    The processes map the spectra from a temporary file, so that they are sent once and are in memory once.

    Parameters
    ----------
    variations : Variations
        What to draw.
    n_jobs : int
        Number of processes.
    """

    def __init__(self, variations: Variations, n_jobs: int):
        self._folder = tempfile.TemporaryDirectory(prefix="sktimbre-", ignore_cleanup_errors=True)
        self._path = os.path.join(self._folder.name, "variations.joblib")
        joblib.dump(variations, self._path)
        self._n_jobs = n_jobs
        # Not the executor that joblib keeps for reuse, which `joblib.Parallel` could then no longer use.
        self._executor = ProcessPoolExecutor(n_jobs)
        self._futures: dict[int, Future] = {}

    def __call__(self, task: Callable[[int], tuple], n_batches: int, index: int) -> Drawn:
        """Return what `draw_all` returns for one batch.

        Parameters
        ----------
        task : callable
            Returns ``(chosen, seed)`` of a batch of this epoch by its index.
        n_batches : int
            Number of batches in the epoch.
        index : int
            Index of the batch.
        """
        waiting = self._futures
        self._futures = {
            i: waiting[i] if i in waiting else self._executor.submit(_draw_from, self._path, *task(i))
            for i in range(index, min(n_batches, index + 1 + AHEAD * self._n_jobs))
        }
        return self._futures[index].result()

    def forget(self) -> None:
        """Drop what was drawn of an epoch."""
        for future in self._futures.values():
            future.cancel()
        self._futures = {}

    def close(self) -> None:
        """End the processes and delete the temporary file."""
        self.forget()
        self._executor.shutdown(kill_workers=True)
        self._folder.cleanup()


@lru_cache(maxsize=2)
def _variations(path):
    return joblib.load(path, mmap_mode="r")


def _draw_from(path, chosen, seed):
    return draw_all(_variations(path), chosen, seed)
