from . import audio, autoencoder, baselines, datasets, exceptions, metrics, models, plotting, spectral
from .autoencoder import TimbreAutoencoder
from .persistence import load, save
from .spectral import GriffinLimInverter, LogSTFT, StreamingInverter
from .transfer import TimbreTransfer, export

__version__: str

__all__ = [
    "GriffinLimInverter",
    "LogSTFT",
    "StreamingInverter",
    "TimbreAutoencoder",
    "TimbreTransfer",
    "audio",
    "autoencoder",
    "baselines",
    "datasets",
    "exceptions",
    "export",
    "load",
    "metrics",
    "models",
    "plotting",
    "save",
    "spectral",
]
