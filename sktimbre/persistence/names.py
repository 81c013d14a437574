"""Short names of sktimbre's types and functions in files; they stay the same when modules move."""

from typing import Any

from sktimbre._utils.moved import MOVED, RENAMED

__all__ = ["PLACES", "with_places", "with_short_names"]

# Types and functions that files may name, besides those of scikit-learn, numpy and scipy that skops trusts, and their
# modules. Creating them runs no code from the file.
PLACES = {
    "GriffinLimInverter": "sktimbre.spectral.inverter",
    "IdentityBaseline": "sktimbre.baselines.regressors",
    "LogSTFT": "sktimbre.spectral.log_stft",
    "MosaicBaseline": "sktimbre.baselines.mosaic",
    "Network": "sktimbre.autoencoder.network",
    "NetworkOptions": "sktimbre.autoencoder.networks.options",
    "PairAugmenter": "sktimbre.autoencoder.data.augmentation",
    "PerBinLinearBaseline": "sktimbre.baselines.regressors",
    "PhaseOracleBaseline": "sktimbre.baselines.regressors",
    "SpectralEnvelopeBaseline": "sktimbre.baselines.envelope",
    "TimbreAutoencoder": "sktimbre.autoencoder.estimator",
    "TimbreTransfer": "sktimbre.transfer.estimator",
    "TransposedNeighboursBaseline": "sktimbre.baselines.transposition",
    "dilated": "sktimbre.autoencoder.networks.architectures",
    "dilated_residual": "sktimbre.autoencoder.networks.architectures",
    "residual": "sktimbre.autoencoder.networks.architectures",
    "shallow": "sktimbre.autoencoder.networks.architectures",
    "unet": "sktimbre.autoencoder.networks.architectures",
}
# Module of all short names in a file.
PACKAGE = "sktimbre"


def with_short_names(schema: Any) -> Any:
    """Replace sktimbre's types and functions in a schema of skops by their short names, in place, and return it."""
    for node in _nodes(schema):
        if PLACES.get(node["__class__"]) == node["__module__"]:
            node["__module__"] = PACKAGE
    return schema


def with_places(schema: Any) -> Any:
    """Replace short and former names in a schema of skops by the present modules, in place, and return it."""
    for node in _nodes(schema):
        name, module = RENAMED.get(node["__class__"], node["__class__"]), node["__module__"]
        present = MOVED.get(module, module)
        place = PLACES.get(name, "")
        # Files of format 1 have full names; some modules have become packages since.
        if module == PACKAGE or place == present or place.startswith(f"{present}."):
            node["__class__"], node["__module__"] = name, place or module
    return schema


def _nodes(schema: Any) -> Any:
    """Yield all dictionaries of a schema that name a type or a function, without recursion: schemas are deep."""
    pending = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            pending.extend(node.values())
            if isinstance(node.get("__class__"), str) and isinstance(node.get("__module__"), str):
                yield node
