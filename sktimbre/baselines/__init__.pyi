from .envelope import SpectralEnvelopeBaseline
from .regressors import IdentityBaseline, PerBinLinearBaseline, PhaseOracleBaseline
from .transposition import TransposedNeighboursBaseline

__all__ = [
    "IdentityBaseline",
    "PerBinLinearBaseline",
    "PhaseOracleBaseline",
    "SpectralEnvelopeBaseline",
    "TransposedNeighboursBaseline",
]
