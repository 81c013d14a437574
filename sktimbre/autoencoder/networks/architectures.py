"""The networks, one plain function each: number of frequencies and options in, `keras.Model` out.

A network takes spectra ``(batch, n_frequencies, n_frames, 1)`` of any number of frames that its pooling divides, and
returns the same shape. A layer named "code" marks the code.
"""

from collections.abc import Callable

import keras

from sktimbre.autoencoder.networks.blocks import Blocks
from sktimbre.autoencoder.networks.options import NetworkOptions
from sktimbre.exceptions import ParameterError

__all__ = ["ARCHITECTURES", "Architecture", "dilated", "dilated_residual", "residual", "shallow", "unet"]

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


def unet(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return a U-Net along frequency, which is ours and not the thesis's.

    It changes its input on a scale on which a gain is a shift. Four bins are taken together, and what they hold is told
    what is known of the frame's pitch (`PitchDictionary`) and where it lies (`Coordinates`). Convolutions look along
    frequency alone, at three resolutions unless ``depth`` says otherwise, and last of all at that of the input. At the
    lowest, dilated ones look 7 frames back and ahead, since an attack can only be told by what comes before and after it.

    Options that it has no use for are refused: ``tied_weights``, as its decoder is not its encoder turned round.

    References
    ----------
    .. [1] O. Ronneberger, P. Fischer and T. Brox, "U-Net: convolutional networks for biomedical image segmentation", MICCAI,
       2015.
    .. [2] A. Jansson et al., "Singing voice separation with deep U-Net convolutional networks", ISMIR, 2017.
    """
    if options.tied_weights:
        raise ParameterError(
            "tied_weights=True with architecture='unet': its decoder is not its encoder turned round. Set tied_weights=False."
        )
    return Blocks(options).unet(n_frequencies, levels=options.depth_or(3), bins=4, reach=options.reach, name="unet")


ARCHITECTURES: dict[str, Architecture] = {
    function.__name__: function for function in (shallow, dilated, residual, dilated_residual, unet)
}
