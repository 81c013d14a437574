"""Names by which files call our types and functions: short and stable, so that modules may move."""

from typing import Any

__all__ = ["PLACES", "with_places", "with_short_names"]

# What a file of ours may name beside what skops trusts of scikit-learn, numpy and scipy. Nothing here runs code when made.
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
# The module of a short name in a file.
PACKAGE = "sktimbre"
# Full names in files of format 1, which had no short ones.
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
    """Return a tree of skops with the short names of our types and functions, changed in place."""
    for node in _nodes(schema):
        if PLACES.get(node["__class__"]) == node["__module__"]:
            node["__module__"] = PACKAGE
    return schema


def with_places(schema: Any) -> Any:
    """Return a tree of skops with the modules that our types and functions are in now, changed in place."""
    for node in _nodes(schema):
        name = FORMAT_1.get(f"{node['__module__']}.{node['__class__']}")
        if name is None and node["__module__"] == PACKAGE:
            name = node["__class__"]
        if name in PLACES:
            node["__class__"], node["__module__"] = name, PLACES[name]
    return schema


def _nodes(schema: Any) -> Any:
    """Yield all dictionaries of a tree that name a type or a function; trees are deep, so not by recursion."""
    pending = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            pending.extend(node.values())
            if isinstance(node.get("__class__"), str) and isinstance(node.get("__module__"), str):
                yield node
