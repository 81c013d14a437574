"""How many threads are started, by the amount of work."""

import numpy as np
import pytest
from joblib import effective_n_jobs

from sktimbre import GriffinLimInverter, LogSTFT
from sktimbre.exceptions import ParameterError
from sktimbre.spectral import threads


@pytest.fixture
def pools(monkeypatch):
    """Record the sizes of all thread pools."""
    sizes = []

    class Pool(threads.ThreadPoolExecutor):
        def __init__(self, n_threads):
            sizes.append(n_threads)
            super().__init__(n_threads)

    monkeypatch.setattr(threads, "ThreadPoolExecutor", Pool)
    return sizes


@pytest.mark.parametrize(
    ("n_jobs", "n_notes", "work", "wanted"),
    [
        (None, 9, 1e9, []),
        (1, 9, 1e9, []),
        (3, 1, 1e9, []),
        (3, 9, 0, []),
        (3, 9, 2 * threads.LEAST_WORK - 1, []),
        (3, 9, 2 * threads.LEAST_WORK, [2]),
        (3, 9, 1e9, [3]),
        (3, 2, 1e9, [2]),
    ],
)
def test_a_thread_for_each_share_of_work(pools, n_jobs, n_notes, work, wanted):
    found = threads.map_notes(lambda a, b: a - b, n_jobs, int(work), range(n_notes), [1] * n_notes)
    assert found == list(range(-1, n_notes - 1))
    assert pools == wanted


def test_the_short_analysis_of_a_small_batch_starts_none_and_a_large_one_does(pools):
    small, large = np.zeros((37, 66150), np.float32), np.zeros((70, 66150), np.float32)
    S = LogSTFT(n_jobs=2).fit_transform(small)
    assert pools == []
    LogSTFT(n_jobs=2).fit_transform(large)
    assert pools == [2]
    assert S.shape[0] == 37


def test_phase_retrieval_of_two_notes_starts_two(pools):
    S = np.zeros((2, 513, 87), np.float32)
    GriffinLimInverter(n_jobs=2).fit_transform(S)
    assert pools == [2]
    GriffinLimInverter(n_iter=0, n_jobs=2).fit_transform(S)
    assert pools == [2]


def test_all_processors_and_none(pools):
    threads.map_notes(str, -1, 10**12, range(1000))
    assert pools == [effective_n_jobs(-1)] * (effective_n_jobs(-1) > 1)
    with pytest.raises(ParameterError, match="n_jobs=0"):
        threads.map_notes(str, 0, 10**12, range(3))
