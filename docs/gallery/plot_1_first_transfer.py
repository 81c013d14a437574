"""
First transfer
==============

Train a model to convert notes of one instrument to another, listen to the result, and compare it with baselines.
"""

# %%
# Notes
# -----
# A pair is the same note played by both instruments. Here the notes are synthetic;
# `load_paired_notes` reads notes from two folders. Every fifth pitch is held out of
# the training and used for the evaluation below.
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
# `TimbreTransfer` converts audio to audio: an STFT for source and target, a network on
# log-magnitude spectra, and phase retrieval. Eight filters and thirty epochs make a
# toy network; the defaults take longer.
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
# A held-out note of the flute:
Audio(X_new[2], rate=notes.sr, normalize=False)

# %%
# The same note, converted:
Audio(np.clip(audio[2], -1, 1), rate=notes.sr, normalize=False)

# %%
# The same note, played by the clarinet:
Audio(y_new[2], rate=notes.sr, normalize=False)

# %%
# Look
# ----
# Source, output, target, and the difference of output and target:
from sktimbre.plotting import LearningCurveDisplay, TransferDisplay

display = TransferDisplay.from_estimator(model, X_new, y_new, notes=[1, 2])

# %%
# The error on training and held-out notes after each epoch. Every epoch draws new
# variations of the training notes.
curves = LearningCurveDisplay.from_estimator(model)

# %%
# Compare with baselines
# ----------------------
# An error means nothing by itself. Compare it with the errors of the unchanged source
# and of an equaliser fitted to the training pairs. A network is only useful if its
# error is clearly below both.
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
