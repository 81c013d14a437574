from .data.augmentation import PairAugmenter
from .estimator import TimbreAutoencoder
from .networks.architectures import ARCHITECTURES, dilated, dilated_residual, residual, shallow, unet
from .networks.options import DRAFT, PRESETS, QUALITY, THESIS, NetworkOptions

__all__ = [
    "ARCHITECTURES",
    "DRAFT",
    "PRESETS",
    "QUALITY",
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
