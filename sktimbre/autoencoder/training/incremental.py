"""Incremental fitting: train a network for one pass, starting with the weights and optimizer of the previous pass."""

from typing import Any

import keras
import numpy as np

from sktimbre.autoencoder.network import Network
from sktimbre.autoencoder.training.loop import Pairs, TrainingOptions, train_network
from sktimbre.autoencoder.training.reuse import state_variables
from sktimbre.exceptions import ParameterError

__all__ = ["train_one_pass"]

History = dict[str, list[float]]


def train_one_pass(
    network: Network, earlier: Network | None, pairs: Pairs, options: TrainingOptions, state: list[np.ndarray] | None
) -> tuple[History, list[np.ndarray]]:
    """Train a network in place for one pass, starting with the weights of an earlier network.

    Parameters
    ----------
    network : Network
        The network to train.
    earlier : Network or None
        Network of the same architecture and options with the weights to start with; None starts with initial weights.
    pairs : tuple of two sequences of ndarray of shape (n_frequencies, n_frames)
        Sources and targets.
    options : TrainingOptions
        Settings from `settings.partial_fit_options`.
    state : list of ndarray or None
        State that the previous pass returned; None starts with a new optimizer.

    Returns
    -------
    history : dict of str to list of float
        Loss and error of the pass.
    state : list of ndarray
        State of the optimizer and of dropout.

    Raises
    ------
    ParameterError
        The state belongs to another optimizer.
    DivergedError
        Weights are not finite after training.
    """
    resuming = _Resume(earlier.weights if earlier else None, state)
    history = train_network(network, pairs, ([], []), options, [resuming])
    return history, resuming.state


class _Resume(keras.callbacks.Callback):
    def __init__(self, weights, state):
        super().__init__()
        self.weights, self.state = weights, state

    def on_train_begin(self, logs=None):
        if self.weights is not None:
            self.model.set_weights(self.weights)
        if self.state is None:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        variables = self._variables()
        if [tuple(v.shape) for v in variables] != [np.shape(value) for value in self.state]:
            raise ParameterError(
                f"optimizer={self.model.optimizer.name!r} cannot continue with the state of another optimizer. Restore the "
                "optimizer and its parameters of the first partial_fit, or call fit."
            )
        for variable, value in zip(variables, self.state, strict=True):
            variable.assign(value)

    def on_train_end(self, logs=None):
        self.state = [np.asarray(keras.ops.convert_to_numpy(v)) for v in self._variables()]

    def _variables(self):
        """Return the variables of dropout and optimizer, without the learning rate, which is set for each pass."""
        model: Any = self.model
        left_out = {id(v) for v in (*model.weights, model.optimizer.learning_rate)}
        return [v for v in (*state_variables(model), *model.optimizer.variables) if id(v) not in left_out]
