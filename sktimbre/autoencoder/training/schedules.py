"""Learning rate over a training: warm-up, then constant, step, exponential or cosine."""

import keras
import numpy as np

__all__ = ["LearningRate"]


class LearningRate(keras.callbacks.Callback):
    """Callback that sets the learning rate before each step.

    A schedule of Keras would become part of the training graph. With a callback, trainings that differ in rate, course or
    length share one graph.

    Parameters
    ----------
    rate : float
        The highest learning rate.
    steps : int
        Number of steps of the whole training.
    course : {"constant", "step", "exponential", "cosine"}
        Constant; divided by ten after each third; exponential decay to a hundredth; cosine decay to zero (I. Loshchilov and
        F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR, 2017).
    warmup : float in [0, 1)
        Fraction of the steps in which the learning rate rises linearly from zero.
    decay : float
        Decay per step, as in the thesis: the learning rate is divided by ``1 + decay * step``.
    """

    def __init__(self, rate, steps, course="constant", warmup=0.0, decay=0.0):
        super().__init__()
        self.rate = rate
        self.steps = steps
        self.course = course
        self.warmup = warmup
        self.decay = decay

    def at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
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
        """Count the steps so far: those of the optimizer, or more if the training has resumed with smaller batches."""
        done = int(keras.ops.cast(self.model.optimizer.iterations, "int32"))
        self._step = max(done, epoch * self.params["steps"])

    def on_train_batch_begin(self, batch, logs=None):
        """Set the learning rate of the next step."""
        if keras.backend.backend() == "jax":
            # With JAX, Keras keeps the state outside the variables during training.
            self.model.jax_state_sync()
        self.model.optimizer.learning_rate = self.at(self._step)
        self._step += 1
