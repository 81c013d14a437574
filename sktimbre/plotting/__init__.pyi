from .curves import LearningCurveDisplay
from .harmonics import HarmonicDisplay
from .searches import SearchDisplay
from .spectrograms import SpectrogramDisplay
from .transfers import TransferDisplay

__all__ = ["HarmonicDisplay", "LearningCurveDisplay", "SearchDisplay", "SpectrogramDisplay", "TransferDisplay"]
