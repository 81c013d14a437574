"""Timbre transfer in scikit-learn's terms; names load on first use, so that importing this stays cheap."""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
