"""Going on with a training that was interrupted: all that changes from epoch to epoch, in one file written atomically."""

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

# What is kept as JSON; files from before a name was added lack it.
PLAIN = ("stage", "epoch", "batch_size", "histories", "state")
# What Keras's callbacks remember from one epoch to the next.
REMEMBERED = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter")


class Checkpoint:
    """State of one training, kept in a folder under a name made of data and parameters.

    Whatever else the folder holds belongs to other trainings, such as the candidates of a search.

    Parameters
    ----------
    folder : path-like
        Made if it is missing.
    of : tuple
        Data and parameters; equal ones share a file.
    """

    def __init__(self, folder: str | os.PathLike[str], of: tuple):
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PersistenceError(
                f"checkpoint={os.fspath(folder)!r} is no folder that can be made: {error.strerror}. Choose another one."
            ) from None
        self.path = Path(folder) / f"{joblib.hash(of)}.npz"
        self.stage = 0
        self.epoch = 0
        self.batch_size: int | None = None  # where memory was too small for the one that was asked for
        self.histories: list[dict[str, list[float]]] = []
        self.encoder: dict[str, list[np.ndarray]] = {}
        self.arrays: dict[str, list[np.ndarray]] = {}
        self.state: dict[str, Any] = {}
        if self.path.exists():
            self._read()

    def callback(self, batches: Any, others: list) -> keras.callbacks.Callback:
        """Return a callback, to be called last, that restores the state at the beginning and stores it after each epoch."""
        return _Keeper(self, batches, [c for c in others if hasattr(c, "wait")])

    def finish_stage(self, histories: list[dict[str, list[float]]], encoder: dict[str, list[np.ndarray]]) -> None:
        """Note that a stage is complete: the next one starts from its encoder."""
        self.histories, self.encoder = histories, encoder
        self.stage, self.epoch, self.state = self.stage + 1, 0, {}
        self.write()

    def write(self) -> None:
        """Replace the file."""
        arrays: dict[str, Any] = {
            f"{group}/{i}": a for group, values in self.arrays.items() for i, a in enumerate(values)
        }
        arrays |= {f"encoder/{name}/{i}": a for name, values in self.encoder.items() for i, a in enumerate(values)}
        meta = {name: getattr(self, name) for name in PLAIN}
        # Not straight to the disk: numpy before 2 leaves its archive open when that is full.
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


class _Keeper(keras.callbacks.Callback):
    def __init__(self, checkpoint, batches, others):
        super().__init__()
        self.checkpoint, self.batches, self.others = checkpoint, batches, others

    def on_train_begin(self, logs=None):
        kept = self.checkpoint
        if not kept.epoch:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        for variable, value in zip(self._variables(), kept.arrays["variables"], strict=True):
            variable.assign(value)
        self.batches.start(kept.state["passes"])
        for other, state in zip(self.others, kept.state["others"], strict=True):
            vars(other).update(state)
            if "best_weights" in kept.arrays and hasattr(other, "best_weights"):
                other.best_weights = kept.arrays["best_weights"]

    def on_epoch_end(self, epoch, logs=None):
        kept = self.checkpoint
        history = kept.histories[kept.stage] if len(kept.histories) > kept.stage else {}
        for name, value in (logs or {}).items():
            history.setdefault(name, []).append(float(value))
        kept.histories = [*kept.histories[: kept.stage], history]
        kept.epoch = epoch + 1
        kept.arrays = {"variables": [keras.ops.convert_to_numpy(v) for v in self._variables()]}
        best = [o.best_weights for o in self.others if getattr(o, "best_weights", None)]
        if best:
            kept.arrays["best_weights"] = best[0]
        others = [
            {
                name: float(value) if name == "best" else value
                for name, value in vars(other).items()
                if name in REMEMBERED
            }
            for other in self.others
        ]
        kept.state = {"passes": self.batches.epoch, "others": others, "stopped": bool(self.model.stop_training)}
        kept.write()

    def _variables(self):
        # Weights, the state of dropout, and the optimizer's moments and step count; metrics start anew in each epoch.
        metrics = {id(v) for v in self.model.metrics_variables}
        return [*(v for v in self.model.variables if id(v) not in metrics), *self.model.optimizer.variables]
