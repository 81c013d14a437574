"""
First transfer
==============

Notes of one instrument into notes of another: train, listen, and see whether anything was learnt.
"""

# %%
# Notes
# -----
# A pair is the same note played by both instruments. Here they are synthetic;
# `load_paired_notes` reads them from two folders. Every fifth pitch is held out, so
# that what is judged below was never heard in training.
import numpy as np
from IPython.display import Audio

from sktimbre.datasets import make_paired_notes

notes = make_paired_notes(25, duration=0.5, instruments=("flute", "clarinet"))
held_out = np.arange(25) % 5 == 2
X, y = notes.source[~held_out], notes.target[~held_out]
X_new, y_new = notes.source[held_out], notes.target[held_out]
X.shape

# %%
# Model
# -----
# `TimbreTransfer` is audio in, audio out: one STFT for both sides, a network on
# log-magnitude spectra, and phase retrieval. With eight filters the network is a toy;
# the default has 32 and takes minutes on real notes.
from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer

autoencoder = TimbreAutoencoder(
    "dilated_residual",
    filters=8,
    epochs=60,
    optimizer__learning_rate=3e-3,
    validation_split=0,
    random_state=0,
)
model = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=autoencoder)
model.fit(X, y, validation_data=(X_new, y_new))
audio = model.predict(X_new)

# %%
# Listen
# ------
# A held-out note of the flute,
Audio(X_new[2], rate=notes.sr, normalize=False)

# %%
# what the model makes of it,
Audio(np.clip(audio[2], -1, 1), rate=notes.sr, normalize=False)

# %%
# and the clarinet's own.
Audio(y_new[2], rate=notes.sr, normalize=False)

# %%
# Look
# ----
# The spectra of the three, in dB:
from matplotlib.figure import Figure

from sktimbre.spectral import stft

figure = Figure(figsize=(9, 3.5), layout="constrained")
sounds = {"flute": X_new[2], "model": audio[2], "clarinet": y_new[2]}
for axes, (name, sound) in zip(
    figure.subplots(1, 3, sharey=True), sounds.items(), strict=True
):
    extent = (0, len(sound) / notes.sr, 0, notes.sr / 2000)
    level = 20 * np.log10(np.abs(stft(sound)) + 1e-2)
    axes.imshow(level, origin="lower", aspect="auto", cmap="magma", extent=extent)
    axes.set(title=name, xlabel="time (s)", ylabel="frequency (kHz)")
    axes.label_outer()

# %%
# The error of training and held-out notes, after each epoch:
history = model.autoencoder_.history_
figure = Figure(figsize=(7, 3), layout="constrained")
axes = figure.subplots()
axes.semilogy(history["reconstruction_error"], label="training notes")
axes.semilogy(history["val_reconstruction_error"], label="held-out notes")
axes.set(xlabel="epoch", ylabel="reconstruction error")
_ = axes.legend()

# %%
# Is it any good?
# ---------------
# An error alone says nothing. Beside it stand those of doing nothing and of an
# equaliser that was told the answer: a model that is not clearly below both has
# learnt nothing that needs a network.
from sktimbre.metrics import IdentityControl, PerBinLinearControl

for name, regressor in {
    "identity": IdentityControl(),
    "per-bin linear": PerBinLinearControl(),
}.items():
    control = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=regressor).fit(
        X, y
    )
    print(f"{name:15} {-control.score(X_new, y_new):.3f}")
print(f"{'network':15} {-model.score(X_new, y_new):.3f}")
