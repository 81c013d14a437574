from .estimator import Extent, TimbreTransfer

__all__ = ["Extent", "TimbreTransfer"]
