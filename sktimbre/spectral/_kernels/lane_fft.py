"""The Fourier transform of 16 frames side by side, vectorized by numba.

The n_fft real rows of a group of frames are read as ``half = n_fft / 2`` complex rows (even and odd samples), stored as rows
of LANES real and LANES imaginary parts. The passes are a constant-geometry FFT of radix 8 and 4: each reads rows
p, p + q, p + 2q, ... and writes rows r p, r p + 1, ... The spectrum is digit-reversed (table ``place``) and is used in that
order; the inverse runs the passes backwards.

Every loop is either long and contiguous or ends in ``for v in range(LANES)``: numba vectorizes both if all strides are
constant at compile time. It would unroll short bodies of the second form instead.
"""

import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numba as nb
import numpy as np

from sktimbre.spectral._kernels.paths import LANES

f4, i4, c8 = np.float32, np.int32, np.complex64

ROW = 2 * LANES
HALF_ROOT = f4(0.7071067811865476)
# numba's cache on disk notices changes of the file of a cached function, but not of the functions that it calls. Kernels
# refer to this checksum of the file, so that a change of the file compiles them again.
SOURCE = zlib.crc32(Path(__file__).read_bytes()) if Path(__file__).is_file() else 0
inline = nb.njit(fastmath=True, error_model="numpy", forceinline=True)


def compiled(function):
    """Compile a kernel that releases the interpreter's lock, cached on disk if a folder can be written."""
    options: Any = {"fastmath": True, "error_model": "numpy", "nogil": True}
    try:
        kernel = nb.njit(cache=True, **options)(function)
    except RuntimeError:  # numba found no folder for its cache
        return nb.njit(**options)(function)
    save = kernel._cache.save_overload

    def save_if_there_is_room(*compilation):
        with suppress(OSError):
            save(*compilation)

    kernel._cache.save_overload = save_if_there_is_room
    return kernel


def once(factory: Callable) -> Callable:
    """Cache the results of a factory, with a lock, so that concurrent threads compile each kernel only once."""
    kept, lock = lru_cache(None)(factory), Lock()

    def make(*sizes: Any) -> Any:
        with lock:
            return kept(*sizes)

    return make


@inline
def conj(z):
    return complex(z.real, -z.imag)


@inline
def mul_i(z):
    return complex(-z.imag, z.real)


@inline
def get(z, i):
    return complex(z[i], z[i + LANES])


@inline
def put(z, i, value):
    z[i] = value.real
    z[i + LANES] = value.imag


@inline
def dft4(a, b, c, d):
    s, t, u, v = a + c, a - c, b + d, mul_i(b - d)
    return s + u, t - v, s - u, t + v


@inline
def dft8(a, b, c, d, e, f, g, h):
    a, c, e, g = dft4(a, c, e, g)
    b, d, f, h = dft4(b, d, f, h)
    d = HALF_ROOT * complex(d.real + d.imag, d.imag - d.real)
    f = -mul_i(f)
    h = -HALF_ROOT * complex(h.real - h.imag, h.real + h.imag)
    return a + b, c + d, e + f, g + h, a - b, c - d, e - f, g - h


@inline
def forward4(src, dst, done, turns, half):
    for p in range(half // 4):
        s = p // done * done
        w1, w2, w3 = turns[s], turns[2 * s], turns[3 * s]
        for v in range(LANES):
            i, q, o = p * ROW + v, half // 4 * ROW, 4 * p * ROW + v
            a, b, c, d = dft4(get(src, i), get(src, i + q), get(src, i + 2 * q), get(src, i + 3 * q))
            put(dst, o, a)
            put(dst, o + ROW, b * w1)
            put(dst, o + 2 * ROW, c * w2)
            put(dst, o + 3 * ROW, d * w3)


@inline
def forward8(src, dst, done, turns, half):
    for p in range(half // 8):
        s = p // done * done
        w1, w2, w3, w4 = turns[s], turns[2 * s], turns[3 * s], turns[4 * s]
        w5, w6, w7 = turns[5 * s], turns[6 * s], turns[7 * s]
        for v in range(LANES):
            i, q, o = p * ROW + v, half // 8 * ROW, 8 * p * ROW + v
            # fmt: off
            a, b, c, d, e, f, g, h = dft8(
                get(src, i), get(src, i + q), get(src, i + 2 * q), get(src, i + 3 * q),
                get(src, i + 4 * q), get(src, i + 5 * q), get(src, i + 6 * q), get(src, i + 7 * q))
            # fmt: on
            put(dst, o, a)
            put(dst, o + ROW, b * w1)
            put(dst, o + 2 * ROW, c * w2)
            put(dst, o + 3 * ROW, d * w3)
            put(dst, o + 4 * ROW, e * w4)
            put(dst, o + 5 * ROW, f * w5)
            put(dst, o + 6 * ROW, g * w6)
            put(dst, o + 7 * ROW, h * w7)


@inline
def inverse4(src, dst, done, turns, half):  # dft4 with b and d exchanged is the inverse transform
    for p in range(half // 4):
        s = p // done * done
        w1, w2, w3 = conj(turns[s]), conj(turns[2 * s]), conj(turns[3 * s])
        for v in range(LANES):
            i, q, o = p * ROW + v, half // 4 * ROW, 4 * p * ROW + v
            a, d, c, b = dft4(
                get(src, o), get(src, o + ROW) * w1, get(src, o + 2 * ROW) * w2, get(src, o + 3 * ROW) * w3
            )
            put(dst, i, a)
            put(dst, i + q, b)
            put(dst, i + 2 * q, c)
            put(dst, i + 3 * q, d)


@inline
def inverse8(src, dst, done, turns, half):
    for p in range(half // 8):
        s = p // done * done
        w1, w2, w3, w4 = conj(turns[s]), conj(turns[2 * s]), conj(turns[3 * s]), conj(turns[4 * s])
        w5, w6, w7 = conj(turns[5 * s]), conj(turns[6 * s]), conj(turns[7 * s])
        for v in range(LANES):
            i, q, o = p * ROW + v, half // 8 * ROW, 8 * p * ROW + v
            # fmt: off
            a, h, g, f, e, d, c, b = dft8(
                get(src, o), get(src, o + ROW) * w1, get(src, o + 2 * ROW) * w2, get(src, o + 3 * ROW) * w3,
                get(src, o + 4 * ROW) * w4, get(src, o + 5 * ROW) * w5, get(src, o + 6 * ROW) * w6,
                get(src, o + 7 * ROW) * w7)
            # fmt: on
            put(dst, i, a)
            put(dst, i + q, b)
            put(dst, i + 2 * q, c)
            put(dst, i + 3 * q, d)
            put(dst, i + 4 * q, e)
            put(dst, i + 5 * q, f)
            put(dst, i + 6 * q, g)
            put(dst, i + 7 * q, h)


@inline
def bins(za, zb, v, w):
    """Return bins k and half - k, times two, of rows k and half - k."""
    a, b = get(za, v), conj(get(zb, v))
    even, odd = a + b, -mul_i(a - b) * w
    return even + odd, conj(even - odd)


@inline
def rows(za, zb, v, w, a, b):
    """Write rows k and half - k of bins a and b, times two: the inverse of `bins`."""
    b = conj(b)
    even, odd = a + b, mul_i((a - b) * conj(w))
    put(za, v, even + odd)
    put(zb, v, conj(even - odd))


@inline
def multiply(x, window, z):
    for i in range(z.size):
        z[i] = window[i] * x[i]


@inline
def multiply_add(z, window, x):
    for i in range(z.size):
        x[i] += window[i] * z[i]


def radices(half):
    """Return the radix of each pass; their product is ``half``, a power of two of at least 4."""
    bits = half.bit_length() - 1
    fours = -bits % 3
    return (4,) * fours + (8,) * ((bits - 2 * fours) // 3)


@lru_cache(None)
def tables(n_fft):
    """Return the row of each bin after the forward passes, exp(-2 pi i k / half) and exp(-2 pi i k / n_fft)."""
    half = size = n_fft // 2
    n, place = np.arange(half), np.zeros(half, np.int64)
    for radix in radices(half):
        size //= radix
        place += n % radix * size
        n //= radix
    turn = -2j * np.pi * np.arange(half)
    return place, np.exp(turn / half).astype(c8), np.exp(turn / n_fft).astype(c8)
