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
# log-magnitude spectra, and phase retrieval. With eight filters and thirty
# epochs the network is a toy; the defaults take longer.
from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer

autoencoder = TimbreAutoencoder(
    filters=8, epochs=30, validation_split=0, random_state=0
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
# Source, output and target, and where the output is wrong:
from sktimbre.plotting import LearningCurveDisplay, TransferDisplay

display = TransferDisplay.from_estimator(model, X_new, y_new, notes=[1, 2])

# %%
# The error of training and held-out notes, after each epoch. Training notes are varied
# anew in every epoch.
curves = LearningCurveDisplay.from_estimator(model)

# %%
# Is it any good?
# ---------------
# An error alone says nothing. Beside it stand those of doing nothing and of an
# equaliser that was told the answer: a model that is not clearly below both has
# learnt nothing that needs a network.
from sktimbre.baselines import IdentityBaseline, PerBinLinearBaseline

for name, regressor in {
    "identity": IdentityBaseline(),
    "per-bin linear": PerBinLinearBaseline(),
}.items():
    baseline = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=regressor).fit(
        X, y
    )
    print(f"{name:15} {-baseline.score(X_new, y_new):.3f}")
print(f"{'network':15} {-model.score(X_new, y_new):.3f}")
