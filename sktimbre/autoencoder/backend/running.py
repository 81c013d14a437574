"""Run a Keras model with any backend."""

from typing import Any

import numpy as np

from sktimbre.autoencoder.backend.forks import check_not_forked
from sktimbre.autoencoder.backend.memory import naming_full_memory

__all__ = ["ADVICE", "run"]

ADVICE = "Pass shorter or fewer notes at a time, or predict on a CPU (CUDA_VISIBLE_DEVICES='')."


def run(model: Any, x: np.ndarray) -> np.ndarray:
    """Return a Keras model's output as an array, without the overhead and tracing of `keras.Model.predict`."""
    import keras

    check_not_forked()
    with naming_full_memory(ADVICE):
        if keras.backend.backend() == "torch":
            import torch

            with torch.no_grad():
                return keras.ops.convert_to_numpy(model(x, training=False))
        return keras.ops.convert_to_numpy(model(x, training=False))
