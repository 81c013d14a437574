"""Which of two ways a note takes: 16 frames side by side in compiled kernels, or scipy.fft. Loads neither."""

from sktimbre.spectral.stft import STFTGeometry

# Frames side by side: one vector register of float32 where registers have 512 bits, two where they have 256.
LANES = 16
SMALLEST, LARGEST = 8, 1 << 15
# Beyond this share of idle room in the lanes scipy.fft is faster, and a very short note does not wait for numba.
LARGEST_WASTE = 4


def has_kernels(geometry: STFTGeometry) -> bool:
    """Tell whether the compiled kernels know these sizes: a power of two and a hop that divides it."""
    n_fft = geometry.n_fft
    return SMALLEST <= n_fft <= LARGEST and n_fft & (n_fft - 1) == 0 and n_fft % geometry.hop == 0


def slots(geometry: STFTGeometry, n_frames: int) -> int:
    """Return the room for frames in all lanes: a lane is at least as long as a frame reaches into the next."""
    return LANES * max(1, geometry.overlap - 1, -(-(n_frames + geometry.overlap - 1) // LANES))


def takes_lanes(geometry: STFTGeometry, n_frames: int) -> bool:
    """Tell whether a note of so many frames runs in lanes. Nothing but the note decides, so a batch equals a loop."""
    return has_kernels(geometry) and slots(geometry, n_frames) <= LARGEST_WASTE * (n_frames + geometry.overlap - 1)
