"""Several processes on one machine: threads for each network, one process for each GPU."""

import logging
import os
from collections.abc import Iterable, MutableMapping
from typing import Any

from sktimbre.exceptions import ParameterError

__all__ = ["gpu_cluster", "gpu_environment", "share_threads"]


def share_threads(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set TensorFlow's numbers of threads to ``OMP_NUM_THREADS``.

    joblib and Dask start their workers with ``OMP_NUM_THREADS`` set to the worker's share of the cores. TensorFlow reads only
    its own variables, and only before its first use; so `sktimbre.autoencoder` calls this before it loads Keras.
    ``TF_NUM_INTRAOP_THREADS`` and ``TF_NUM_INTEROP_THREADS`` stay as they are if they are set.

    Parameters
    ----------
    environment : mapping
        Environment variables, changed in place.

    Examples
    --------
    >>> environment = {"OMP_NUM_THREADS": "2"}
    >>> share_threads(environment)
    >>> environment["TF_NUM_INTRAOP_THREADS"]
    '2'
    """
    share = environment.get("OMP_NUM_THREADS", "")
    if share.isdecimal() and int(share) > 0:
        environment.setdefault("TF_NUM_INTRAOP_THREADS", share)
        environment.setdefault("TF_NUM_INTEROP_THREADS", share)


def gpu_environment(device: int | str) -> dict[str, str]:
    """Return environment variables that let a process see one GPU and allocate its memory as needed.

    By default TensorFlow allocates all memory of all GPUs at its first use, and JAX three quarters, which leaves too little
    for a second process. Set the variables when you start a process: TensorFlow and JAX read them at their first use.

    Parameters
    ----------
    device : int or str
        Number of the GPU, counted from 0, or its UUID; `nvidia-smi -L` lists both.

    Returns
    -------
    dict of str to str

    Raises
    ------
    ParameterError
        ``device`` is a negative number, or a string that is not a UUID.

    Examples
    --------
    >>> gpu_environment(1)["CUDA_VISIBLE_DEVICES"]
    '1'
    """
    number = isinstance(device, int) and not isinstance(device, bool) and device >= 0
    if not number and not (isinstance(device, str) and device.startswith(("GPU-", "MIG-"))):
        raise ParameterError(
            f"device={device!r} must be the number of one GPU, counted from 0, or its UUID, 'GPU-...'; see `nvidia-smi -L`."
        )
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # nvidia-smi's order
        "CUDA_VISIBLE_DEVICES": str(device),
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }


def gpu_cluster(devices: Iterable[int | str], *, dashboard_address: str | None = None) -> Any:
    """Start a Dask cluster on this machine with one worker process for each GPU.

    Parameters
    ----------
    devices : iterable of int or str
        GPUs, as in `gpu_environment`. A GPU listed twice gets two workers, which share its memory.
    dashboard_address : str or None, default=None
        Address of Dask's dashboard for a browser, such as ``"127.0.0.1:8787"``; None starts no dashboard.

    Returns
    -------
    distributed.SpecCluster
        A context manager, for ``distributed.Client(cluster)``. It listens on 127.0.0.1 only.

    Raises
    ------
    ParameterError
        ``devices`` is empty or has an item that `gpu_environment` does not accept.
    ImportError
        Dask is missing: ``pip install 'sktimbre[scale]'``.

    Examples
    --------
    >>> from sktimbre.parallel import gpu_cluster
    >>> with gpu_cluster([0, 1]) as cluster, Client(cluster), joblib.parallel_config("dask"):  # doctest: +SKIP
    ...     search.fit(notes.source, notes.target)
    """
    environments = [gpu_environment(device) for device in devices]
    if not environments:
        raise ParameterError("devices=[] must list at least one GPU; pass range(2) for the first two, for instance.")
    try:
        from distributed import Nanny, Scheduler, SpecCluster
    except ImportError:
        raise ImportError("gpu_cluster needs Dask: pip install 'sktimbre[scale]'.") from None
    local = {"host": "127.0.0.1", "dashboard": dashboard_address is not None}
    quiet = {"silence_logs": logging.WARNING}
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": {**local, "port": 0, "dashboard_address": dashboard_address}},
        workers={
            # A nanny starts its worker with the environment, and restarts it when it dies.
            i: {"cls": Nanny, "options": {**quiet, "host": "127.0.0.1", "nthreads": 1, "env": environment}}
            for i, environment in enumerate(environments)
        },
        **quiet,
    )
