from .answers import analyse_answers
from .contours import pitch_jaccard_distance, raw_pitch_accuracy
from .harmonic import harmonic_distance
from .perceptual import loudness_correlation, loudness_distance, mfcc_distance
from .pitch import estimate_f0, f0_error
from .scorers import SCORERS, get_scorer
from .spectral import (
    log_spectral_distance,
    multiscale_spectral_distance,
    reconstruction_error,
    spectral_convergence,
)
from .tuning import match_pitch

__all__ = [
    "SCORERS",
    "analyse_answers",
    "estimate_f0",
    "f0_error",
    "get_scorer",
    "harmonic_distance",
    "log_spectral_distance",
    "loudness_correlation",
    "loudness_distance",
    "match_pitch",
    "mfcc_distance",
    "multiscale_spectral_distance",
    "pitch_jaccard_distance",
    "raw_pitch_accuracy",
    "reconstruction_error",
    "spectral_convergence",
]
