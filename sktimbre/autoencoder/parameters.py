"""Parameters of TimbreAutoencoder: ranges, constructor, arguments of the optimizer, and what the defaults stand for."""

import inspect
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sktimbre.autoencoder.data.augmentation import PairAugmenter
from sktimbre.autoencoder.networks.options import NAMES

__all__ = ["AutoencoderParameters"]

# Values of parameters that earlier versions did not have, where they are not the default.
FORMER = {"tuning": "target"}
# Parameters with this prefix are arguments of the optimizer.
PREFIX = "optimizer__"


class AutoencoderParameters(BaseEstimator):
    """Base class of `TimbreAutoencoder`, whose docstring describes the parameters."""

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "architecture": [StrOptions(set(NAMES)), callable],
        "depth": [Interval(Integral, 1, 4, closed="both"), None],
        "filters": [Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"relu", "leaky_relu", "prelu"})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "l1": [Interval(Real, 0, None, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "sparsity_target": [Interval(Real, 0, 1, closed="neither")],
        "sparsity_weight": [Interval(Real, 0, None, closed="left")],
        "tied_weights": ["boolean"],
        "optimizer": [str, HasMethods(["get_config", "apply_gradients"]), None],
        "optimizer__learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "optimizer__weight_decay": [Interval(Real, 0, None, closed="left"), None],
        "optimizer__momentum": [Interval(Real, 0, 1, closed="left"), None],
        "optimizer__clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "optimizer__nesterov": ["boolean", None],
        "optimizer_params": [dict, None],
        "schedule": [StrOptions({"constant", "step", "exponential", "cosine", "plateau"}), None],
        "warmup": [Interval(Real, 0, 1, closed="left"), None],
        "decay": [Interval(Real, 0, None, closed="left")],
        "tuning": [StrOptions({"source", "target"})],
        "augment": ["boolean", PairAugmenter],
        "normalize_level": ["boolean"],
        "quiet_weight": [Interval(Real, 0, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "validation_split": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": ["boolean", Interval(Integral, 1, None, closed="left"), None],
        "pretraining": [StrOptions({"layerwise", "layerwise_finetuned"}), None],
        "standardize": ["boolean"],
        "checkpoint": [str, PathLike, None],
        "distribution": [StrOptions({"mirrored"}), None],
        "n_jobs": [Integral, None],
        "target_transformer": [HasMethods(["fit", "transform"]), None],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        architecture="unet",
        depth=None,
        filters=32,
        kernel_size=3,
        activation="leaky_relu",
        dropout=0.0,
        l1=0.0,
        l2=0.0,
        sparsity_target=0.01,
        sparsity_weight=0.0,
        tied_weights=False,
        optimizer=None,
        optimizer__learning_rate=None,
        optimizer__weight_decay=None,
        optimizer__momentum=None,
        optimizer__clipnorm=None,
        optimizer__nesterov=None,
        optimizer_params=None,
        schedule=None,
        warmup=None,
        decay=0.0,
        tuning="source",
        augment=True,
        normalize_level=True,
        quiet_weight=0.1,
        epochs=50,
        batch_size=4,
        validation_split=0.15,
        early_stopping=None,
        pretraining=None,
        standardize=False,
        checkpoint=None,
        distribution=None,
        n_jobs=None,
        target_transformer=None,
        random_state=None,
        verbose=0,
    ):
        self.architecture = architecture
        self.depth = depth
        self.filters = filters
        self.kernel_size = kernel_size
        self.activation = activation
        self.dropout = dropout
        self.l1 = l1
        self.l2 = l2
        self.sparsity_target = sparsity_target
        self.sparsity_weight = sparsity_weight
        self.tied_weights = tied_weights
        self.optimizer = optimizer
        self.optimizer__learning_rate = optimizer__learning_rate
        self.optimizer__weight_decay = optimizer__weight_decay
        self.optimizer__momentum = optimizer__momentum
        self.optimizer__clipnorm = optimizer__clipnorm
        self.optimizer__nesterov = optimizer__nesterov
        self.optimizer_params = optimizer_params
        self.schedule = schedule
        self.warmup = warmup
        self.decay = decay
        self.tuning = tuning
        self.augment = augment
        self.normalize_level = normalize_level
        self.quiet_weight = quiet_weight
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_split = validation_split
        self.early_stopping = early_stopping
        self.pretraining = pretraining
        self.standardize = standardize
        self.checkpoint = checkpoint
        self.distribution = distribution
        self.n_jobs = n_jobs
        self.target_transformer = target_transformer
        self.random_state = random_state
        self.verbose = verbose

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickle or a file; those from before a parameter have its former or its default value.

        Parameters
        ----------
        state : dict of str to object
            Attributes.
        """
        defaults = {name: parameter.default for name, parameter in inspect.signature(type(self)).parameters.items()}
        super().__setstate__({**defaults, **FORMER, **state})

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with ``deep``, entries of ``optimizer_params`` also as ``optimizer__<name>``.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the parameters of nested estimators as well, as in scikit-learn.

        Returns
        -------
        dict of str to object
        """
        params = super().get_params(deep)
        if not deep:
            return params
        return params | {f"{PREFIX}{name}": value for name, value in (self.optimizer_params or {}).items()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``optimizer__<name>`` sets any argument of the optimizer.

        Parameters
        ----------
        **params
            Names and values, as in scikit-learn.

        Returns
        -------
        Self
        """
        own = {name: params.pop(name) for name in list(params) if name in self._get_param_names()}
        for name, value in own.items():
            setattr(self, name, value)
        further = {name: params.pop(name) for name in list(params) if name.startswith(PREFIX)}
        if further:
            given = {name.removeprefix(PREFIX): value for name, value in further.items()}
            self.optimizer_params = {**(self.optimizer_params or {}), **given}
        return super().set_params(**params)

    def _architecture(self):
        """Return the function that builds the network."""
        from sktimbre.autoencoder.networks.architectures import ARCHITECTURES

        return ARCHITECTURES[self.architecture] if isinstance(self.architecture, str) else self.architecture

    def _new_target_transformer(self):
        """Return a new transformer of targets from audio to spectra."""
        if self.target_transformer is not None:
            return clone(self.target_transformer)
        from sktimbre.spectral import LogSTFT

        return LogSTFT()
