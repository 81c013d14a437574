"""
An architecture of your own
===========================

Train your own Keras network, with spectra of the same shape as input and output.
"""

# %%
# The function
# ------------
# An architecture is a plain function. It takes the number of frequencies and
# `NetworkOptions`, and returns a ``keras.Model``. The input of the model has the shape
# ``(batch, n_frequencies, n_frames, 1)`` with any number of frames, and so has its
# output. The function may ignore options, but it should use the seed, so that equal
# seeds give equal networks.
#
# This network has tall kernels: each value depends on many frequencies of one frame. It
# predicts a correction of the source. A layer named ``code`` makes ``encode`` work.
import keras

from sktimbre.autoencoder import NetworkOptions


def tall(n_frequencies: int, options: NetworkOptions) -> keras.Model:
    """Return a network that corrects each frame by convolutions along frequency."""
    layers, seed = keras.layers, options.seed
    he = keras.initializers.HeNormal(seed)
    small = keras.initializers.RandomNormal(stddev=0.01, seed=seed)

    spectra = keras.Input((n_frequencies, None, 1))
    size = {"kernel_size": (25, 1), "padding": "same"}
    code = layers.Conv2D(options.filters, **size, kernel_initializer=he)(spectra)
    code = layers.ReLU(name="code")(code)
    change = layers.Conv2D(1, **size, kernel_initializer=small)(code)
    output = layers.ReLU()(layers.Add()([spectra, change]))
    return keras.Model(spectra, output, name="tall")


# %%
# Training
# --------
# Everything else works as with the built-in networks: training, early stopping, padding
# of notes of different lengths, notes on disk, pickling.
import numpy as np

from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes

notes = make_paired_notes(25, duration=0.5)
held_out = np.arange(25) % 5 == 2
outputs = {}
for architecture in (tall, "shallow"):
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
    name = getattr(architecture, "__name__", architecture)
    outputs[name] = model.predict(notes.source[held_out])
    print(
        f"{name:8} {model.autoencoder_.n_parameters_:5d} weights, error {error:.3f}"
    )

# %%
# A held-out note by both networks, and the target:
from IPython.display import Audio

three = [outputs["tall"][2], outputs["shallow"][2], notes.target[held_out][2]]
Audio(np.clip(np.concatenate(three), -1, 1), rate=notes.sr, normalize=False)

# %%
# The code of a note, one picture for each filter:
from matplotlib.figure import Figure

stft = LogSTFT(n_fft=512)
autoencoder = TimbreAutoencoder(
    tall, filters=8, epochs=10, validation_split=0, random_state=0
)
S, T = stft.fit_transform(notes.source), stft.transform(notes.target)
code = autoencoder.fit(S, T).encode(S[12:13])
figure = Figure(figsize=(8, 3), layout="constrained")
for channel, axes in enumerate(figure.subplots(1, 8)):
    axes.imshow(code[0, ..., channel], origin="lower", aspect="auto", cmap="magma")
    axes.set_axis_off()

# %%
# Saving
# ------
# A file of `sktimbre.save` holds the name of the function, not its code. Put the
# function into a module that can be imported, and name it when you load the file:
# ``sktimbre.load("model.sktimbre", trusted=["mypackage.networks.tall"])``.
