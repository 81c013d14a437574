"""Searches on a Dask cluster of this machine, and one worker for each GPU."""

import os
import re
import signal
import sys
import threading
import time
from itertools import chain

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold

from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes
from sktimbre.exceptions import ParameterError
from sktimbre.parallel import gpu_cluster, gpu_environment

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def pairs():
    """So many that joblib takes even the indices of a split for large arrays, which it sends apart from the task."""
    notes = make_paired_notes(4, duration=0.1, random_state=0)
    return np.tile(notes.source, (70, 1)), np.tile(notes.target, (70, 1))


def new_search(cv):
    network = TimbreAutoencoder("shallow", epochs=1, batch_size=32, random_state=0)
    grid = {"autoencoder__filters": [2, 3], "autoencoder__optimizer__learning_rate": [1e-3, 1e-2]}
    return GridSearchCV(TimbreTransfer(stft=LogSTFT(n_fft=256), autoencoder=network), grid, cv=cv)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_search_on_a_cluster_survives_the_death_of_a_worker(pairs, capfd):
    X, y = pairs
    splits = list(KFold(2).split(X))
    one = new_search(splits).fit(X, y)
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        killed = []

        def kill_a_worker_at_work():
            processes = client.run(os.getpid)
            while not killed:
                busy = [address for address, tasks in client.processing().items() if tasks]
                if busy:
                    os.kill(processes[busy[0]], signal.SIGKILL)
                    killed.append(busy[0])
                time.sleep(0.05)

        killer = threading.Thread(target=kill_a_worker_at_work, daemon=True)
        killer.start()
        with joblib.parallel_config("dask", scatter=[X, y, *chain(*splits)], verbose=10):
            many = new_search(splits).fit(X, y)
        killer.join()
    assert killed
    for split in ("split0_test_score", "split1_test_score"):
        # float32 sums differ in the last digits with the number of threads, which is smaller in a worker.
        np.testing.assert_allclose(many.cv_results_[split], one.cv_results_[split], rtol=1e-5)
    assert many.best_params_ == one.best_params_
    progress = "".join(capfd.readouterr())
    assert re.search(r"Done +\d+ (tasks|out of)", progress)


def what_a_worker_sees():
    return {name: os.environ.get(name) for name in gpu_environment(0)}, "tensorflow" in sys.modules


def test_each_gpu_has_a_worker_that_knows_of_it_before_tensorflow_starts():
    with gpu_cluster([0, 3]) as cluster, distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        assert cluster.scheduler_address.startswith("tcp://127.0.0.1:")
        seen = client.run(what_a_worker_sees).values()
    assert sorted(environment["CUDA_VISIBLE_DEVICES"] for environment, _ in seen) == ["0", "3"]
    for environment, tensorflow_is_loaded in seen:
        assert environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
        assert not tensorflow_is_loaded


@pytest.mark.parametrize("device", [-1, True, "0,1", "", 1.0])
def test_one_gpu_is_named_at_a_time(device):
    with pytest.raises(ParameterError, match=re.escape(f"device={device!r}")):
        gpu_environment(device)


def test_a_cluster_without_gpus_is_refused():
    with pytest.raises(ParameterError, match="at least one GPU"):
        gpu_cluster([])
