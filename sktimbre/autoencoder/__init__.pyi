from .architectures import ARCHITECTURES, dilated, dilated_residual, residual, shallow
from .blocks import NetworkOptions
from .estimator import TimbreAutoencoder

__all__ = [
    "ARCHITECTURES",
    "NetworkOptions",
    "TimbreAutoencoder",
    "dilated",
    "dilated_residual",
    "residual",
    "shallow",
]
