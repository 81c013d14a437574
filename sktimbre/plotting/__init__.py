"""Figures of audio, model outputs, trainings and searches, without pyplot and without changes of matplotlib's settings."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
