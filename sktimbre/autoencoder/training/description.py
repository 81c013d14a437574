"""Describe networks and optimizers by plain values, from their configurations."""

import inspect
from types import CodeType
from typing import Any

import keras

from sktimbre.exceptions import ParameterError

__all__ = ["check_described", "described_code", "described_model", "described_optimizer", "has_full_config"]

# Packages whose layers, losses and optimizers are fully described by their configuration.
KNOWN = ("keras", "sktimbre")


def has_full_config(part: Any) -> bool:
    """Return True if an object or class is described completely by its configuration."""
    if isinstance(part, keras.layers.Lambda):
        return False
    named = part if hasattr(part, "__qualname__") else type(part)
    return named.__module__.split(".")[0] in KNOWN and "<" not in named.__qualname__


def described_model(model: keras.Model, *, seeds: bool) -> Any:
    """Return the configuration of a model, with the positions of layers in place of the names that Keras numbers.

    Parameters
    ----------
    model : keras.Model
        A functional model.
    seeds : bool
        Whether to include the seeds of initializers and dropout.

    Raises
    ------
    NotImplementedError
        A layer has no ``get_config``.
    """
    names = {layer.name: f"layer {i}" for i, layer in enumerate(model.layers)}
    names[model.name] = "model"
    return _without(model.get_config(), names, seeds)


def described_optimizer(optimizer: Any) -> Any:
    """Return the class and configuration of an optimizer, or its name if it is given by name."""
    if isinstance(optimizer, str):
        return optimizer
    settings = {name: value for name, value in optimizer.get_config().items() if name != "name"}
    return type(optimizer).__module__, type(optimizer).__qualname__, settings, described_code(optimizer)


def described_code(*parts: Any) -> list[Any]:
    """Return the bytecode of classes and functions of other packages, which their configurations lack."""
    found: list[Any] = []
    for part in parts:
        function = getattr(part, "function", None) if isinstance(part, keras.layers.Lambda) else None
        if inspect.isfunction(function):
            found.append((function.__qualname__, *_code(function.__code__)))
        for kind in type(part).__mro__:
            if kind is object or has_full_config(kind):
                continue
            functions = {name: value for name, value in vars(kind).items() if inspect.isfunction(value)}
            found.append((kind.__qualname__, [(name, *_code(f.__code__)) for name, f in sorted(functions.items())]))
    return found


def check_described(model: keras.Model) -> Any:
    """Return a complete description of a model, or raise `ParameterError`."""
    for layer in model.layers:
        try:
            layer.get_config()
        except NotImplementedError:
            raise ParameterError(
                f"checkpoint= needs a complete configuration of architecture={model.name!r}, but its layer {layer.name!r} "
                f"({type(layer).__qualname__}) has no get_config that returns the layer's arguments. Add one, or set "
                "checkpoint=None."
            ) from None
    return described_model(model, seeds=True), described_code(model, *model.layers)


def _without(config, names, seeds):
    """Return a configuration with names replaced and, unless ``seeds``, without seeds."""
    if isinstance(config, dict):
        return {key: _without(value, names, seeds) for key, value in config.items() if seeds or key != "seed"}
    if isinstance(config, list | tuple):
        return [_without(value, names, seeds) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def _code(code):
    """Return the instructions, names and constants of a function and of the functions inside it."""
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return code.co_code.hex(), code.co_names, constants
