"""Figures of audio and of what models make of it; nothing here needs pyplot or changes matplotlib's settings."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
