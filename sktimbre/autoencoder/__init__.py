"""TimbreAutoencoder and what it is built from."""

import lazy_loader as _lazy

from sktimbre.parallel import share_threads as _share_threads

# TensorFlow reads its settings once; nothing below this room loads it earlier.
_share_threads()

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
