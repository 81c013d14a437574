"""Timbre transfer with scikit-learn's interface; submodules are imported on first use."""

import sys as _sys

import lazy_loader as _lazy

from sktimbre._utils.moved import FormerModules as _FormerModules

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
_sys.meta_path.append(_FormerModules())
