"""Keep compiled models for later trainings of the same kind, so that a search traces each kind of network once.

Most of a short training is spent on tracing the training step. Trainings that differ only in seeds, learning rate or data of
the same length share one graph: a kept model takes over the weights of the new network and is trained in its place.
"""

import gc
import json
import threading
from collections import OrderedDict
from itertools import count
from typing import Any

import keras

from sktimbre.autoencoder.training.description import described_model, has_full_config

__all__ = ["CompiledModel", "copy_state", "graph_key", "keep", "state_variables", "take"]

# Largest number of kept models: enough for the stages of a layer-wise training, or a few candidates of a search.
LARGEST = 5
# Number of dropped models after which garbage is collected. Their graphs are large and contain reference cycles, and Python
# counts objects, not bytes, so many would accumulate.
COLLECTED = 5


PLAIN = (str, int, float, type(None))


class CompiledModel:
    """A compiled model that can be reset and trained again.

    Parameters
    ----------
    model : keras.Model
        Compiled, not trained.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        # Built outside the training step, which Keras would trace twice if it created variables.
        model.optimizer.build(model.trainable_variables)
        self._initial = [v.numpy() for v in model.optimizer.variables]

    def reset(self, model: keras.Model, learning_rate: Any) -> None:
        """Copy the state of a new model of the same kind, and reset the optimizer with this learning rate."""
        copy_state(model, self.model)
        for variable, value in zip(self.model.optimizer.variables, self._initial, strict=True):
            variable.assign(value)
        if isinstance(learning_rate, float):
            self.model.optimizer.learning_rate = learning_rate


_waiting: OrderedDict[str, CompiledModel] = OrderedDict()
_lock = threading.Lock()
_dropped = count(1)


def take(key: str | None) -> CompiledModel | None:
    """Remove a model from the kept ones and return it, or None if there is none with this `graph_key`."""
    with _lock:
        return _waiting.pop(key, None) if key else None


def keep(key: str | None, compiled: CompiledModel) -> None:
    """Keep a model for the next training with the same `graph_key`; drop the least recently used one if there are too many."""
    if key is None:
        return
    dropped = []
    with _lock:
        _waiting[key] = compiled
        while len(_waiting) > LARGEST:
            dropped.append(_waiting.popitem(last=False))
    if any(next(_dropped) % COLLECTED == 0 for _ in dropped):
        dropped.clear()
        gc.collect()


def graph_key(model: keras.Model, optimizer: Any, *others: Any) -> str | None:
    """Return a text that is equal for models that the same graph can train.

    Parameters
    ----------
    model : keras.Model
        Names of layers and seeds are ignored.
    optimizer : keras.optimizers.Optimizer
        A constant learning rate is ignored.
    *others
        Losses, metrics, and plain values such as the length of the data.

    Returns
    -------
    str or None
        None if a configuration is incomplete, as of layers, losses and optimizers of other packages, and of closures.
    """
    parts = (model, *model.layers, optimizer, *others)
    if not all(isinstance(part, PLAIN) or has_full_config(part) for part in parts):
        return None
    settings = {name: value for name, value in optimizer.get_config().items() if name != "name"}
    # The wrapper that scales the loss in mixed precision has no learning rate.
    if isinstance(settings.get("learning_rate"), float):
        del settings["learning_rate"]
    devices = [str(getattr(v.value, "device", "")) for v in model.variables]
    strategy = id(getattr(model, "distribute_strategy", None))
    try:
        network = described_model(model, seeds=False)
    except NotImplementedError:
        return None
    described = [network, type(optimizer).__name__, settings, devices, strategy, *map(_describe, others)]
    return json.dumps(described, default=str)


def state_variables(model: keras.Model) -> list[Any]:
    """Return the weights and the state of dropout, without metrics, which are reset in each epoch."""
    metrics = {id(v) for v in model.metrics_variables}
    return [v for v in model.variables if id(v) not in metrics]


def copy_state(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights and dropout state of a model to another one of the same kind."""
    for new, old in zip(state_variables(source), state_variables(target), strict=True):
        old.assign(new)


def _describe(part):
    if isinstance(part, PLAIN):
        return part
    if hasattr(part, "__qualname__"):
        return part.__module__, part.__qualname__
    return type(part).__qualname__, part.get_config()
