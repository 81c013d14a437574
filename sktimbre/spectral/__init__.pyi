from .geometry import STFTGeometry
from .griffin_lim import griffin_lim
from .initial import initial_phasors
from .inverter import GriffinLimInverter, InversionReport
from .log_stft import LogSTFT
from .stft import istft, stft
from .streaming import StreamingInverter

__all__ = [
    "GriffinLimInverter",
    "InversionReport",
    "LogSTFT",
    "STFTGeometry",
    "StreamingInverter",
    "griffin_lim",
    "initial_phasors",
    "istft",
    "stft",
]
