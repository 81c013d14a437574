from .estimator import Extent, TimbreTransfer
from .exporting import export

__all__ = ["Extent", "TimbreTransfer", "export"]
