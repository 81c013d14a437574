"""The networks, one plain function each: number of frequencies and options in, `keras.Model` out.

A network takes spectra ``(batch, n_frequencies, n_frames, 1)`` of any number of frames that its pooling divides, and
returns the same shape. A layer named "code" marks the code.
"""

from collections.abc import Callable

import keras

from sktimbre.autoencoder.blocks import Blocks
from sktimbre.autoencoder.options import NetworkOptions

__all__ = ["ARCHITECTURES", "Architecture", "dilated", "dilated_residual", "residual", "shallow"]

Architecture = Callable[[int, NetworkOptions], keras.Model]


def shallow(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return the thesis's base model (figure 3.1): one convolution to the code, one back.

    Deeper stacks pool after each level.
    """
    blocks = Blocks(options)
    return blocks.autoencoder(n_frequencies, blocks.plain, name="shallow")


def dilated(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return the dilated model (figure 3.2): the maximum of a wide and a narrow dilated convolution, each way.

    Deeper stacks pool after each level.
    """
    blocks = Blocks(options)
    return blocks.autoencoder(n_frequencies, blocks.dilated, name="dilated")


def residual(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return the residual model (figure 3.3): the encoder adds its input to what it found.

    Deeper stacks pool after each level.
    """
    blocks = Blocks(options)
    return blocks.autoencoder(n_frequencies, blocks.plain, residual=True, name="residual")


def dilated_residual(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return the thesis's best model (figure 3.4): dilated, residual in the encoder, pooled at every level."""
    blocks = Blocks(options)
    return blocks.autoencoder(n_frequencies, blocks.dilated, residual=True, pool=True, name="dilated_residual")


ARCHITECTURES: dict[str, Architecture] = {
    function.__name__: function for function in (shallow, dilated, residual, dilated_residual)
}
