from .architectures import ARCHITECTURES, dilated, dilated_residual, residual, shallow, unet
from .augmentation import PairAugmenter
from .estimator import TimbreAutoencoder
from .options import THESIS, NetworkOptions

__all__ = [
    "ARCHITECTURES",
    "THESIS",
    "NetworkOptions",
    "PairAugmenter",
    "TimbreAutoencoder",
    "dilated",
    "dilated_residual",
    "residual",
    "shallow",
    "unet",
]
