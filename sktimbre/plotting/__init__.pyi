from .curves import LearningCurveDisplay
from .harmonics import HarmonicDisplay
from .pairs import PairsDisplay
from .searches import SearchDisplay
from .spectrograms import SpectrogramDisplay
from .transfers import TransferDisplay

__all__ = [
    "HarmonicDisplay",
    "LearningCurveDisplay",
    "PairsDisplay",
    "SearchDisplay",
    "SpectrogramDisplay",
    "TransferDisplay",
]
