"""Compiled networks that wait for the next training of their kind, so that a search traces each kind once.

Most of a short training is Keras turning the training step into a graph. Trainings that differ in seeds, data of one length or
the learning rate share that graph: a network of the same kind takes over the new one's weights and is trained in its place.
"""

import gc
import json
import threading
from collections import OrderedDict
from itertools import count
from typing import Any

import keras

from sktimbre.autoencoder.training.description import comes_from_us_or_keras, described_model

__all__ = ["Trainee", "copy_state", "kind_of", "leave", "state_variables", "take"]

# Kinds kept, the latest used: enough for the stages of a layer-wise training, or a few candidates of a search.
LARGEST = 5
# Networks that go between two collections of their graphs. These are large and refer to themselves, and Python, which counts
# objects and not bytes, would let many gather.
COLLECTED = 5


PLAIN = (str, int, float, type(None))


class Trainee:
    """A compiled network whose state can be set back to the beginning.

    Parameters
    ----------
    model : keras.Model
        Compiled, not trained.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        # Built here, outside the training step: variables that appear while it is traced have Keras trace it twice.
        model.optimizer.build(model.trainable_variables)
        self._initial = [v.numpy() for v in model.optimizer.variables]

    def begin_as(self, model: keras.Model, learning_rate: Any) -> None:
        """Take over the state of a new network of the same kind; the optimizer begins anew with this rate."""
        copy_state(model, self.model)
        for variable, value in zip(self.model.optimizer.variables, self._initial, strict=True):
            variable.assign(value)
        if isinstance(learning_rate, float):
            self.model.optimizer.learning_rate = learning_rate


_waiting: OrderedDict[str, Trainee] = OrderedDict()
_lock = threading.Lock()
_gone = count(1)


def take(kind: str | None) -> Trainee | None:
    """Return a network of the kind, which is the caller's alone until it comes back by `leave`; None if none waits."""
    with _lock:
        return _waiting.pop(kind, None) if kind else None


def leave(kind: str | None, trainee: Trainee) -> None:
    """Let a network wait for the next training of its kind; the one that has waited longest may have to go."""
    if kind is None:
        return
    gone = []
    with _lock:
        _waiting[kind] = trainee
        while len(_waiting) > LARGEST:
            gone.append(_waiting.popitem(last=False))
    if any(next(_gone) % COLLECTED == 0 for _ in gone):
        gone.clear()
        gc.collect()


def kind_of(model: keras.Model, optimizer: Any, *others: Any) -> str | None:
    """Return what two networks have in common that can be trained by one graph, as text.

    Parameters
    ----------
    model : keras.Model
        Names of layers and seeds do not count.
    optimizer : keras.optimizers.Optimizer
        A constant learning rate does not count.
    *others
        Losses, metrics, and plain values such as the length of the data.

    Returns
    -------
    str or None
        None where the configuration does not tell all: layers, losses and optimizers from elsewhere, closures.
    """
    parts = (model, *model.layers, optimizer, *others)
    if not all(isinstance(part, PLAIN) or comes_from_us_or_keras(part) for part in parts):
        return None
    settings = {name: value for name, value in optimizer.get_config().items() if name != "name"}
    # The wrapper that scales the loss in mixed precision has no rate of its own.
    if isinstance(settings.get("learning_rate"), float):
        del settings["learning_rate"]
    places = [str(getattr(v.value, "device", "")) for v in model.variables]
    strategy = id(getattr(model, "distribute_strategy", None))
    try:
        network = described_model(model, seeds=False)
    except NotImplementedError:
        return None
    described = [network, type(optimizer).__name__, settings, places, strategy, *map(_describe, others)]
    return json.dumps(described, default=str)


def state_variables(model: keras.Model) -> list[Any]:
    """Return weights and the state of dropout; metrics, which start anew in each epoch, are left out."""
    metrics = {id(v) for v in model.metrics_variables}
    return [v for v in model.variables if id(v) not in metrics]


def copy_state(source: keras.Model, target: keras.Model) -> None:
    """Give one network's weights and dropout state to another of the same kind."""
    for new, old in zip(state_variables(source), state_variables(target), strict=True):
        old.assign(new)


def _describe(part):
    if isinstance(part, PLAIN):
        return part
    if hasattr(part, "__qualname__"):
        return part.__module__, part.__qualname__
    return type(part).__qualname__, part.get_config()
