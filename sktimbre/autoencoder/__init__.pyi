from .architectures import ARCHITECTURES, dilated, dilated_residual, residual, shallow
from .estimator import TimbreAutoencoder
from .options import NetworkOptions

__all__ = [
    "ARCHITECTURES",
    "NetworkOptions",
    "TimbreAutoencoder",
    "dilated",
    "dilated_residual",
    "residual",
    "shallow",
]
