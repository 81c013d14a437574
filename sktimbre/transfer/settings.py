"""Settings of the conversion: the parameters of `TimbreTransfer` that need no training, and their ranges."""

__all__ = ["LARGEST_TRANSPOSITION", "PHASES", "RANGES"]

# Largest transposition in semitones.
LARGEST_TRANSPOSITION = 24
# Lowest and highest value of each.
RANGES: dict[str, tuple[float, float]] = {
    "loudness": (0, 1),
    "noise": (0, 1),
    "keep_noise": (0, 1),
    "amount": (0, 1),
    "transpose": (-LARGEST_TRANSPOSITION, LARGEST_TRANSPOSITION),
    "mix": (0, 1),
}
PHASES = ("source", "estimate")
