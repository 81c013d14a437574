"""
A metric of your own
====================

Make a scorer from a function of true and predicted audio, and compare a network with baselines by it.
"""

# %%
# The function
# ------------
# Brightness is the centroid of the spectrum. The metric is its distance between
# prediction and target in octaves, the mean over notes; 0 is best. `stft` of
# `sktimbre.spectral` transforms one note.
import numpy as np

from sktimbre.spectral import stft


def brightness(y, sr=22050):
    """Return the spectral centroid of each note in Hz."""
    powers = [
        np.mean(np.abs(stft(np.asarray(note, np.float32))) ** 2, axis=1)
        for note in y
    ]
    frequencies = np.linspace(0, sr / 2, len(powers[0]))
    return np.array([power @ frequencies / power.sum() for power in powers])


def brightness_error(y_true, y_pred, sr=22050):
    """Return the mean distance of brightness in octaves."""
    return float(
        np.mean(np.abs(np.log2(brightness(y_pred, sr) / brightness(y_true, sr))))
    )


# %%
# The darkest and the brightest of some notes, one after the other:
from IPython.display import Audio

from sktimbre.datasets import make_paired_notes

notes = make_paired_notes(25, duration=0.5)
order = np.argsort(brightness(notes.target))
Audio(np.concatenate(notes.target[order[[0, -1]]]), rate=notes.sr, normalize=False)

# %%
# As a scorer
# -----------
# Scikit-learn's ``make_scorer`` makes the scorer. It negates a distance, so that higher
# is better.
from sklearn.metrics import make_scorer
from sklearn.model_selection import ShuffleSplit, cross_validate

from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.baselines import IdentityBaseline, PerBinLinearBaseline
from sktimbre.metrics import get_scorer

scoring = {
    "brightness": make_scorer(brightness_error, greater_is_better=False),
    "error": get_scorer("neg_reconstruction_error", n_fft=512),
    "LSD": get_scorer("neg_log_spectral_distance", n_fft=512),
}
network = TimbreAutoencoder(
    filters=8, epochs=20, validation_split=0, random_state=0
)
means = {}
print(" " * 15, *(f"{metric:>10}" for metric in scoring))
for name, regressor in {
    "identity": IdentityBaseline(),
    "per-bin linear": PerBinLinearBaseline(),
    "network": network,
}.items():
    model = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=regressor)
    one_split = ShuffleSplit(1, test_size=0.2, random_state=0)
    scores = cross_validate(
        model, notes.source, notes.target, scoring=scoring, cv=one_split
    )
    means[name] = [-scores[f"test_{metric}"].mean() for metric in scoring]
    print(f"{name:15}", *(f"{value:10.3f}" for value in means[name]))

# %%
from matplotlib.figure import Figure

figure = Figure(figsize=(8, 2.8), layout="constrained")
for i, (axes, metric) in enumerate(
    zip(figure.subplots(1, 3), scoring, strict=True)
):
    axes.bar(list(means), [values[i] for values in means.values()])
    axes.set_title(metric)
    axes.tick_params("x", rotation=20)

# %%
# Metrics may disagree, and a metric on which baselines win is no evidence for a network.
# Before you rely on your own metric, compute it for the unchanged source and for the
# true target: the worst and the best values of interest.
(
    brightness_error(notes.target, notes.source),
    brightness_error(notes.target, notes.target),
)
