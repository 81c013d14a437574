"""
Phase retrieval on its own
==========================

Invert spectra to audio without any network: initial phases, algorithms, quality, and streaming.
"""

# %%
# Transform and invert
# --------------------
# `LogSTFT` leaves the phase out. `GriffinLimInverter` finds audio with the same
# magnitudes.
import numpy as np
from IPython.display import Audio

from sktimbre import GriffinLimInverter, LogSTFT
from sktimbre.datasets import make_paired_notes

notes = make_paired_notes(6, duration=1.0, instruments=("string", "brass"))
S = LogSTFT().fit_transform(notes.source)
inverter = GriffinLimInverter()
audio = inverter.fit_transform(S)
Audio(audio[2], rate=notes.sr, normalize=False)

# %%
# Spectral convergence measures the distance between the spectra of the audio and the
# given spectra; lower is better.
20 * np.log10(inverter.spectral_convergence_)

# %%
# The initial phase matters more than the iterations
# --------------------------------------------------
from matplotlib.figure import Figure

iterations = [0, 3, 10, 30, 100]
recipes = {
    "thesis: random phase, Griffin-Lim": {"init": "random", "algorithm": "gla"},
    "random phase, accelerated": {"init": "random"},
    "phase gradient, accelerated (default)": {},
}
figure = Figure(figsize=(7, 3.5), layout="constrained")
axes = figure.subplots()
for name, parameters in recipes.items():
    convergence = [
        GriffinLimInverter(n_iter=n, random_state=0, **parameters)
        .fit(S)
        .invert(S, return_report=True)[1][0]
        .mean()
        for n in iterations
    ]
    axes.plot(range(len(iterations)), 20 * np.log10(convergence), "o-", label=name)
axes.set(
    xlabel="iterations",
    ylabel="spectral convergence (dB)",
    xticks=range(len(iterations)),
    xticklabels=iterations,
)
axes.grid(alpha=0.3)
_ = axes.legend()

# %%
# Early stopping
# --------------
# With ``tol`` the iterations on a note stop when they no longer improve it.
stopped = GriffinLimInverter(n_iter=200, tol=3e-2).fit(S)
stopped.fit_transform(S)
stopped.n_iter_

# %%
# A known phase
# -------------
# If the spectra of a sound are changed only a little, its own phase is the best initial
# phase. Here the upper half of the spectrum is attenuated by 20 dB.
stft = LogSTFT()
magnitudes = np.expm1(S)
magnitudes[:, S.shape[1] // 2 :] /= 10
darker = inverter.invert(
    np.log1p(magnitudes), phase=stft.complex_transform(notes.source)
)
darker.shape

# %%
# Streaming
# ---------
# `StreamingInverter` returns audio while frames arrive, with a bounded latency and
# bounded memory.
from sktimbre import StreamingInverter

stream = StreamingInverter(chunk=8, look_ahead=4)
pieces = [
    stream.push(S[0][:, start : start + 5]) for start in range(0, S.shape[2], 5)
]
pieces.append(stream.finish())
print(
    [len(piece) for piece in pieces],
    f"latency: {1000 * stream.latency / notes.sr:.0f} ms",
)
