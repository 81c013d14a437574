"""Checkpoints: the state of a training after each epoch, in one file that is written atomically."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import joblib
import keras
import numpy as np

from sktimbre._utils.files import atomic_path
from sktimbre.exceptions import PersistenceError

__all__ = ["Checkpoint"]

# Attributes stored as JSON; files of earlier versions lack some of them.
PLAIN = ("stage", "epoch", "batch_size", "histories", "state")
# Attributes of Keras's callbacks that change from epoch to epoch.
REMEMBERED = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter")


class Checkpoint:
    """State of one training, stored in a folder in a file named after a hash of data and parameters.

    Other files in the folder belong to other trainings, such as the candidates of a search.

    Parameters
    ----------
    folder : path-like
        Folder, created if it is missing.
    of : tuple
        Data and parameters of the training; equal ones share a file.
    """

    def __init__(self, folder: str | os.PathLike[str], of: tuple):
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PersistenceError(
                f"checkpoint={os.fspath(folder)!r} cannot be created as a folder: {error.strerror}. Choose another one."
            ) from None
        self.path = Path(folder) / f"{joblib.hash(of)}.npz"
        self.stage = 0
        self.epoch = 0
        self.batch_size: int | None = None  # set if a larger batch ran out of memory
        self.histories: list[dict[str, list[float]]] = []
        self.encoder: dict[str, list[np.ndarray]] = {}
        self.arrays: dict[str, list[np.ndarray]] = {}
        self.state: dict[str, Any] = {}
        if self.path.exists():
            self._read()

    def callback(self, batches: Any, others: list) -> keras.callbacks.Callback:
        """Return a callback that restores the state before training and stores it after each epoch; it must be the last."""
        return _CheckpointCallback(self, batches, [c for c in others if hasattr(c, "wait")])

    def finish_stage(self, histories: list[dict[str, list[float]]], encoder: dict[str, list[np.ndarray]]) -> None:
        """Record that a stage is complete; the next stage starts with its encoder."""
        self.histories, self.encoder = histories, encoder
        self.stage, self.epoch, self.state = self.stage + 1, 0, {}
        self.write()

    def write(self) -> None:
        """Write the file, replacing an earlier one."""
        arrays: dict[str, Any] = {
            f"{group}/{i}": a for group, values in self.arrays.items() for i, a in enumerate(values)
        }
        arrays |= {f"encoder/{name}/{i}": a for name, values in self.encoder.items() for i, a in enumerate(values)}
        meta = {name: getattr(self, name) for name in PLAIN}
        # In memory first: numpy before 2 leaves its archive open when the disk is full.
        buffer = io.BytesIO()
        np.savez(buffer, meta=np.array(json.dumps(meta)), **arrays)
        with atomic_path(self.path, overwrite=True, error=PersistenceError) as temporary:
            temporary.write_bytes(buffer.getvalue())

    def _read(self) -> None:
        try:
            with open(self.path, "rb") as file, np.load(file, allow_pickle=False) as stored:
                meta = json.loads(str(stored["meta"]))
                for key in stored.files:
                    group, *rest = key.split("/")
                    if group == "encoder":
                        self.encoder.setdefault(rest[0], []).append(stored[key])
                    elif rest:
                        self.arrays.setdefault(group, []).append(stored[key])
        except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
            raise PersistenceError(
                f"The checkpoint {self.path} is damaged ({error}); delete it to start again."
            ) from None
        vars(self).update({name: meta[name] for name in PLAIN if name in meta})


class _CheckpointCallback(keras.callbacks.Callback):
    def __init__(self, checkpoint, batches, others):
        super().__init__()
        self.checkpoint, self.batches, self.others = checkpoint, batches, others

    def on_train_begin(self, logs=None):
        checkpoint = self.checkpoint
        if not checkpoint.epoch:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        for variable, value in zip(self._variables(), checkpoint.arrays["variables"], strict=True):
            variable.assign(value)
        self.batches.start(checkpoint.state["passes"])
        for other, state in zip(self.others, checkpoint.state["others"], strict=True):
            vars(other).update(state)
            if "best_weights" in checkpoint.arrays and hasattr(other, "best_weights"):
                other.best_weights = checkpoint.arrays["best_weights"]

    def on_epoch_end(self, epoch, logs=None):
        checkpoint = self.checkpoint
        history = checkpoint.histories[checkpoint.stage] if len(checkpoint.histories) > checkpoint.stage else {}
        for name, value in (logs or {}).items():
            history.setdefault(name, []).append(float(value))
        checkpoint.histories = [*checkpoint.histories[: checkpoint.stage], history]
        checkpoint.epoch = epoch + 1
        checkpoint.arrays = {"variables": [keras.ops.convert_to_numpy(v) for v in self._variables()]}
        best = [o.best_weights for o in self.others if getattr(o, "best_weights", None)]
        if best:
            checkpoint.arrays["best_weights"] = best[0]
        others = [
            {
                name: float(value) if name == "best" else value
                for name, value in vars(other).items()
                if name in REMEMBERED
            }
            for other in self.others
        ]
        checkpoint.state = {"passes": self.batches.epoch, "others": others, "stopped": bool(self.model.stop_training)}
        checkpoint.write()

    def _variables(self):
        # Weights, the state of dropout, and the optimizer's moments and step count; metrics are reset in each epoch.
        metrics = {id(v) for v in self.model.metrics_variables}
        return [*(v for v in self.model.variables if id(v) not in metrics), *self.model.optimizer.variables]
