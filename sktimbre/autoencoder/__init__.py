"""TimbreAutoencoder, its networks, training data and training."""

import lazy_loader as _lazy

from sktimbre.parallel import share_threads as _share_threads

# TensorFlow reads its settings once, when it is loaded; no import above loads it.
_share_threads()

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
