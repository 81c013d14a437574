"""Former places of modules, so that pickles of version 0.1 load: a pickle names types by the modules that they were in."""

import importlib
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["MOVED", "RENAMED", "FormerModules"]

# Modules whose types and functions fitted estimators refer to.
MOVED = {
    "sktimbre.autoencoder.architectures": "sktimbre.autoencoder.networks.architectures",
    "sktimbre.autoencoder.augmentation": "sktimbre.autoencoder.data.augmentation",
    "sktimbre.autoencoder.options": "sktimbre.autoencoder.networks.options",
    "sktimbre.datasets._notes": "sktimbre.datasets.notes",
    "sktimbre.metrics.controls": "sktimbre.baselines.regressors",
    "sktimbre.metrics.transposition": "sktimbre.baselines.transposition",
}
RENAMED = {
    "IdentityControl": "IdentityBaseline",
    "PerBinLinearControl": "PerBinLinearBaseline",
    "PhaseOracleControl": "PhaseOracleBaseline",
    "TransposedNeighboursControl": "TransposedNeighboursBaseline",
}


class FormerModules(MetaPathFinder, Loader):
    """Import a former module as one that looks its names up in the present one."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a former module, None for any other."""
        return ModuleSpec(name, self) if name in MOVED else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Give the module a function that looks its names up."""
        present = MOVED[module.__name__]

        def look_up(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            return getattr(importlib.import_module(present), RENAMED.get(name, name))

        vars(module)["__getattr__"] = look_up
