"""Baselines to compare a model's errors with: simple regressors without a network, and a phase oracle."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
