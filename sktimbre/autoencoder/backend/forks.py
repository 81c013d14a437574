"""Refuse to run TensorFlow in a forked process, which lacks TensorFlow's threads and would hang."""

import os

from sktimbre.exceptions import ForkedProcessError

__all__ = ["check_not_forked"]

_ran_in: int | None = None


def check_not_forked() -> None:
    """Raise `ForkedProcessError` if this process was forked from one that ran networks; else record that it runs them."""
    global _ran_in
    import keras

    if keras.backend.backend() != "tensorflow":
        return
    if _ran_in is not None and _ran_in != os.getpid():
        raise ForkedProcessError(
            "TensorFlow ran in the process that this one was forked from, and would hang here. Start workers with "
            "multiprocessing.get_context('spawn') or joblib's loky (the default of n_jobs), or fork before the first fit or "
            "predict."
        )
    _ran_in = os.getpid()
