"""
Live
====

Convert sound while it is played, with a delay that you choose.
"""

# %%
# From a microphone
# -----------------
# ``sktimbre live to-clarinet`` converts what the microphone hears and plays it
# (``pip install '.[live]'``). ``--latency`` is the delay in seconds, and the settings of
# the conversion are options: ``sktimbre live to-clarinet --latency 0.08 --transpose 12``.
#
# In a program of yours
# ---------------------
# `TimbreTransfer.predict_blocks` takes blocks from any source as they come, and yields
# converted ones. Here they come from a recording, in blocks of 10 ms.
import numpy as np
from IPython.display import Audio

from sktimbre import models
from sktimbre.datasets import load_phrase

model = models.load("to-clarinet")
phrase, sr = load_phrase(int(model.sr))
blocks = np.array_split(phrase, len(phrase) // (sr // 100))
live = np.concatenate(list(model.predict_blocks(iter(blocks), latency=0.15)))
Audio(np.clip(live, -1, 1), rate=sr, normalize=False)

# %%
# The whole recording at once, for comparison:
whole = model.predict([phrase])[0]
Audio(np.clip(whole, -1, 1), rate=sr, normalize=False)

# %%
# What the delay costs
# --------------------
# With less delay the network sees less of what follows, and levels are judged by the
# past alone. The distance to the conversion of the whole recording, in dB:
from sktimbre import LogSTFT
from sktimbre.metrics import log_spectral_distance

stft = LogSTFT(n_fft=model.stft_.geometry.n_fft)
S = stft.fit_transform(whole[np.newaxis])
for latency in (0.1, 0.15, 0.3):
    audio = np.concatenate(
        list(model.predict_blocks(iter(blocks), latency=latency))
    )
    distance = log_spectral_distance(S, stft.transform(audio[np.newaxis]))
    print(f"{1000 * latency:3.0f} ms: {distance:.1f} dB")
