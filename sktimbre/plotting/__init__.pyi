from .curves import LearningCurveDisplay
from .harmonics import HarmonicDisplay
from .notes import NotesDisplay
from .pairs import PairsDisplay
from .searches import SearchDisplay
from .spectrograms import SpectrogramDisplay
from .transfers import TransferDisplay

__all__ = [
    "HarmonicDisplay",
    "LearningCurveDisplay",
    "NotesDisplay",
    "PairsDisplay",
    "SearchDisplay",
    "SpectrogramDisplay",
    "TransferDisplay",
]
