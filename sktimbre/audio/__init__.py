"""Sound files and sample rates: read, write, resample, mix to mono; recordings of any length block by block."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
