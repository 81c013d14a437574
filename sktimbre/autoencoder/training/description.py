"""What a network and an optimizer are, as plain values: by their configuration, not by the name of what built them."""

import inspect
from types import CodeType
from typing import Any

import keras

from sktimbre.exceptions import ParameterError

__all__ = ["check_described", "comes_from_us_or_keras", "described_code", "described_model", "described_optimizer"]

# Packages whose layers, losses and optimizers are fully described by their configuration.
KNOWN = ("keras", "sktimbre")


def comes_from_us_or_keras(part: Any) -> bool:
    """Return True where a configuration describes a class, or the class of an object, completely."""
    if isinstance(part, keras.layers.Lambda):
        return False
    named = part if hasattr(part, "__qualname__") else type(part)
    return named.__module__.split(".")[0] in KNOWN and "<" not in named.__qualname__


def described_model(model: keras.Model, *, seeds: bool) -> Any:
    """Return the configuration of a model without the names that Keras numbers anew for each model.

    Parameters
    ----------
    model : keras.Model
        Functional.
    seeds : bool
        Whether the seeds of initializers and dropout count.

    Raises
    ------
    NotImplementedError
        A layer has no ``get_config``.
    """
    names = {layer.name: f"layer {i}" for i, layer in enumerate(model.layers)}
    names[model.name] = "model"
    return _without(model.get_config(), names, seeds)


def described_optimizer(optimizer: Any) -> Any:
    """Return the class of an optimizer and its configuration; of a name, the name."""
    if isinstance(optimizer, str):
        return optimizer
    settings = {name: value for name, value in optimizer.get_config().items() if name != "name"}
    return type(optimizer).__module__, type(optimizer).__qualname__, settings, described_code(optimizer)


def described_code(*parts: Any) -> list[Any]:
    """Return the bytecode of classes and functions that are neither Keras's nor ours, since a configuration lacks it."""
    found: list[Any] = []
    for part in parts:
        function = getattr(part, "function", None) if isinstance(part, keras.layers.Lambda) else None
        if inspect.isfunction(function):
            found.append((function.__qualname__, *_code(function.__code__)))
        for kind in type(part).__mro__:
            if kind is object or comes_from_us_or_keras(kind):
                continue
            functions = {name: value for name, value in vars(kind).items() if inspect.isfunction(value)}
            found.append((kind.__qualname__, [(name, *_code(f.__code__)) for name, f in sorted(functions.items())]))
    return found


def check_described(model: keras.Model) -> Any:
    """Return all that tells a model from others, or raise `ParameterError`."""
    for layer in model.layers:
        try:
            layer.get_config()
        except NotImplementedError:
            raise ParameterError(
                f"checkpoint= cannot tell architecture={model.name!r} from others: its layer {layer.name!r} "
                f"({type(layer).__qualname__}) needs a get_config that returns the layer's arguments. Add one, or set "
                "checkpoint=None."
            ) from None
    return described_model(model, seeds=True), described_code(model, *model.layers)


def _without(config, names, seeds):
    """Return a configuration with names replaced and, unless asked for, without seeds."""
    if isinstance(config, dict):
        return {key: _without(value, names, seeds) for key, value in config.items() if seeds or key != "seed"}
    if isinstance(config, list | tuple):
        return [_without(value, names, seeds) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def _code(code):
    """Return what a function does: its instructions and constants, those of functions inside it too."""
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return code.co_code.hex(), code.co_names, constants
