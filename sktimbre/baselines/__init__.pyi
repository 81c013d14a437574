from .envelope import SpectralEnvelopeBaseline
from .mosaic import MosaicBaseline
from .regressors import IdentityBaseline, PerBinLinearBaseline, PhaseOracleBaseline
from .transposition import TransposedNeighboursBaseline

__all__ = [
    "IdentityBaseline",
    "MosaicBaseline",
    "PerBinLinearBaseline",
    "PhaseOracleBaseline",
    "SpectralEnvelopeBaseline",
    "TransposedNeighboursBaseline",
]
