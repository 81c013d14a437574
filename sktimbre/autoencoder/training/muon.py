"""Muon: an optimizer whose steps change all directions of a kernel alike."""

import keras
from keras import ops

__all__ = ["Muon"]

# Coefficients of the Newton-Schulz iteration, which brings singular values near 1 in five iterations (K. Jordan, reference
# below).
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
# Root mean square of the steps of kernels at a learning rate of 1, about that of Adam (J. Liu et al., reference below).
STEP = 0.2
# Kernels with fewer outputs are left to Adam: there is little to make orthogonal.
LEAST_OUTPUTS = 8


@keras.saving.register_keras_serializable("sktimbre")
class Muon(keras.optimizers.Adam):
    """Muon for the kernels of convolutions and for tables, Adam for all other weights.

    The momentum of a kernel, seen as a matrix from inputs to outputs, is replaced by the nearest orthogonal matrix before each
    step. Directions with small gradients are then learnt as fast as those with large ones.
    Keras's own Muon (from Keras 3.11 on) leaves kernels of convolutions to Adam.

    Parameters
    ----------
    learning_rate : float
        Learning rate; steps have about the size of those of Adam.
    momentum : float in [0, 1)
        Momentum of kernels.
    ns_steps : int
        Newton-Schulz iterations in each step.
    **kwargs
        As `keras.optimizers.Adam`.

    References
    ----------
    .. [1] K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024,
       https://kellerjordan.github.io/posts/muon/
    .. [2] J. Liu et al., "Muon is scalable for LLM training", arXiv:2502.16982, 2025.
    """

    def __init__(self, learning_rate=1e-3, momentum=0.95, ns_steps=5, name="muon", **kwargs):
        super().__init__(learning_rate, name=name, **kwargs)
        self.momentum = momentum
        self.ns_steps = ns_steps

    def update_step(self, gradient, variable, learning_rate):
        """Change one variable by a step."""
        if not _is_kernel(variable):
            super().update_step(gradient, variable, learning_rate)
            return
        m = self._momentums[self._get_variable_index(variable)]
        gradient, rate = (ops.cast(x, variable.dtype) for x in (gradient, learning_rate))
        self.assign_add(m, (gradient - m) * (1 - self.momentum))
        # Nesterov's momentum.
        matrix = ops.reshape(gradient * (1 - self.momentum) + m * self.momentum, (-1, variable.shape[-1]))
        size = STEP * max(matrix.shape) ** 0.5
        step = ops.reshape(orthogonal(matrix, self.ns_steps), variable.shape)
        self.assign_sub(variable, rate * size * step)

    def get_config(self):
        """Return the arguments of the optimizer."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
        }


def orthogonal(matrix, iterations: int = 5):
    """Return the matrix with its singular values brought near 1, between about 0.7 and 1.2.

    Parameters
    ----------
    matrix : tensor of shape (n, m)
        Any matrix; zeros give zeros.
    iterations : int
        Newton-Schulz iterations.
    """
    a, b, c = COEFFICIENTS
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else ops.transpose(matrix)
    x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
    for _ in range(iterations):
        product = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * product + c * ops.matmul(product, product), x)
    return x if wide else ops.transpose(x)


def _is_kernel(variable):
    return len(variable.shape) in (2, 4) and variable.shape[-1] >= LEAST_OUTPUTS
