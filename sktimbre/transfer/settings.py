"""Settings of the conversion: the parameters of `TimbreTransfer` that need no training, and their ranges."""

__all__ = ["PHASES", "RANGES"]

# Lowest and highest value of each; transpose in semitones, the others as shares.
RANGES: dict[str, tuple[float, float]] = {
    "loudness": (0, 1),
    "noise": (0, 1),
    "keep_noise": (0, 1),
    "amount": (0, 1),
    "transpose": (-24, 24),
    "mix": (0, 1),
}
PHASES = ("source", "estimate")
