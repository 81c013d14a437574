"""Turn the parameters of `TimbreAutoencoder` into options of network and training, and check that they agree."""

from dataclasses import fields, replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone

from sktimbre.autoencoder.data.augmentation import PairAugmenter
from sktimbre.autoencoder.data.level import normalized_pairs
from sktimbre.autoencoder.data.pairs import mean_and_scale
from sktimbre.autoencoder.network import Network
from sktimbre.autoencoder.networks.options import NetworkOptions
from sktimbre.autoencoder.training.adapter import new_optimizer
from sktimbre.autoencoder.training.loop import TrainingOptions
from sktimbre.exceptions import ParameterError

__all__ = ["network_options", "partial_fit_options", "training_options"]

# Default learning rates of the U-Net by optimizer; others, and those of other architectures, are 1e-3.
UNET_RATES = {"muon": 6e-3, "adam": 3e-3}
# Epochs of `early_stopping=True`.
PATIENCE = 20


def network_options(model: Any, seed: int, pairs: Any, earlier: Network | None = None) -> NetworkOptions:
    """Return the options that the network of a `TimbreAutoencoder` is built with.

    Parameters
    ----------
    model : TimbreAutoencoder
        The estimator; each parameter is valid by itself.
    seed : int
        Drawn from its ``random_state``.
    pairs : tuple of two sequences of ndarray of shape (n_frequencies, n_frames), float32
        Sources and targets; ``standardize`` uses their mean and standard deviation.
    earlier : Network or None
        Network that `partial_fit` trains further; its options are returned.

    Raises
    ------
    ParameterError
        The earlier network was built with other parameters.
    """
    names = [f.name for f in fields(NetworkOptions) if hasattr(model, f.name)]
    options = NetworkOptions(**{name: getattr(model, name) for name in names}, seed=seed)
    if earlier:
        changed = [name for name in names if getattr(earlier.options, name) != getattr(options, name)]
        if changed or earlier.architecture is not model._architecture():
            raise ParameterError(
                f"{', '.join(changed) or 'architecture'} was changed after the network was built, and partial_fit trains "
                "that network further. Restore the old value, or call fit."
            )
        return earlier.options
    if not model.standardize:
        return options
    S, T = pairs
    if model.normalize_level:
        S, T, _ = normalized_pairs(S, T, options.reference)
    return replace(options, standardization=(*mean_and_scale(S), *mean_and_scale(T)))


def training_options(model: Any, seed: int) -> TrainingOptions:
    """Return the training settings of a `TimbreAutoencoder`, with defaults that depend on other parameters resolved.

    Parameters
    ----------
    model : TimbreAutoencoder
        The estimator; each parameter is valid by itself.
    seed : int
        Drawn from its ``random_state``.

    Raises
    ------
    ParameterError
        Parameters exclude one another.
    """
    if model.checkpoint is not None and not isinstance(model.random_state, Integral):
        raise ParameterError(
            f"checkpoint={model.checkpoint!r} needs an integer random_state to resume the training; got "
            f"random_state={model.random_state!r}. Set random_state=0, for instance."
        )
    optimizer = model.optimizer or ("muon" if model.architecture == "unet" else "adam")
    schedule = model.schedule or ("cosine" if isinstance(optimizer, str) else "constant")
    warmup = model.warmup if model.warmup is not None else 0.05 if schedule == "cosine" else 0.0
    if schedule == "plateau" and (warmup or model.decay):
        raise ParameterError(
            f"schedule='plateau' sets the learning rate itself and excludes warmup={model.warmup} and decay={model.decay}. "
            "Leave both at 0."
        )
    names = (
        "decay", "quiet_weight", "epochs", "batch_size", "pretraining", "checkpoint",
    )  # fmt: skip
    optimizer_params = _optimizer_params(model, optimizer, schedule, warmup)
    new_optimizer(optimizer, optimizer_params)  # refuses unknown arguments before any work
    given = isinstance(model.augment, PairAugmenter)
    augmenter = model.augment if given else PairAugmenter() if model.augment else None
    return TrainingOptions(
        **{name: getattr(model, name) for name in names},
        optimizer=optimizer,
        schedule=schedule,
        warmup=warmup,
        augmenter=augmenter,
        optimizer_params=optimizer_params,
        early_stopping=_patience(model.early_stopping),
        seed=seed,
        verbose=int(model.verbose),
    )


def partial_fit_options(model: Any, seed: int, passes: int) -> TrainingOptions:
    """Return the training settings of a `TimbreAutoencoder` for one pass of incremental fitting.

    Parameters
    ----------
    model : TimbreAutoencoder
        The estimator; each parameter is valid by itself.
    seed : int
        Seed of all passes.
    passes : int
        Number of earlier passes; each pass draws other random numbers.

    Raises
    ------
    ParameterError
        Parameters exclude one another, or need a training of known length.
    """
    names = ("schedule", "warmup", "early_stopping", "pretraining", "checkpoint")
    given = {name: getattr(model, name) for name in names if getattr(model, name)}
    if given.get("schedule") == "constant":
        del given["schedule"]
    if given:
        listed = ", ".join(f"{name}={value!r}" for name, value in given.items())
        raise ParameterError(
            f"partial_fit does not support {listed}, which needs a training of known length. Set it to None, or use fit."
        )
    if model.distribution:
        raise ParameterError(
            f"partial_fit trains on one device and does not support distribution={model.distribution!r}. Set it to None, or "
            "use fit."
        )
    options = training_options(model, seed)
    drawn = int(np.random.SeedSequence((seed, passes)).generate_state(1)[0])
    # One pass over the notes of the call has all of their pieces.
    augmenter = clone(options.augmenter).set_params(epoch_size=None) if options.augmenter else None
    return replace(options, schedule="constant", warmup=0.0, epochs=1, seed=drawn, augmenter=augmenter)


def _patience(early_stopping):
    """Return the epochs without a lower error before training stops, or None."""
    if early_stopping is None or isinstance(early_stopping, bool | np.bool_):
        return PATIENCE if early_stopping else None
    return int(early_stopping)


def _optimizer_params(model, optimizer, schedule, warmup):
    """Return the arguments of the optimizer by name."""
    names = ("learning_rate", "weight_decay", "momentum", "clipnorm", "nesterov")
    given = {name: getattr(model, f"optimizer__{name}") for name in names}
    params = {name: value for name, value in given.items() if value is not None}
    further = model.optimizer_params or {}
    twice = sorted(set(further) & set(names))
    if twice:
        raise ParameterError(
            f"optimizer_params={further!r} must not contain {twice[0]!r}, which is a parameter of its own: set "
            f"optimizer__{twice[0]}."
        )
    unnamed = [name for name in further if not isinstance(name, str) or not name.isidentifier()]
    if unnamed:
        raise ParameterError(
            f"optimizer_params={further!r} contains {unnamed[0]!r}, which cannot name an argument of an optimizer. Remove it."
        )
    params |= further
    if isinstance(optimizer, str):
        rates = UNET_RATES if model.architecture == "unet" else {}
        return {"learning_rate": rates.get(optimizer, 1e-3), **params}
    if params or model.decay or warmup or schedule not in ("constant", "plateau"):
        raise ParameterError(
            f"optimizer={optimizer!r} is an instance with its own settings; set {sorted(params) or 'the schedule'} on "
            "it, or pass the optimizer's name."
        )
    return params
