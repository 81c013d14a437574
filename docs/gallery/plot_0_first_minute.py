"""
The first minute
================

Convert a recording with a model that comes with the package, and change its settings.
"""

# %%
# A recording
# -----------
# The package has a short phrase; `sktimbre.audio.read_audio` reads a file of yours.
import numpy as np
from IPython.display import Audio

from sktimbre import models
from sktimbre.datasets import load_phrase

model = models.load("to-clarinet")
phrase, sr = load_phrase(int(model.sr))
Audio(phrase, rate=sr, normalize=False)

# %%
# A model
# -------
# `models.names` lists the models, and `models.card` says what one was trained on, how it
# was judged and what it cannot do. ``sktimbre convert to-clarinet phrase.wav`` does the
# same as these lines:
card = models.card("to-clarinet")
print(card.sources, card.limits, sep="\n")
audio = model.predict([phrase])[0]
Audio(np.clip(audio, -1, 1), rate=sr, normalize=False)

# %%
# Look
# ----
# The partials of the output lie where those of the phrase lie, with other strengths.
from sktimbre.plotting import SpectrogramDisplay

SpectrogramDisplay.from_predictions(
    np.stack([phrase, audio]),
    sr=sr,
    names=["phrase", "output"],
    frequency_axis="log",
)

# %%
# Settings
# --------
# Settings of the conversion need no training. An octave lower:
lower = model.set_params(transpose=-12).predict([phrase])[0]
Audio(np.clip(lower, -1, 1), rate=sr, normalize=False)

# %%
# Half of the way from the phrase to the clarinet:
half = model.set_params(transpose=0, amount=0.5).predict([phrase])[0]
Audio(np.clip(half, -1, 1), rate=sr, normalize=False)

# %%
# Both at once, the clarinet a fifth higher:
both = model.set_params(amount=1, transpose=7, mix=0.5).predict([phrase])[0]
Audio(np.clip(both, -1, 1), rate=sr, normalize=False)

# %%
# Where to go from here
# ---------------------
# :doc:`/guide/shaping` describes all settings, :doc:`/guide/models` the models, and
# :doc:`plot_1_first_transfer` trains one.
