from .griffin_lim import griffin_lim
from .inverter import GriffinLimInverter
from .log_stft import LogSTFT
from .stft import STFTGeometry, istft, stft

__all__ = ["GriffinLimInverter", "LogSTFT", "STFTGeometry", "griffin_lim", "istft", "stft"]
