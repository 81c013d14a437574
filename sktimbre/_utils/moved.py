"""Former names of modules and types, so that pickles of version 0.1, which contain them, still load."""

import importlib
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["MOVED", "RENAMED", "FormerModules"]

# Present names of moved modules that pickles of estimators refer to.
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
    """Import a former module as a module that forwards to the present one."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a former module, None for other modules."""
        return ModuleSpec(name, self) if name in MOVED else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Return None, so that Python creates the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Define ``__getattr__`` of the module, which forwards to the present one."""
        present = MOVED[module.__name__]

        def look_up(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            return getattr(importlib.import_module(present), RENAMED.get(name, name))

        vars(module)["__getattr__"] = look_up
