"""Options of networks as plain values, readable without Keras."""

from dataclasses import dataclass
from typing import Any

__all__ = ["DRAFT", "NAMES", "PRESETS", "QUALITY", "THESIS", "NetworkOptions"]

# Names of the architectures.
NAMES = ("unet", "shallow", "dilated", "residual", "dilated_residual")

#: Parameters of `TimbreAutoencoder` that train the thesis's best model as the thesis did (sections 3.2 and 3.3).
THESIS: dict[str, Any] = {
    "architecture": "dilated_residual",
    "filters": 256,
    "activation": "relu",
    "l2": 1e-4,
    "optimizer": "adam",
    "optimizer__learning_rate": 1e-4,
    "schedule": "constant",
    "decay": 1e-6,
    "tuning": "target",
    "augment": False,
    "normalize_level": False,
    "quiet_weight": 0.0,
    "epochs": 100,
    "batch_size": 4,
}
#: Parameters of `TimbreAutoencoder` for a first model within a minute, to hear whether the material is right; half as many
#: filters as the default, a fifth of its epochs (``benchmarks/budgets.py``).
DRAFT: dict[str, Any] = {"filters": 16, "epochs": 10}
#: Parameters of `TimbreAutoencoder` for a better model on a GPU, or in four times as long: as many steps as the default, each
#: with four times as many variations (``benchmarks/performances.py --preset quality``).
QUALITY: dict[str, Any] = {"batch_size": 16, "epochs": 200}
#: The sets of parameters by name, as `sktimbre fit --preset` takes them.
PRESETS: dict[str, dict[str, Any]] = {"draft": DRAFT, "quality": QUALITY, "thesis": THESIS}


@dataclass(frozen=True)
class NetworkOptions:
    """Options that a network is built with; each architecture reads those that it needs.

    Parameters
    ----------
    depth : int or None
        Number of encoder levels; None is the architecture's default, see `depth_or`.
    filters : int
        Channels of the first two levels; later levels have twice as many, as in the thesis.
    kernel_size : int
        Kernel size of undilated convolutions.
    activation : {"relu", "leaky_relu", "prelu"}
        Activation after each convolution but the last.
    dropout : float
        Dropout rate before each convolution.
    l1, l2 : float
        Weights of the L1 and L2 penalties on the kernels.
    sparsity_target, sparsity_weight : float
        Target mean activation of the code's channels, and the weight of the penalty; no penalty at 0.
    tied_weights : bool
        Whether the decoder is the transposed encoder.
    normalize_level : bool
        Whether to normalize spectra to the reference level before the network and undo the gain after it.
    pooled : bool
        Whether a single encoder level pools as well; several levels always do.
    standardization : tuple of four floats
        Mean and standard deviation to standardize the input with, and those to rescale the output with.
    reach : int
        Number of convolutions along time of the U-Net, with dilations 1, 2, 4 and so on.
    reference : float or None
        Level to which spectra are normalized; None is 0.3 ``n_fft``. At one level partials have the same magnitudes at every
        ``n_fft``, so that the quiet scale of the U-Net and the loss do not depend on it.
    pitches : int
        Number of pitches that the U-Net finds in each frame; 0 for one, found by an attention (`PitchDictionary`).
    seed : int
        Seed of initial weights and dropout.
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
    reference: float | None = 0.3 * 1024
    pitches: int = 3
    seed: int = 0

    def __setstate__(self, state):
        # Files that lack these fields contain networks with 5 convolutions along time, or with a dictionary of pitches and
        # another level.
        self.__dict__.update({"reach": 5, "pitches": 0, "reference": None, **state})

    def depth_or(self, usual: int) -> int:
        """Return the depth, or an architecture's default if it is None.

        Parameters
        ----------
        usual : int
            Default of the architecture.

        Returns
        -------
        int
        """
        return usual if self.depth is None else self.depth
