"""Training on a stream: one pass at a time, each with the weights and the optimizer of the pass before."""

from typing import Any

import keras
import numpy as np

from sktimbre.autoencoder.network import Network
from sktimbre.autoencoder.training.loop import Pairs, TrainingOptions, train_network
from sktimbre.autoencoder.training.reuse import state_variables
from sktimbre.exceptions import ParameterError

__all__ = ["go_on"]

History = dict[str, list[float]]


def go_on(
    network: Network, earlier: Network | None, pairs: Pairs, options: TrainingOptions, state: list[np.ndarray] | None
) -> tuple[History, list[np.ndarray]]:
    """Train a network in place by one pass, from where an earlier one of the same kind is.

    Parameters
    ----------
    network : Network
        Its weights are set.
    earlier : Network or None
        Gives the weights to begin with; None begins with initial ones.
    pairs : tuple of two sequences of ndarray of shape (n_frequencies, n_frames)
        Sources and targets.
    options : TrainingOptions
        How, see `settings.stream_options`.
    state : list of ndarray or None
        What the pass before returned; None begins anew.

    Returns
    -------
    history : dict of str to list of float
        Loss and error of the pass.
    state : list of ndarray
        Of the optimizer and of dropout.

    Raises
    ------
    ParameterError
        The state is that of another optimizer.
    DivergedError
        Weights are not finite at the end.
    """
    continued = _Continued(earlier.weights if earlier else None, state)
    history = train_network(network, pairs, ([], []), options, [continued])
    return history, continued.state


class _Continued(keras.callbacks.Callback):
    def __init__(self, weights, state):
        super().__init__()
        self.weights, self.state = weights, state

    def on_train_begin(self, logs=None):
        if self.weights is not None:
            self.model.set_weights(self.weights)
        if self.state is None:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        variables = self._others()
        if [tuple(v.shape) for v in variables] != [np.shape(value) for value in self.state]:
            raise ParameterError(
                f"optimizer={self.model.optimizer.name!r} cannot go on with what another optimizer has left; leave the "
                "optimizer and its parameters as they were in the first partial_fit, or fit anew."
            )
        for variable, value in zip(variables, self.state, strict=True):
            variable.assign(value)

    def on_train_end(self, logs=None):
        self.state = [np.asarray(keras.ops.convert_to_numpy(v)) for v in self._others()]

    def _others(self):
        """Return all that training changes but the weights; the learning rate is what it was set to for this pass."""
        model: Any = self.model
        left_out = {id(v) for v in (*model.weights, model.optimizer.learning_rate)}
        return [v for v in (*state_variables(model), *model.optimizer.variables) if id(v) not in left_out]
