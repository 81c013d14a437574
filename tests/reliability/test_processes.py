"""One model in many threads and processes; equal seeds, equal bits; global state is left alone."""

import json
import os
import random
import subprocess
import sys
import threading

import numpy as np
import pytest

from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer


def small(seed, **parameters):
    options = {"filters": 2, "epochs": 2, "dropout": 0.2, "random_state": seed, **parameters}
    return TimbreTransfer(
        LogSTFT(n_fft=256), TimbreAutoencoder("shallow", **options), GriffinLimInverter(n_iter=2, random_state=0)
    )


@pytest.fixture(scope="module")
def model(pairs):
    return small(0).fit(pairs.source, pairs.target)


def in_threads(n, function):
    """Return what the function gave in each thread, all started at once."""
    results, barrier = [None] * n, threading.Barrier(n)

    def run(i):
        barrier.wait()
        try:
            results[i] = function(i)
        except Exception as error:
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not [r for r in results if isinstance(r, Exception)], results
    return results


def test_one_model_in_eight_threads(model, pairs):
    """Built on first use by all of them at once."""
    import pickle

    expected = model.predict(pairs.source)
    fresh = pickle.loads(pickle.dumps(model))
    for audio in in_threads(8, lambda i: fresh.predict(pairs.source)):
        np.testing.assert_array_equal(audio, expected)


def test_fits_in_two_threads_keep_their_seeds(pairs):
    def weights(seed):
        return small(seed).fit(pairs.source, pairs.target).autoencoder_.network_.weights

    alone = [weights(0), weights(1)]
    assert not np.array_equal(alone[0][0], alone[1][0])
    for mine, together in zip(alone, in_threads(2, weights), strict=True):
        for a, b in zip(mine, together, strict=True):
            np.testing.assert_array_equal(a, b)


# What a process is asked to do with a model that was fitted here: load, use it in a worker, say whether it is the same.
WORKER = """
import multiprocessing, os, sys
import numpy as np
import sktimbre
from sktimbre.exceptions import ForkedProcessError

def predict(path):
    model = sktimbre.load(path + "/m") if isinstance(path, str) else path
    with np.load(FOLDER + "/a.npz") as stored:
        return bool(np.array_equal(model.predict(stored["X"]), stored["y"]))

def encode(model):
    with np.load(FOLDER + "/a.npz") as stored:
        try:
            return model.autoencoder_.encode(model.stft_.transform(stored["X"])).shape
        except ForkedProcessError as error:
            return str(error)

FOLDER = os.environ["FOLDER"]

def main():
    how = sys.argv[1]
    model = sktimbre.load(FOLDER + "/m")
    if how == "fork, a network ran":
        predict(model)
    if how == "loky":
        from joblib import Parallel, delayed
        print(Parallel(2)(delayed(predict)(model) for _ in range(2)))
        return
    if how == "fork, TensorFlow ran":
        encode(model)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(encode, [model, model]))
        return
    with multiprocessing.get_context(how.split(",")[0]).Pool(2) as pool:
        print(pool.map(predict, [model, FOLDER]))

if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def in_workers(model, pairs, tmp_path_factory):
    import sktimbre

    folder = tmp_path_factory.mktemp("workers")
    sktimbre.save(model, folder / "m")
    np.savez(folder / "a.npz", X=pairs.source, y=model.predict(pairs.source))
    (folder / "worker.py").write_text(WORKER)

    def run(how):
        command = [sys.executable, "-W", "ignore", folder / "worker.py", how]
        environment = {**os.environ, "FOLDER": str(folder)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fork", "fork, a network ran"])
def test_forked_workers(in_workers, how):
    assert in_workers(how) == "[True, True]"


@pytest.mark.slow
def test_workers_forked_after_tensorflow_ran_do_not_hang(in_workers):
    answer = in_workers("fork, TensorFlow ran")
    assert answer.count("TensorFlow ran in the process that this one was forked from") == 2
    assert "spawn" in answer


@pytest.mark.slow
@pytest.mark.parametrize("how", ["spawn", "loky"])
def test_spawned_workers(in_workers, how):
    assert in_workers(how) == "[True, True]"


# --- determinism

HASHES = """
import hashlib, json, random, sys
import keras
import numpy as np
from test_processes import small
from sktimbre.datasets import make_paired_notes

mess = int(sys.argv[1])
np.random.seed(mess), random.seed(mess), keras.utils.set_random_seed(mess)  # noqa: NPY002
pairs = make_paired_notes(4, duration=0.3, random_state=0)
model = small(0, sparsity_weight=0.1).fit(pairs.source, pairs.target)
parts = [*model.autoencoder_.network_.weights, model.predict(pairs.source)]
print(json.dumps([hashlib.sha256(np.ascontiguousarray(part)).hexdigest() for part in parts]))
"""


@pytest.mark.slow
def test_equal_seeds_give_equal_bits_in_other_processes():
    hashes = []
    for mess in ("1", "2"):
        path = f"{os.path.dirname(__file__)}:{os.environ.get('PYTHONPATH', '')}"
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": mess}
        command = [sys.executable, "-W", "ignore", "-c", HASHES, mess]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        hashes.append(json.loads(done.stdout.strip().splitlines()[-1]))
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0])) > 4


def test_global_state_is_as_it_was(pairs):
    """What everyone draws next is what it would have been without us."""
    import keras

    def seed():
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002
        keras.utils.set_random_seed(3)

    def draw():
        drawn = random.random(), np.random.random()  # noqa: NPY002
        # Keras 3.6 goes on where it was after set_random_seed, with us and without.
        version = tuple(map(int, keras.__version__.split(".")[:2]))
        return drawn if version < (3, 7) else (*drawn, keras.ops.convert_to_numpy(keras.random.uniform((3,))).tolist())

    kept = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        seed()
        expected = draw()
        seed()
        model = small(0).fit(pairs.source, pairs.target)
        model.predict(pairs.source), model.score(pairs.source, pairs.target), model.autoencoder_.receptive_field_
        assert draw() == expected
        assert keras.config.dtype_policy().name == "float32"
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_a_model_of_low_precision_predicts_in_float32(pairs, policy):
    import keras

    try:
        keras.config.set_dtype_policy(policy)
        model = small(0, dropout=0).fit(pairs.source, pairs.target)
        predicted = model.predict_spectra(pairs.source), model.predict_spectra(list(pairs.source))[0]
        assert keras.config.dtype_policy().name == policy
    finally:
        keras.config.set_dtype_policy("float32")
    assert {w.dtype for w in model.autoencoder_.network_.weights} == {np.dtype("float32")}
    assert predicted[0].dtype == predicted[1].dtype == np.float32
    np.testing.assert_array_equal(model.predict_spectra(pairs.source), predicted[0])
    # Of low precision only 8 or 11 bits would be there.
    assert np.any(predicted[0] != predicted[0].astype(np.float16))
