"""
An architecture of your own
===========================

Any Keras network that keeps the shape of spectra can take the place of the built-in ones.
"""

# %%
# The function
# ------------
# An architecture is a plain function: the number of frequencies and a
# `NetworkOptions` in, a ``keras.Model`` out. The model takes ``(batch, n_frequencies,
# n_frames, 1)``, any number of frames, and returns the same shape. From the options
# it reads what it can use; the seed should be among it, so that equal seeds give
# equal networks.
#
# This one looks at a whole frame at once: a dense layer over frequency in place of
# small convolutions. It is a low-rank equaliser with a non-linearity. A layer named
# ``code`` makes ``encode`` and ``decode`` work.
import keras

from sktimbre.autoencoder import NetworkOptions


def whole_frames(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return a network that maps each frame through a small code."""
    initial = keras.initializers.GlorotUniform(seed=options.seed)
    spectra = keras.Input((n_frequencies, None, 1))
    frames = keras.layers.Permute((2, 1, 3))(spectra)
    frames = keras.layers.Reshape((-1, n_frequencies))(frames)
    code = keras.layers.Dense(
        options.filters, options.activation, kernel_initializer=initial
    )(frames)
    code = keras.layers.Identity(name="code")(code)
    output = keras.layers.Dense(n_frequencies, "softplus", kernel_initializer=initial)(
        code
    )
    output = keras.layers.Reshape((-1, n_frequencies, 1))(output)
    return keras.Model(
        spectra, keras.layers.Permute((2, 1, 3))(output), name="whole_frames"
    )


# %%
# In use
# ------
# Everything else is as with the built-in networks: training, early stopping, padding
# of notes of different lengths, memory, pickling.
import numpy as np

from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes

notes = make_paired_notes(25, duration=0.5)
held_out = np.arange(25) % 5 == 2
for architecture in (whole_frames, "shallow"):
    autoencoder = TimbreAutoencoder(
        architecture,
        filters=8,
        epochs=30,
        optimizer__learning_rate=3e-3,
        validation_split=0,
        random_state=0,
    )
    model = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=autoencoder)
    model.fit(notes.source[~held_out], notes.target[~held_out])
    error = -model.score(notes.source[held_out], notes.target[held_out])
    print(
        f"{architecture!s:.25} {model.autoencoder_.n_parameters_:8d} weights, error {error:.3f}, {model.receptive_field_}"
    )

# %%
# The receptive field was found by looking at the network: one frame, all frequencies.
#
# The code of a note has as many values in each frame as the network has filters:
from matplotlib.figure import Figure

example = TimbreAutoencoder(
    whole_frames, filters=8, epochs=30, validation_split=0, random_state=0
)
S = LogSTFT(n_fft=512).fit_transform(notes.source)
code = example.fit(S).encode(S[12:13])[0, :, :]
figure = Figure(figsize=(7, 2.5), layout="constrained")
axes = figure.subplots()
axes.plot(code.reshape(-1, 8))
_ = axes.set(xlabel="frame", ylabel="code")

# %%
#
# Saving
# ------
# A file of `sktimbre.save` names the function and does not hold it. Put it into a
# module that can be imported, and tell `load` that you trust it:
# ``sktimbre.load("model.sktimbre", trusted=["mypackage.networks.whole_frames"])``.
