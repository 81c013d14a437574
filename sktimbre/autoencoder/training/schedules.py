"""Learning rates over a training: warm-up, then one of the usual courses."""

import keras
import numpy as np

__all__ = ["LearningRate"]


class LearningRate(keras.callbacks.Callback):
    """Sets a learning rate that depends on how far the training has come, before each step.

    A callback and not a schedule of Keras's, which becomes part of the training graph: trainings that differ in rate, course
    or length share one graph.

    Parameters
    ----------
    rate : float
        The highest value.
    steps : int
        Of the whole training.
    course : {"constant", "step", "exponential", "cosine"}
        Constant; divided by ten after each third; down to a hundredth in equal ratios; down to zero along half a cosine
        (I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR, 2017).
    warmup : float in [0, 1)
        Fraction of the steps over which it rises from zero in a straight line.
    decay : float
        The thesis's decay per step: all is divided by ``1 + decay * step``.
    """

    def __init__(self, rate, steps, course="constant", warmup=0.0, decay=0.0):
        super().__init__()
        self.rate = rate
        self.steps = steps
        self.course = course
        self.warmup = warmup
        self.decay = decay

    def at(self, step: int) -> float:
        """Return the rate at a step, counted from 0."""
        first = self.warmup * self.steps
        done = min(max((step - first) / max(1.0, self.steps - first), 0.0), 1.0)
        factor = {
            "constant": 1.0,
            "step": 0.1 ** min(int(3 * done), 2),
            "exponential": 0.01**done,
            "cosine": 0.5 * (1 + np.cos(np.pi * done)),
        }[self.course]
        rising = min(1.0, (step + 1) / max(1.0, first))
        return float(self.rate * factor * rising / (1 + self.decay * step))

    def on_epoch_begin(self, epoch, logs=None):
        """Count the steps: those of the optimizer, or more where a training goes on with smaller batches than before."""
        done = int(keras.ops.cast(self.model.optimizer.iterations, "int32"))
        self._step = max(done, epoch * self.params["steps"])

    def on_train_batch_begin(self, batch, logs=None):
        """Set the rate of the step that follows."""
        if keras.backend.backend() == "jax":
            # While it trains, Keras holds the state apart from the variables there.
            self.model.jax_state_sync()
        self.model.optimizer.learning_rate = self.at(self._step)
        self._step += 1
