"""Sound files: read, write, resample, mix to mono; recordings of any length in blocks."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
