"""TimbreTransfer: audio of one instrument to audio of another, for notes and for recordings of any length; its export."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
