"""Short names of sktimbre's types and functions in files; they stay the same when modules move."""

from typing import Any

__all__ = ["PLACES", "with_places", "with_short_names"]

# Types and functions that files may name, besides those of scikit-learn, numpy and scipy that skops trusts, and their
# modules. Creating them runs no code from the file.
PLACES = {
    "GriffinLimInverter": "sktimbre.spectral.inverter",
    "IdentityBaseline": "sktimbre.baselines.regressors",
    "LogSTFT": "sktimbre.spectral.log_stft",
    "Network": "sktimbre.autoencoder.network",
    "NetworkOptions": "sktimbre.autoencoder.networks.options",
    "PairAugmenter": "sktimbre.autoencoder.data.augmentation",
    "PerBinLinearBaseline": "sktimbre.baselines.regressors",
    "PhaseOracleBaseline": "sktimbre.baselines.regressors",
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
# Short names of the full names in files of format 1.
FORMAT_1 = {
    **{f"sktimbre.autoencoder.architectures.{name}": name for name in PLACES if name.islower()},
    "sktimbre.autoencoder.augmentation.PairAugmenter": "PairAugmenter",
    "sktimbre.autoencoder.options.NetworkOptions": "NetworkOptions",
    "sktimbre.metrics.controls.IdentityControl": "IdentityBaseline",
    "sktimbre.metrics.controls.PerBinLinearControl": "PerBinLinearBaseline",
    "sktimbre.metrics.controls.PhaseOracleControl": "PhaseOracleBaseline",
    "sktimbre.metrics.transposition.TransposedNeighboursControl": "TransposedNeighboursBaseline",
    "sktimbre.transfer.TimbreTransfer": "TimbreTransfer",
}


def with_short_names(schema: Any) -> Any:
    """Replace sktimbre's types and functions in a schema of skops by their short names, in place, and return it."""
    for node in _nodes(schema):
        if PLACES.get(node["__class__"]) == node["__module__"]:
            node["__module__"] = PACKAGE
    return schema


def with_places(schema: Any) -> Any:
    """Replace short and former names in a schema of skops by the present modules, in place, and return it."""
    for node in _nodes(schema):
        name = FORMAT_1.get(f"{node['__module__']}.{node['__class__']}")
        if name is None and node["__module__"] == PACKAGE:
            name = node["__class__"]
        if name in PLACES:
            node["__class__"], node["__module__"] = name, PLACES[name]
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
