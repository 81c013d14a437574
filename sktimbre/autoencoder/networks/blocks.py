"""Building blocks of the architectures: convolutions, encoder levels, decoders, input and output."""

import math
from collections.abc import Callable

import keras
from keras import layers

from sktimbre.autoencoder.networks.harmonic_features import HarmonicFeatures
from sktimbre.autoencoder.networks.layers import Coordinates, KLSparsity, NonNegative, QuietLog, TiedConv2D
from sktimbre.autoencoder.networks.options import NetworkOptions
from sktimbre.autoencoder.networks.pitch_dictionary import PitchDictionary

__all__ = ["Blocks"]

# Gain of initial weights. A ReLU passes half of the power, for which a gain of 2 compensates (K. He, X. Zhang, S. Ren and J.
# Sun, "Delving deep into rectifiers", ICCV, 2015). A ReLU after the maximum of two convolutions passes 3/4 + 1/(2 pi) of the
# power; with a gain of 2 each dilated level would nearly double the power, and deep stacks were measured to start far from
# their target and to end with a constant output.
HE = 2.0
HE_OF_MAXIMUM = 1 / (3 / 4 + 1 / (2 * math.pi))
# The output starts near silence and grows towards the target; networks that started far above it were seen to collapse.
OUTPUT_GAIN = 0.02
# Channels of the U-Net's levels, as multiples of those of the first level.
UNET_WIDTHS = (1, 1.5, 2, 3)
# About the standard deviation of `QuietLog` spectra; the U-Net divides by it to have activations near one.
SPREAD = 3.0
# Channels of each bin after the U-Net has returned to single bins.
FINE = 4

Size = int | tuple[int, int]


class Blocks:
    """Make layers with one set of options; each has its own seed, so that no global random state is used."""

    def __init__(self, options: NetworkOptions):
        self.options = options
        self._seed = options.seed
        self._convs: list[layers.Layer] = []
        self._prefix = ""
        self._named = 0

    def seed(self) -> int:
        """Return the next seed."""
        self._seed = (self._seed * 1103515245 + 12345) % 2**31
        return self._seed

    def name(self, kind: str) -> str | None:
        """Return a name by which layer-wise training finds an encoder layer; None outside the encoder."""
        self._named += 1
        return f"{self._prefix}{kind}{self._named}" if self._prefix else None

    def level_filters(self, level: int) -> int:
        """Return the number of channels of an encoder level, counted from 0."""
        return self.options.filters * (1 if level < 2 else 2)

    def activate(self, x):
        """Apply the activation of the options."""
        if self.options.activation == "leaky_relu":
            return layers.LeakyReLU(negative_slope=0.1)(x)
        if self.options.activation == "prelu":
            return layers.PReLU(shared_axes=[1, 2], name=self.name("prelu"))(x)
        return layers.ReLU()(x)

    def conv(
        self, x, filters: int, kernel_size: Size, dilation: Size = 1, gain: float = HE, strides: Size = 1
    ) -> keras.KerasTensor:
        """Apply dropout and a zero-padded linear convolution; initial weights have the variance ``gain / fan_in``."""
        if self.options.dropout:
            x = layers.Dropout(self.options.dropout, seed=self.seed())(x)
        layer = layers.Conv2D(
            filters,
            kernel_size,
            strides,
            padding="same",
            dilation_rate=dilation,
            kernel_initializer=keras.initializers.VarianceScaling(gain, "fan_in", "truncated_normal", seed=self.seed()),
            kernel_regularizer=self._penalty(),
            name=self.name("conv"),
        )
        self._convs.append(layer)
        return layer(x)

    def dilated(self, x, filters: int, gain: float = HE) -> keras.KerasTensor:
        """Return the element-wise maximum of a 5x5 convolution dilated (4, 2) and a 3x3 one dilated (2, 1)."""
        gain *= HE_OF_MAXIMUM / HE
        return layers.Maximum()([self.conv(x, filters, 5, (4, 2), gain), self.conv(x, filters, 3, (2, 1), gain)])

    def plain(self, x, filters: int, gain: float = HE) -> keras.KerasTensor:
        """Apply a linear convolution with the kernel size of the options."""
        return self.conv(x, filters, self.options.kernel_size, gain=gain)

    def add_input(self, h, x) -> keras.KerasTensor:
        """Add a level's input to its output; a single channel is added to all, other numbers are matched by convolution."""
        if x.shape[-1] not in (1, h.shape[-1]):
            he = keras.initializers.HeNormal(seed=self.seed())
            x = layers.Conv2D(h.shape[-1], 1, kernel_initializer=he, name=self.name("shortcut"))(x)
        return layers.Add()([h, x])

    def autoencoder(
        self,
        n_frequencies: int,
        transform: Callable[..., keras.KerasTensor],
        *,
        residual: bool = False,
        pool: bool = False,
        name: str,
    ) -> keras.Model:
        """Return an autoencoder of the thesis: encoder levels of ``transform``, the code, and the mirrored decoder.

        Parameters
        ----------
        n_frequencies : int
            Number of frequencies of the input, zero-padded inside if pooling needs it.
        transform : callable(x, filters, gain)
            The linear part of each level: `plain` or `dilated`.
        residual : bool
            Whether each encoder level adds its input after its activation, and activates the sum.
        pool : bool
            Whether a single level ends in 2x2 max-pooling, undone by up-sampling in the decoder; several levels always do.
        name : str
            Name of the model.
        """
        options, depth = self.options, self.options.depth_or(1)
        pool = pool or options.pooled or depth > 1
        multiple = 2**depth if pool else 1
        mean_in, std_in, mean_out, std_out = options.standardization
        spectra = keras.Input((n_frequencies, None, 1), name="spectra")
        x = layers.ZeroPadding2D(((0, -n_frequencies % multiple), (0, 0)))(spectra) if multiple > 1 else spectra
        if (mean_in, std_in) != (0, 1):
            x = layers.Rescaling(1 / std_in, -mean_in / std_in)(x)
        encoder = []
        for level in range(depth):
            before = len(self._convs)
            self._prefix, self._named = f"level{level}_", 0
            # A residual level also adds the power of its input, so its convolution starts with a smaller gain.
            h = self.activate(transform(x, self.level_filters(level), HE / 4 if residual else HE))
            encoder.append(self._convs[before:])
            x = self.activate(self.add_input(h, x)) if residual else h
            x = layers.MaxPooling2D(2)(x) if pool else x
        self._prefix = ""
        x = self.code(x, spectra)
        x = self._tied_decoder(x, encoder, pool) if options.tied_weights else self._decoder(x, transform, pool)
        if multiple > 1:
            x = layers.Cropping2D(((0, -n_frequencies % multiple), (0, 0)))(x)
        if (mean_out, std_out) != (0, 1):
            x = layers.Rescaling(std_out, mean_out)(x)
        return keras.Model(spectra, NonNegative(name="output")(x), name=name)

    def unet(self, n_frequencies: int, *, levels: int, bins: int, reach: int, name: str) -> keras.Model:
        """Return a U-Net along frequency; see `architectures.unet`.

        Parameters
        ----------
        n_frequencies : int
            Number of frequencies of the input, zero-padded inside.
        levels : int
            Number of resolutions, each half of the previous one.
        bins : int
            Number of neighbouring bins that the first convolution joins.
        reach : int
            Number of convolutions along time at the lowest resolution, with dilations 1, 2, 4 and so on.
        name : str
            Name of the model.
        """
        missing = -n_frequencies % (bins * 2 ** (levels - 1))
        widths = [round(self.options.filters * width) for width in UNET_WIDTHS[:levels]]
        mean_in, std_in, *_ = self.options.standardization
        spectra = keras.Input((n_frequencies, None, 1), name="spectra")
        quiet = QuietLog()(spectra)
        pitches = self.options.pitches
        features = [
            layers.Rescaling(1 / std_in, -mean_in / std_in)(spectra),
            layers.Rescaling(1 / SPREAD, -1 / 2)(quiet),
            HarmonicFeatures(pitches)(spectra) if pitches else PitchDictionary()(spectra),
        ]
        features = layers.Concatenate()(features)
        x = layers.ZeroPadding2D(((0, missing), (0, 0)))(features)
        x = Coordinates()(self.conv(x, widths[0], (bins, 1), strides=(bins, 1)))
        skips = []
        for level, width in enumerate(widths):
            if level:
                skips.append(x)
                x = layers.AveragePooling2D((2, 1))(x)
            x = self.along_frequency(x, width)
        for n in range(reach):
            h = self.activate(self.conv(x, widths[-1], (1, 3), (1, 2**n)))
            x = layers.Add()([x, self.conv(h, widths[-1], 1, gain=HE / 20)])
        x = self.code(x, spectra)
        for width, skip in zip(widths[-2::-1], skips[::-1], strict=True):
            x = self.along_frequency(layers.Concatenate()([layers.UpSampling2D((2, 1))(x), skip]), width)
        # Return to single bins and append the input features again: partials are located to less than a bin.
        x = layers.Reshape((x.shape[1], -1, bins, FINE))(self.conv(x, bins * FINE, 1))
        x = layers.Reshape((n_frequencies + missing, -1, FINE))(layers.Permute((1, 3, 2, 4))(x))
        x = layers.Concatenate()([layers.Cropping2D(((0, missing), (0, 0)))(x), features])
        x = self.conv(self.along_frequency(x, 2 * FINE), 1, (self.options.kernel_size, 1), gain=OUTPUT_GAIN)
        # The network predicts a change of the `QuietLog` spectra, on which a gain is a shift.
        x = layers.Add()([layers.Rescaling(SPREAD)(x), quiet])
        return keras.Model(spectra, QuietLog(inverse=True, name="output")(NonNegative()(x)), name=name)

    def along_frequency(self, x, filters: int) -> keras.KerasTensor:
        """Apply two convolutions along frequency, each with an activation."""
        for _ in range(2):
            x = self.activate(self.conv(x, filters, (self.options.kernel_size, 1)))
        return x

    def code(self, x, spectra) -> keras.KerasTensor:
        """Name the code, and add the sparsity penalty if its weight is not 0."""
        if self.options.sparsity_weight:
            x = KLSparsity(self.options.sparsity_target, self.options.sparsity_weight)([x, spectra])
        return layers.Identity(name="code")(x)

    def _decoder(self, x, transform, pool):
        # With pooling, each level is up-sampled before the output layer; without, the output layer follows the code.
        depth = self.options.depth_or(1)
        for level in reversed(range(depth if pool else depth - 1)):
            x = self.activate(transform(x, self.level_filters(level)))
            x = layers.UpSampling2D(2)(x) if pool else x
        return transform(x, 1, OUTPUT_GAIN)

    def _tied_decoder(self, x, encoder, pool):
        for level in reversed(range(self.options.depth_or(1))):
            if pool:
                x = layers.UpSampling2D(2)(x)
            outputs = [TiedConv2D(conv)(x) for conv in encoder[level]]
            x = layers.Maximum()(outputs) if len(outputs) > 1 else outputs[0]
            if level:
                x = self.activate(x)
        return x

    def _penalty(self):
        l1, l2 = self.options.l1, self.options.l2
        return keras.regularizers.L1L2(l1=l1, l2=l2) if l1 or l2 else None
