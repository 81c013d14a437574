"""Compile and fit a network with scikeras; no other module imports it.

scikeras 0.13 is its author's last release, and its estimator tags do not fit scikit-learn >= 1.7. `TimbreAutoencoder` is
therefore a scikit-learn estimator itself and uses scikeras for training only.
"""

from typing import Any

import keras
from scikeras.wrappers import BaseWrapper

from sktimbre.autoencoder.backend.distribution import share_clipping, skip_all_reduce
from sktimbre.autoencoder.backend.memory import keep_freed_memory
from sktimbre.autoencoder.training.muon import Muon
from sktimbre.autoencoder.training.reuse import CompiledModel, copy_state, graph_key, keep, take
from sktimbre.exceptions import ParameterError

__all__ = ["new_optimizer", "train"]


class _Trainer(BaseWrapper):
    """A `scikeras` wrapper that does not check its data."""

    def _validate_data(self, X, y=None, reset=False, y_numeric=False):
        # The estimator has checked the spectra, and a data set of batches is not an array.
        return X, y

    def _check_model_compatibility(self, y):
        pass


class _KeepFreedMemory(keras.callbacks.Callback):
    """Call `keep_freed_memory` when the iterator over the batches has been made, which undoes it."""

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            keep_freed_memory()


def new_optimizer(optimizer: Any, params: dict[str, Any]) -> keras.optimizers.Optimizer:
    """Return a new optimizer.

    Parameters
    ----------
    optimizer : str or keras.optimizers.Optimizer
        A name, of which "muon" is `Muon` of this package, or an instance, which is copied.
    params : dict
        Arguments of the optimizer, such as ``{"learning_rate": 1e-4}``.

    Raises
    ------
    ParameterError
        The optimizer is unknown or does not take one of the arguments.
    """
    if optimizer == "muon":
        optimizer = Muon
    elif not isinstance(optimizer, str):
        optimizer = type(optimizer).from_config(optimizer.get_config())
    routed = {f"optimizer__{name}": value for name, value in params.items()}
    try:
        return _Trainer(model=None, optimizer=optimizer, **routed)._get_compile_kwargs()["optimizer"]
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in routed.items())
        raise ParameterError(f"optimizer={optimizer!r} with {given or 'its defaults'}: {error}") from None


def train(
    model: keras.Model,
    batches: Any,
    *,
    loss: Any,
    metrics: list,
    optimizer: Any,
    optimizer_params: dict[str, Any],
    epochs: int,
    initial_epoch: int = 0,
    validation: Any = None,
    callbacks: list | None = None,
    verbose: int = 0,
) -> dict[str, list[float]]:
    """Fit a network and return its history.

    Parameters
    ----------
    model : keras.Model
        Not compiled; fitted in place.
    batches, validation : keras.utils.PyDataset
        Training and validation data, with their padded length as ``n_frames``; validation may be None.
    loss, metrics
        As in `keras.Model.compile`.
    optimizer : str or keras.optimizers.Optimizer
        A name, or an instance, copied before use.
    optimizer_params : dict
        Arguments of the optimizer, such as ``{"learning_rate": 1e-4}``.
    epochs : int
        Passes over the batches, including those before ``initial_epoch``.
    initial_epoch : int
        Number of epochs trained before.
    callbacks : list of keras.callbacks.Callback
        Callbacks in addition to Keras's own.
    verbose : int
        As in `keras.Model.fit`.

    Returns
    -------
    dict of str to list of float
        One value for each epoch.

    Raises
    ------
    ParameterError
        The optimizer is unknown or does not take one of the arguments.
    """
    settings = {"loss": loss, "metrics": metrics, "optimizer": new_optimizer(optimizer, optimizer_params)}
    share_clipping(settings["optimizer"])
    skip_all_reduce(settings["optimizer"])
    lengths = batches.n_frames, validation and validation.n_frames
    key = graph_key(model, settings["optimizer"], loss, *metrics, *lengths)
    compiled = take(key)
    if compiled is None:
        model.compile(**settings)
        compiled = CompiledModel(model)
    else:
        compiled.reset(model, settings["optimizer"].get_config().get("learning_rate"))
    trainer = _Trainer(
        model=compiled.model,
        epochs=epochs - initial_epoch,
        verbose=verbose,
        callbacks=[*(callbacks or ()), _KeepFreedMemory()],
        shuffle=False,  # the batches shuffle themselves, with their own seed
    )
    trainer.fit(batches, None, validation_data=validation, initial_epoch=initial_epoch)
    if compiled.model is not model:
        copy_state(compiled.model, model)
    # A model that a callback has changed is not used again.
    if key == graph_key(compiled.model, compiled.model.optimizer, loss, *metrics, *lengths):
        keep(key, compiled)
    return {name: [float(value) for value in values] for name, values in trainer.history_.items()}
