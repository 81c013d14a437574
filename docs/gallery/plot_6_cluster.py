"""
A search on several processes or machines
=========================================

GridSearchCV hands its fits to joblib, and joblib hands them to processes of this machine or to a dask cluster.
"""

# %%
# Processes
# ---------
# ``n_jobs=2`` starts two processes with joblib's default, loky. Each imports
# TensorFlow for itself, which takes seconds and memory. On a machine with few cores a
# search of small networks is faster with ``n_jobs=1``; many cores, or one GPU for
# each process, are another matter.
#
# joblib's ``multiprocessing`` does not work with networks: it copies a process in
# which TensorFlow already runs, and the copy hangs.
from sklearn.model_selection import GridSearchCV

from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes

notes = make_paired_notes(6, duration=0.3)
model = TimbreTransfer(
    stft=LogSTFT(n_fft=256),
    autoencoder=TimbreAutoencoder(
        "shallow", filters=2, epochs=2, validation_split=0, random_state=0
    ),
)
search = GridSearchCV(
    model,
    {"autoencoder__optimizer__learning_rate": [1e-3, 3e-3, 1e-2]},
    cv=2,
    n_jobs=2,
)
search.fit(notes.source, notes.target)
search.best_params_

# %%
from sktimbre.plotting import SearchDisplay

display = SearchDisplay.from_estimator(search)

# %%
# A cluster
# ---------
# ``pip install 'sktimbre[scale]'`` installs dask. The cluster here is one process on
# this machine; with ``Client("tcp://...")`` in its place the same search runs on as
# many machines as the scheduler knows. All of them need sktimbre installed.
try:
    from dask.distributed import Client
except ImportError:
    Client = None
    print("dask is not installed: the search above is all there is.")

# %%
import joblib

if Client is not None:
    with (
        Client(n_workers=1, threads_per_worker=1, dashboard_address=None) as client,
        joblib.parallel_config("dask"),
    ):
        on_cluster = GridSearchCV(search.estimator, search.param_grid, cv=2).fit(
            notes.source, notes.target
        )
    scores = [s.cv_results_["mean_test_score"] for s in (search, on_cluster)]
    print("equal scores:", (scores[0] == scores[1]).all())

# %%
# With ``threads_per_worker=1`` a worker trains one network at a time. On a machine with
# several GPUs start one worker for each, with its ``CUDA_VISIBLE_DEVICES`` set.
# :doc:`/searching` has the details.
