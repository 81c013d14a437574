"""Learning rates over a training: warm-up, then one of the usual courses."""

import keras
import numpy as np
from keras import ops

__all__ = ["LearningRate"]


@keras.saving.register_keras_serializable("sktimbre")
class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that depends on how far the training has come.

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
        self.rate = rate
        self.steps = steps
        self.course = course
        self.warmup = warmup
        self.decay = decay

    def __call__(self, step):
        """Return the rate at a step, counted from 0."""
        step = ops.cast(step, "float32")
        first = self.warmup * self.steps
        done = ops.clip((step - first) / max(1.0, self.steps - first), 0.0, 1.0)
        factor = {
            "constant": lambda: 1.0,
            "step": lambda: ops.power(0.1, ops.floor(ops.minimum(3 * done, 2.0))),
            "exponential": lambda: ops.power(0.01, done),
            "cosine": lambda: 0.5 * (1 + ops.cos(np.pi * done)),
        }[self.course]()
        rising = ops.minimum(1.0, (step + 1) / max(1.0, first))
        return self.rate * factor * rising / (1 + self.decay * step)

    def get_config(self):
        """Return what rebuilds the schedule."""
        names = ("rate", "steps", "course", "warmup", "decay")
        return {name: getattr(self, name) for name in names}
