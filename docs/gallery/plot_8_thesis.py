"""
The thesis, reproduced
======================

Compare the networks of M. Paterna, "Timbre modification using deep learning" (MSc
thesis, Aalborg University Copenhagen, 2017).
"""

# %%
# ``python benchmarks/thesis.py`` trains every row of the thesis's table 3.1, and its
# sweeps, on real notes and writes JSON. This page shows the results with the largest
# available budget. Without results, it trains very small networks of the table on
# synthetic notes for a few epochs, only to show the procedure.
import json
from pathlib import Path

results = Path("..", "..", "benchmarks", "results")
found = [
    results / f"thesis_transformation_{budget}.json"
    for budget in ("full", "cpu", "smoke")
]
stored = next(
    (json.loads(path.read_text()) for path in found if path.exists()), None
)

# %%
from sktimbre import LogSTFT, TimbreAutoencoder
from sktimbre.baselines import IdentityBaseline
from sktimbre.datasets import make_paired_notes

NETWORKS = {
    "base": {"architecture": "shallow"},
    "2 layers": {"architecture": "shallow", "depth": 2, "pretraining": "layerwise"},
    "dilated": {"architecture": "dilated"},
    "residual": {"architecture": "residual"},
    "dilated + residual": {"architecture": "dilated_residual"},
}


def mini():
    """Return results on synthetic notes, in the form of the benchmark's."""
    notes = make_paired_notes(12, duration=0.4)
    S, T = (
        LogSTFT(n_fft=256).fit_transform(side)
        for side in (notes.source, notes.target)
    )
    validation = S[1::4], T[1::4]
    identity = -IdentityBaseline().fit(S, T).score(*validation)
    rows = {}
    for name, parameters in NETWORKS.items():
        network = TimbreAutoencoder(
            **parameters,
            filters=4,
            epochs=12,
            optimizer__learning_rate=3e-3,
            l2=1e-4,
            random_state=0,
        )
        history = network.fit(S, T, validation_data=validation).history_
        error = sum(history["val_reconstruction_error"][-3:]) / 3
        rows[name] = {
            "group": "table 3.1",
            "error": error,
            "published": None,
            "history": history,
        }
    return {
        "budget": {"epochs": 12, "filters": 4},
        "baselines": {"identity": identity},
        "rows": rows,
    }


study = stored or mini()
rows = {
    name: row for name, row in study["rows"].items() if row["group"] == "table 3.1"
}
print("Real notes." if stored else "Synthetic notes, a miniature.", study["budget"])

# %%
# The table
# ---------
# Errors depend on the level and the padding of the notes, so compare their ratios to the
# errors of the base network and of the identity.
base = rows["base"]
print(f"{'':32}{'error':>8}{'/ base':>8}{'/ identity':>12}{'published / base':>18}")
for name, row in rows.items():
    published = (
        f"{row['published'] / base['published']:18.2f}" if row["published"] else ""
    )
    error = row["error"]
    print(
        f"{name:32}{error:8.4f}{error / base['error']:8.2f}{error / study['baselines']['identity']:12.2f}{published}"
    )

# %%
# The curves
# ----------
# Validation error after each epoch, on a logarithmic scale as in the thesis's figures
# 3.9 to 3.12. In layerwise training the curve starts again with each layer.
from matplotlib.figure import Figure

figure = Figure(figsize=(8, 4.5), layout="constrained")
axes = figure.subplots()
for name, row in rows.items():
    errors = row["history"]["val_reconstruction_error"]
    axes.semilogy(range(1, len(errors) + 1), errors, label=name)
axes.axhline(
    study["baselines"]["identity"], color="grey", linestyle=":", label="identity"
)
axes.set(xlabel="epoch", ylabel="reconstruction error, validation notes")
axes.grid(alpha=0.3, which="both")
_ = axes.legend(fontsize=8)
