"""Recognise a network whose training has collapsed: a constant output."""

import warnings

import numpy as np

from sktimbre._utils.validation import Batch
from sktimbre.autoencoder.network import Network
from sktimbre.exceptions import CollapsedModelWarning

__all__ = ["warn_if_collapsed"]

# Number of notes on which `warn_if_collapsed` runs a network.
NOTES_LOOKED_AT = 8


def warn_if_collapsed(network: Network, S: Batch, T: Batch) -> None:
    """Warn if the network's output for the first notes is constant although their targets vary."""
    S, T = S[:NOTES_LOOKED_AT], T[:NOTES_LOOKED_AT]
    predicted = network.predict(S)
    expected = np.concatenate([t.ravel() for t in T]).std()
    spread = np.concatenate([p.ravel() for p in predicted]).std()
    if spread <= 1e-3 * expected and expected > 0:
        warnings.warn(
            f"The network has collapsed: its output is about {predicted[0].mean():.3g} for any input (standard deviation "
            f"{spread:.2g}, that of the target {expected:.2g}). Lower optimizer__learning_rate, set "
            "optimizer__clipnorm=1.0, use activation='leaky_relu', or lower l1, l2 and sparsity_weight.",
            CollapsedModelWarning,
            stacklevel=3,
        )
