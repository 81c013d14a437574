"""
A sweep that one can hear
=========================

Vary one parameter of the training and one of the conversion, and listen to each value.
"""

# %%
# A parameter of the training
# ---------------------------
# The same network, trained for 2, 10 and 40 epochs. One pitch is held out.
import numpy as np
from IPython.display import Audio

from sktimbre import TimbreAutoencoder, TimbreTransfer
from sktimbre.datasets import make_paired_notes

notes = make_paired_notes(12, duration=0.6, random_state=0)
held_out = np.arange(12) == 6
source, target = notes.source[held_out][0], notes.target[held_out][0]
heard = [source]
for epochs in (2, 10, 40):
    network = TimbreAutoencoder(
        filters=8, epochs=epochs, validation_split=0, random_state=0
    )
    model = TimbreTransfer(autoencoder=network, sr=notes.sr)
    model.fit(notes.source[~held_out], notes.target[~held_out])
    error = -model.score(source[np.newaxis], target[np.newaxis])
    print(f"{epochs:2} epochs: error {error:.3f}")
    heard.append(model.predict([source])[0])
heard.append(target)

# %%
# The source, the three outputs, and the target, one after another:
Audio(np.clip(np.concatenate(heard), -1, 1), rate=notes.sr, normalize=False)

# %%
# Their spectrograms, in the same order:
from sktimbre.plotting import SpectrogramDisplay

display = SpectrogramDisplay.from_predictions(
    np.stack(heard),
    sr=notes.sr,
    names=["source", "2 epochs", "10 epochs", "40 epochs", "target"],
)

# %%
# A parameter of the conversion
# -----------------------------
# `amount` needs no training: from the phrase (0) to the clarinet (1) in steps of a
# quarter, with a second of each.
from sktimbre import models
from sktimbre.datasets import load_phrase

model = models.load("to-clarinet")
phrase, sr = load_phrase(int(model.sr))
second = phrase[sr : 2 * sr]
steps = [
    model.set_params(amount=amount).predict([second])[0]
    for amount in (0, 0.25, 0.5, 0.75, 1)
]
Audio(np.clip(np.concatenate(steps), -1, 1), rate=sr, normalize=False)

# %%
# Others are ``transpose``, ``mix``, ``keep_noise``, ``noise`` and ``loudness``
# (:doc:`/guide/shaping`). `sklearn.model_selection.GridSearchCV` searches all of them:
# :doc:`plot_2_pipeline_search`.
