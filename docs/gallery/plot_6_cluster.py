"""
A search on several processes or machines
=========================================

Run the fits of GridSearchCV in several processes or on a dask cluster, through joblib.
"""

# %%
# Processes
# ---------
# ``n_jobs=2`` starts two processes with joblib's default backend, loky. Each imports
# TensorFlow, which takes seconds and memory. On a machine with few cores a search of
# small networks is faster with ``n_jobs=1``; with many cores, or a GPU for each
# process, more processes can be faster.
#
# joblib's backend ``multiprocessing`` does not work with networks: it forks a process in
# which TensorFlow already runs, and fits there raise ``ForkedProcessError``.
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
# this machine; with ``Client("tcp://...")`` the same search runs on all machines of the
# scheduler. Each machine needs sktimbre.
try:
    from dask.distributed import Client
except ImportError:
    Client = None
    print("dask is not installed, so this part is skipped.")

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
# several GPUs start one worker for each GPU, with its own ``CUDA_VISIBLE_DEVICES``; see
# :doc:`/searching`.
