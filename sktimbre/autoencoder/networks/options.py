"""What networks are built and trained with, as plain values."""

from dataclasses import dataclass

__all__ = ["NAMES", "THESIS", "NetworkOptions"]

# Of the architectures; here, where they can be read without Keras.
NAMES = ("unet", "shallow", "dilated", "residual", "dilated_residual")

#: Parameters of `TimbreAutoencoder` that train the thesis's best model as the thesis did (sections 3.2 and 3.3).
THESIS = {
    "architecture": "dilated_residual",
    "filters": 256,
    "activation": "relu",
    "l2": 1e-4,
    "optimizer__learning_rate": 1e-4,
    "schedule": "constant",
    "decay": 1e-6,
    "augment": False,
    "normalize_level": False,
    "quiet_weight": 0.0,
    "epochs": 100,
    "batch_size": 4,
}


@dataclass(frozen=True)
class NetworkOptions:
    """What a network is built with, apart from its shape; architectures read what concerns them.

    Parameters
    ----------
    depth : int or None
        Levels of the encoder; None is the architecture's own number, see `depth_or`.
    filters : int
        Channels of the first two levels; later ones have twice as many, as in the thesis.
    kernel_size : int
        Of undilated convolutions.
    activation : {"relu", "leaky_relu", "prelu"}
        After each convolution but the last.
    dropout : float
        Rate before each convolution.
    l1, l2 : float
        Penalties on the kernels.
    sparsity_target, sparsity_weight : float
        Wanted mean activation of the code's channels, and the weight of the penalty; no penalty at 0.
    tied_weights : bool
        Whether the decoder is the transposed encoder.
    normalize_level : bool
        Whether spectra are brought to one level before, and given their own back after the network.
    pooled : bool
        Whether a single level pools as well; deeper stacks always do.
    standardization : tuple of four floats
        Mean and standard deviation that the input is freed of, and those that the output is given back.
    reach : int
        Convolutions over time of the U-Net, the n-th of which skips ``2**n - 1`` frames.
    seed : int
        Of initial weights and dropout.
    """

    depth: int | None = None
    filters: int = 256
    kernel_size: int = 3
    activation: str = "relu"
    dropout: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    sparsity_target: float = 0.01
    sparsity_weight: float = 0.0
    tied_weights: bool = False
    normalize_level: bool = False
    pooled: bool = False
    standardization: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)
    reach: int = 3
    seed: int = 0

    def __setstate__(self, state):
        # Networks of files from before the reach was written into them had 5.
        self.__dict__.update({"reach": 5, **state})

    def depth_or(self, usual: int) -> int:
        """Return the levels that were asked for, or the usual number of an architecture.

        Parameters
        ----------
        usual : int
            What None stands for.

        Returns
        -------
        int
        """
        return usual if self.depth is None else self.depth
