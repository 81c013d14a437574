"""The receptive field of a network, measured."""

from typing import Any, NamedTuple

import numpy as np

from sktimbre.autoencoder.backend.running import run

__all__ = ["FURTHEST_FRAMES", "ReceptiveField", "receptive_field"]

# Networks with a receptive field of at least this many frames are given whole notes.
FURTHEST_FRAMES = 512


class ReceptiveField(NamedTuple):
    """Frames and bins of the input that one output value depends on."""

    frames: int
    bins: int


def receptive_field(model: Any) -> ReceptiveField:
    """Measure the receptive field of a model, whose weights are changed.

    The weights become equal and positive. The input is silence with one frame changed, and with one bin changed; the changed
    outputs are counted. The result contains every connection, whatever the weights were.

    Parameters
    ----------
    model : keras.Model
        From spectra (batch, n_frequencies, n_frames, 1) to the same shape.
    """
    n_frequencies = model.input.shape[1]
    # Each layer averages its input, without offset: float32 neither overflows nor rounds small contributions away.
    weights = []
    for w in model.weights:
        offset = w.name in ("bias", "beta", "moving_mean")
        weights.append(np.full(w.shape, 0 if offset else 1 / max(1, np.prod(w.shape[:-1])), np.float32))
    model.set_weights(weights)
    n_frames = 2 * FURTHEST_FRAMES
    spectra = np.zeros((3, n_frequencies, n_frames, 1), np.float32)
    spectra[1, :, n_frames // 2] = spectra[2, n_frequencies // 2] = 1e6
    silence, frame, bin_ = _run_once(model, weights, spectra)
    _, frames, _ = np.nonzero(frame != silence)
    bins, _, _ = np.nonzero(bin_ != silence)
    return ReceptiveField(*(int(np.ptp(seen)) + 1 if len(seen) else 0 for seen in (frames, bins)))


def _run_once(model, weights, x):
    """Return the output of a model by ONNX Runtime, which needs no compilation for a new shape, or else by Keras."""
    from sktimbre.autoencoder.graph.export import exported
    from sktimbre.autoencoder.graph.session import new_session

    try:
        return new_session(exported(model), weights, x.shape[1]).run(None, {"spectra": x})[0]
    except Exception:  # as in `Network.export`
        return run(model, x)
