"""scikit-learn's searches over whole models: scores, processes, failures, spectra kept, interruption, Optuna."""

import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes
from sktimbre.metrics import SCORERS
from sktimbre.parallel import share_threads

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "searching.md"


@pytest.fixture(scope="module")
def notes():
    return make_paired_notes(6, duration=0.3, random_state=0)


def small(**parameters):
    return TimbreAutoencoder("shallow", **{"filters": 2, "epochs": 1, "random_state": 0, **parameters})


def transfer(**parameters):
    return TimbreTransfer(stft=LogSTFT(n_fft=256), autoencoder=small(), **parameters)


def pipeline():
    stft = LogSTFT(n_fft=256)
    return Pipeline([("stft", stft), ("autoencoder", small(target_transformer=stft))])


RATES = {"autoencoder__optimizer__learning_rate": [1e-4, 1e-2]}
SEARCHES = {
    "grid": lambda model: GridSearchCV(model, RATES, cv=2),
    "random": lambda model: RandomizedSearchCV(model, RATES, n_iter=2, cv=2, random_state=0),
    "halving notes": lambda model: HalvingGridSearchCV(model, RATES, cv=2, random_state=0, min_resources=4),
    "halving epochs": lambda model: HalvingGridSearchCV(
        model, RATES, cv=2, random_state=0, factor=2, resource="autoencoder__epochs", min_resources=1, max_resources=2
    ),
}


@pytest.mark.parametrize("make_model", [transfer, pipeline])
@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_searches_score_without_scoring_and_refit(notes, search, make_model):
    X, y = notes.source, notes.target
    found = search(make_model()).fit(X, y)
    scores = found.cv_results_["mean_test_score"]
    assert (scores < 0).all()
    assert np.ptp(scores) > 0
    best = make_model().set_params(**found.best_estimator_.get_params()).fit(X, y)
    assert found.score(X, y) == best.score(X, y)


def test_notes_of_different_lengths_are_searched(notes):
    lengths = [3000, 4000, 6000, 5000, 6615, 2500]
    X, y = ([note[:n] for note, n in zip(a, lengths, strict=True)] for a in (notes.source, notes.target))
    assert np.isfinite(GridSearchCV(transfer(), RATES, cv=3).fit(X, y).cv_results_["mean_test_score"]).all()


def share_of_this_process():
    return os.environ["OMP_NUM_THREADS"], os.environ.get("TF_NUM_INTRAOP_THREADS")


@pytest.mark.slow
def test_two_processes_score_as_one_and_share_the_cores(notes):
    grid = {"autoencoder__filters": [2, 3], "stft__hop_length": [64, 128]}
    one, two = (
        GridSearchCV(transfer(), grid, cv=2, n_jobs=n, refit=False).fit(notes.source, notes.target).cv_results_
        for n in (1, 2)
    )
    for split in ("split0_test_score", "split1_test_score"):
        np.testing.assert_allclose(one[split], two[split], rtol=1e-5)  # a worker has fewer threads to sum in
    shares = joblib.Parallel(n_jobs=2)(joblib.delayed(share_of_this_process)() for _ in range(4))
    assert any(given == taken for given, taken in shares)
    assert all(taken in (None, given) for given, taken in shares)  # None where one of the two had nothing to train


THREADS = """
import sktimbre.autoencoder
import pathlib
import tensorflow as tf
tf.matmul(tf.ones((300, 300)), tf.ones((300, 300)))
print(len(list(pathlib.Path("/proc/self/task").iterdir())))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted where Linux lists them")
def test_tensorflow_takes_no_more_threads_than_the_share():
    """Beside a process that is told to take four, one with a share of one has three fewer."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TF_NUM")}
    threads = [
        int(
            subprocess.run(
                [sys.executable, "-c", THREADS],
                env={**plain, "OMP_NUM_THREADS": "1", **told},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for told in ({"TF_NUM_INTRAOP_THREADS": "4"}, {})
    ]
    assert threads[0] - threads[1] == 3


@pytest.mark.parametrize(
    ("given", "threads"),
    [
        ({}, None),
        ({"OMP_NUM_THREADS": "3"}, "3"),
        ({"OMP_NUM_THREADS": "3", "TF_NUM_INTRAOP_THREADS": "2"}, "2"),
        ({"OMP_NUM_THREADS": "2,1"}, None),
        ({"OMP_NUM_THREADS": "0"}, None),
    ],
)
def test_threads_follow_the_share_unless_they_are_set(given, threads):
    environment = dict(given)
    share_threads(environment)
    assert environment.get("TF_NUM_INTRAOP_THREADS") == threads


def test_several_metrics_take_one_prediction(notes, monkeypatch):
    calls = []
    unchanged = TimbreTransfer.predict

    def predict(self, X):
        calls.append(1)
        return unchanged(self, X)

    monkeypatch.setattr(TimbreTransfer, "predict", predict)
    names = ("neg_log_spectral_distance", "neg_spectral_convergence", "neg_mfcc_distance")
    scoring = {name: SCORERS[name] for name in names}
    search = GridSearchCV(transfer(), RATES, cv=2, scoring=scoring, refit=names[0]).fit(notes.source, notes.target)
    assert len(calls) == 4
    for name in names:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()


def broken(n_frequencies, options):
    raise RuntimeError("no such network")


@pytest.mark.slow
def test_candidates_that_fail_or_diverge_disturb_no_other(notes):
    X, y = notes.source, notes.target
    grid = [
        {"autoencoder__architecture": [broken]},
        {"autoencoder__epochs": [0]},
        {
            "autoencoder__optimizer": ["sgd"],
            "autoencoder__optimizer__learning_rate": [1e30],
            "autoencoder__epochs": [3],
        },
        RATES,
    ]
    search = GridSearchCV(transfer(), grid, cv=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, y)
    assert any(issubclass(w.category, FitFailedWarning) and "no such network" in str(w.message) for w in caught)
    scores = search.cv_results_["mean_test_score"]
    assert np.isnan(scores[:2]).all()
    assert not scores[2] > scores[3:].min()
    np.testing.assert_array_equal(
        scores[3:], GridSearchCV(transfer(), RATES, cv=2).fit(X, y).cv_results_["mean_test_score"]
    )
    assert search.best_index_ in (3, 4)


class CountedSTFT(LogSTFT):
    calls = 0

    def transform(self, X):
        type(self).calls += 1
        return super().transform(X)


@pytest.mark.slow
def test_spectra_are_computed_once_for_all_candidates(notes, tmp_path):
    X, y = notes.source, notes.target
    scores, calls = {}, {}
    for memory in (None, str(tmp_path)):
        CountedSTFT.calls = 0
        model = transfer(memory=memory).set_params(stft=CountedSTFT(n_fft=256))
        search = GridSearchCV(model, {"autoencoder__filters": [1, 2, 3]}, cv=3, refit=False).fit(X, y)
        scores[memory], calls[memory] = search.cv_results_["mean_test_score"], CountedSTFT.calls
    np.testing.assert_array_equal(*scores.values())
    # For each of three splits: sources and targets, of training and of test.
    assert list(calls.values()) == [3 * 12, 12]
    fitted = transfer(memory=str(tmp_path)).fit(X, y)
    files = set(tmp_path.rglob("*"))
    fitted.predict(X[:, :5000])
    assert set(tmp_path.rglob("*")) == files  # what is converted is not kept


RESUMABLE = """
import os, signal
import keras
import numpy as np
from sklearn.model_selection import GridSearchCV
from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes

class Count(keras.callbacks.Callback):
    def __init__(self, kill_at=None):
        super().__init__()
        self.epochs, self.kill_at = 0, kill_at

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        if self.epochs == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

def search(checkpoint, kill_at=None):
    notes = make_paired_notes(6, duration=0.3, random_state=0)
    network = TimbreAutoencoder("shallow", filters=2, epochs=3, dropout=0.1, random_state=0)
    model = TimbreTransfer(stft=LogSTFT(n_fft=256), autoencoder=network)
    grid = {"autoencoder__checkpoint": [checkpoint], "autoencoder__optimizer__learning_rate": [1e-3, 1e-2]}
    count = Count(kill_at)
    return GridSearchCV(model, grid, cv=2).fit(notes.source, notes.target, callbacks=[count]), count.epochs
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_search_goes_on_where_it_was(tmp_path):
    here: dict = {}
    exec(RESUMABLE, here)
    whole, n_epochs = here["search"](None)
    assert n_epochs == 2 * 2 * 3 + 3
    # In the third candidate-and-split's second epoch, which is lost with the process; two and one epoch are kept.
    killed = subprocess.run(
        [sys.executable, "-c", RESUMABLE + "search('kept', kill_at=8)"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]  # a search writes nothing else
    resumed, epochs_left = here["search"](str(tmp_path / "kept"))
    assert epochs_left == n_epochs - 7
    # The killed process may have had another number of threads, which add up in another order.
    np.testing.assert_allclose(resumed.cv_results_["mean_test_score"], whole.cv_results_["mean_test_score"], rtol=1e-6)
    weights = (s.best_estimator_.autoencoder_.network_.weights for s in (resumed, whole))
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert here["search"](str(tmp_path / "kept"))[1] == 0


HUNDRED_FITS = """
import psutil
from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes
notes = make_paired_notes(4, duration=0.2, random_state=0)
resident = []
for i in range(100):
    settings = {"filters": 2 + 3 * (21 * (i // 3) % 34), "optimizer__learning_rate": 1e-3 * (1 + i), "random_state": i}
    network = TimbreAutoencoder("shallow", epochs=1, **settings)
    model = TimbreTransfer(stft=LogSTFT(n_fft=256), autoencoder=network).fit(notes.source, notes.target)
    model.score(notes.source, notes.target)
    resident.append(psutil.Process().memory_info().rss)
print(resident[99] / resident[9])
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_memory_does_not_grow_with_the_candidates():
    pytest.importorskip("psutil")
    done = subprocess.run([sys.executable, "-c", HUNDRED_FITS], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.2


def guide_code(heading):
    """Return the Python of a section of the guide."""
    section = GUIDE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL))


@pytest.mark.filterwarnings("default")
def test_the_optuna_recipe_of_the_guide(notes):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    names = {"model": transfer(), "notes": notes, "n_trials": 3}
    exec(guide_code("Optuna"), names)
    study, best = names["study"], names["best"]
    assert len(study.trials) == 3
    wanted = cross_val_score(transfer().set_params(**best.get_params()), notes.source, notes.target, cv=3).mean()
    assert study.best_value == pytest.approx(wanted, rel=1e-6)
    assert best.predict(notes.source).shape == notes.source.shape
