"""Choose between the compiled kernels (16 frames side by side) and scipy.fft, without importing either."""

from sktimbre.spectral.geometry import STFTGeometry

# Frames side by side: one 512-bit vector register of float32, or two of 256 bits.
LANES = 16
SMALLEST, LARGEST = 8, 1 << 15
# With more slots per frame scipy.fft is faster, and a very short note does not wait for numba.
LARGEST_WASTE = 4


def has_kernels(geometry: STFTGeometry) -> bool:
    """Return True if the compiled kernels support the STFT parameters: n_fft a power of two, the hop divides it."""
    n_fft = geometry.n_fft
    return SMALLEST <= n_fft <= LARGEST and n_fft & (n_fft - 1) == 0 and n_fft % geometry.hop == 0


def slots(geometry: STFTGeometry, n_frames: int) -> int:
    """Return the number of frames that all lanes hold; a lane is at least as long as a frame's overlap with the next."""
    return LANES * max(1, geometry.overlap - 1, -(-(n_frames + geometry.overlap - 1) // LANES))


def takes_lanes(geometry: STFTGeometry, n_frames: int) -> bool:
    """Return True if a note of n_frames runs in lanes. The choice depends on the note alone, so a batch equals a loop."""
    return has_kernels(geometry) and slots(geometry, n_frames) <= LARGEST_WASTE * (n_frames + geometry.overlap - 1)
