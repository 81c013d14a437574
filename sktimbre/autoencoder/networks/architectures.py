"""Architectures: functions that return a `keras.Model` for a number of frequencies and options.

A network maps spectra of shape (batch, n_frequencies, n_frames, 1) to the same shape; n_frames is any multiple of its pooling
factor. The layer named "code" outputs the code.
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

    With a depth of 2 or more, each encoder level ends in pooling.
    """
    blocks = Blocks(options)
    return blocks.autoencoder(n_frequencies, blocks.plain, name="shallow")


def dilated(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return the dilated model (figure 3.2): each level is the maximum of a wide and a narrow dilated convolution.

    With a depth of 2 or more, each encoder level ends in pooling.
    """
    blocks = Blocks(options)
    return blocks.autoencoder(n_frequencies, blocks.dilated, name="dilated")


def residual(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return the residual model (figure 3.3): each encoder level adds its input to its output.

    With a depth of 2 or more, each encoder level ends in pooling.
    """
    blocks = Blocks(options)
    return blocks.autoencoder(n_frequencies, blocks.plain, residual=True, name="residual")


def dilated_residual(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return the thesis's best model (figure 3.4): dilated convolutions, a residual encoder, pooling at every level."""
    blocks = Blocks(options)
    return blocks.autoencoder(n_frequencies, blocks.dilated, residual=True, pool=True, name="dilated_residual")


def unet(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return a U-Net along frequency (not in the thesis).

    The network predicts a change of its input on the scale ``log(1 + abs(STFT) / 0.02)``, on which a gain is a shift. Its
    input channels are the spectra on both scales and learnt spectra for the frame's pitch (`PitchDictionary`). The first
    convolution joins four bins, and `Coordinates` appends their frequency. Further convolutions run along frequency only, at
    ``depth`` resolutions (3 by default) and finally at the resolution of the input. At the lowest resolution, dilated
    convolutions along time have a context of 7 frames before and after, from which attacks are recognized.

    ``tied_weights=True`` is refused, since the decoder does not mirror the encoder.

    References
    ----------
    .. [1] O. Ronneberger, P. Fischer and T. Brox, "U-Net: convolutional networks for biomedical image segmentation", MICCAI,
       2015.
    .. [2] A. Jansson et al., "Singing voice separation with deep U-Net convolutional networks", ISMIR, 2017.
    """
    if options.tied_weights:
        raise ParameterError(
            "tied_weights=True needs a decoder that mirrors the encoder; architecture='unet' has another one. Set "
            "tied_weights=False."
        )
    return Blocks(options).unet(n_frequencies, levels=options.depth_or(3), bins=4, reach=options.reach, name="unet")


ARCHITECTURES: dict[str, Architecture] = {
    function.__name__: function for function in (shallow, dilated, residual, dilated_residual, unet)
}
