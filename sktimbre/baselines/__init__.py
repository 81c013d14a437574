"""What every error stands beside: predictions that need no network, or that are told the answer."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
