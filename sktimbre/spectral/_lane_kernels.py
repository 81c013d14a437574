"""Kernels of the short-time Fourier transform and of phase retrieval, 16 frames side by side, compiled by numba.

Layout. One note is cut into `LANES` stretches of `steps` consecutive frames; lane v works on stretch v. Signals are
[step, sample, lane] with ``hop`` samples a step, magnitudes [step, bin, lane], so that a group of frames, one from each lane,
is one run of floats, and every loop below is either long and contiguous or ends in ``for v in range(LANES)``: both become
SIMD code by themselves. The last ``overlap - 1`` steps of a stretch belong to the next lane too: they are copied before
(`lend`) and added after (`give_back`) each iteration. No number depends on any other note, so a batch equals a loop.

Transform. The n_fft real rows of a group are read as ``half = n_fft / 2`` complex rows (even and odd samples), stored as
rows of LANES real and LANES imaginary parts. The passes are those of a constant-geometry FFT of radix 8 and 4: each reads
rows p, p + q, p + 2q, ... and writes rows r p, r p + 1, ... The spectrum comes out digit-reversed (table ``place``); it is
worked on there, and the inverse runs the passes backwards. All distances must be constants while numba compiles, or
the loops are not vectorised: hence one compiled function for each n_fft, whose closure holds integers only, which is what
numba can cache on disk. Helpers stay in this file, because the cache looks at the age of this file alone.
"""

from functools import lru_cache
from typing import Any

import numba as nb
import numpy as np

from sktimbre.spectral._paths import LANES

f4, i4, c8 = np.float32, np.int32, np.complex64

ROW = 2 * LANES
HALF_ROOT = f4(0.7071067811865476)
TINY = f4(1e-36)  # squared; magnitudes are scaled to at most 1
inline = nb.njit(fastmath=True, error_model="numpy", forceinline=True)


def compiled(function):
    """Compile a kernel that runs outside the interpreter's lock, cached on disk where some folder can be written."""
    options: Any = {"fastmath": True, "error_model": "numpy", "nogil": True}
    try:
        return nb.njit(cache=True, **options)(function)
    except RuntimeError:  # numba found no folder for its cache
        return nb.njit(**options)(function)


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
def inverse4(src, dst, done, turns, half):  # with b and d exchanged the same sums are the inverse transform
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
def unit(z, magnitude):
    return z * (magnitude / np.sqrt(z.real * z.real + z.imag * z.imag + TINY))


@inline
def bins(za, zb, v, w):
    """Bins k and half - k, times two, of rows k and half - k."""
    a, b = get(za, v), conj(get(zb, v))
    even, odd = a + b, -mul_i(a - b) * w
    return even + odd, conj(even - odd)


@inline
def rows(za, zb, v, w, a, b):
    """Write rows k and half - k of bins a and b, times two: the way back of `bins`."""
    b = conj(b)
    even, odd = a + b, mul_i((a - b) * conj(w))
    put(za, v, even + odd)
    put(zb, v, conj(even - odd))


@inline
def project(z, S, place, half_turns, half):
    """Give every bin its wanted magnitude."""
    for v in range(LANES):
        a, b = z[v] + z[v + LANES], z[v] - z[v + LANES]
        a, b = np.copysign(S[v], a), np.copysign(S[half * LANES + v], b)
        z[v], z[v + LANES] = a + b, a - b
    for k in range(1, half // 2 + 1):
        i, j, w = place[k] * ROW, place[half - k] * ROW, half_turns[k]
        za, zb = z[i : i + ROW], z[j : j + ROW]
        Sa, Sb = S[k * LANES : (k + 1) * LANES], S[(half - k) * LANES : (half - k + 1) * LANES]
        for v in range(LANES):
            a, b = bins(za, zb, v, w)
            rows(za, zb, v, w, unit(a, Sa[v]), unit(b, Sb[v]))


@inline
def project_admm(z, S, V, alive, rho, place, half_turns, half):
    """ADMM's two steps between transforms; V [bin, part, lane] is the sum of its two spectra, kept between iterations.

    ``alive`` is 0 in lanes that are past the last frame, where nothing may pile up, and else 1.
    """
    pull = f4(1) - rho
    for v in range(LANES):
        keep = alive[v] / (f4(1) + rho)
        for side in range(2):
            k = side * half * ROW + v
            c = z[v] - z[v + LANES] if side else z[v] + z[v + LANES]
            V[k] = np.copysign(S[side * half * LANES + v], f4(2) * c - pull * V[k]) + keep * (V[k] - c)
        a, b = V[v], V[half * ROW + v]
        z[v], z[v + LANES] = a + b, a - b
    for k in range(1, half // 2 + 1):
        i, j, w = place[k] * ROW, place[half - k] * ROW, half_turns[k]
        za, zb = z[i : i + ROW], z[j : j + ROW]
        Sa, Sb = S[k * LANES : (k + 1) * LANES], S[(half - k) * LANES : (half - k + 1) * LANES]
        Va, Vb = V[k * ROW : (k + 1) * ROW], V[(half - k) * ROW : (half - k + 1) * ROW]
        for v in range(LANES):
            a, b = bins(za, zb, v, w)
            a, b = f4(0.5) * a, f4(0.5) * b
            va, vb, keep = get(Va, v), get(Vb, v), alive[v] / (f4(1) + rho)
            a = unit(f4(2) * a - pull * va, Sa[v]) + keep * (va - a)
            b = unit(f4(2) * b - pull * vb, Sb[v]) + keep * (vb - b)
            put(Va, v, a)
            put(Vb, v, b)
            rows(za, zb, v, w, a, b)


@inline
def load(z, V, place, half_turns, half):
    """Write the rows of the spectra V [bin, part, lane]."""
    for v in range(LANES):
        a, b = V[v], V[half * ROW + v]
        z[v], z[v + LANES] = a + b, a - b
    for k in range(1, half // 2 + 1):
        i, j, w = place[k] * ROW, place[half - k] * ROW, half_turns[k]
        za, zb = z[i : i + ROW], z[j : j + ROW]
        Va, Vb = V[k * ROW : (k + 1) * ROW], V[(half - k) * ROW : (half - k + 1) * ROW]
        for v in range(LANES):
            rows(za, zb, v, w, get(Va, v), get(Vb, v))


@inline
def log1p(x):
    """log(1 + x) of x >= 0, within two units in the last place: split off the power of two, then Cephes's polynomial."""
    # numba wants to see numpy's own names where bits are read as another type.
    bits = np.float32(f4(1) + x).view(np.int32)
    exponent = i4((bits + i4(0x004AFB0D)) >> i4(23)) - i4(127)
    scale = np.int32((i4(127) - exponent) << i4(23)).view(np.float32)
    f = x * scale + (scale - f4(1))  # between sqrt(1/2) - 1 and sqrt(2) - 1
    p = f4(7.0376836292e-2)
    p = p * f - f4(1.1514610310e-1)
    p = p * f + f4(1.1676998740e-1)
    p = p * f - f4(1.2420140846e-1)
    p = p * f + f4(1.4249322787e-1)
    p = p * f - f4(1.6668057665e-1)
    p = p * f + f4(2.0000714765e-1)
    p = p * f - f4(2.4999993993e-1)
    p = p * f + f4(3.3333331174e-1)
    return f4(exponent) * f4(0.69314718) + (f + f * f * (p * f - f4(0.5)))


@inline
def log_size(z):
    return log1p(np.sqrt(z.real * z.real + z.imag * z.imag))


@inline
def unload(z, V, logarithmic, place, half_turns, half):
    """Write the spectra of the rows as V [bin, part, lane], or log(1 + magnitude) in the place of the real parts."""
    for v in range(LANES):
        a, b = z[v] + z[v + LANES], z[v] - z[v + LANES]
        V[v], V[half * ROW + v] = (log1p(abs(a)), log1p(abs(b))) if logarithmic else (a, b)
        V[v + LANES], V[half * ROW + v + LANES] = f4(0), f4(0)
    for k in range(1, half // 2 + 1):
        i, j, w = place[k] * ROW, place[half - k] * ROW, half_turns[k]
        za, zb = z[i : i + ROW], z[j : j + ROW]
        Va, Vb = V[k * ROW : (k + 1) * ROW], V[(half - k) * ROW : (half - k + 1) * ROW]
        for v in range(LANES):
            a, b = bins(za, zb, v, w)
            a, b = f4(0.5) * a, f4(0.5) * b
            if logarithmic:
                Va[v], Vb[v] = log_size(a), log_size(b)
            else:
                put(Va, v, a)
                put(Vb, v, b)


@inline
def squared_error(z, S, error, place, half_turns, half):
    """Add (abs(bin) - S)^2 of each lane to ``error``."""
    for v in range(LANES):
        a, b = abs(z[v] + z[v + LANES]) - S[v], abs(z[v] - z[v + LANES]) - S[half * LANES + v]
        error[v] = a * a + b * b
    for k in range(1, half // 2 + 1):
        i, j, w = place[k] * ROW, place[half - k] * ROW, half_turns[k]
        za, zb = z[i : i + ROW], z[j : j + ROW]
        Sa, Sb = S[k * LANES : (k + 1) * LANES], S[(half - k) * LANES : (half - k + 1) * LANES]
        for v in range(LANES):
            a, b = bins(za, zb, v, w)
            x = f4(0.5) * np.sqrt(a.real * a.real + a.imag * a.imag) - Sa[v]
            y = f4(0.5) * np.sqrt(b.real * b.real + b.imag * b.imag) - Sb[v]
            error[v] += x * x + (y * y if 2 * k < half else f4(0))


@inline
def multiply(x, window, z):
    for i in range(z.size):
        z[i] = window[i] * x[i]


@inline
def multiply_add(z, window, x):
    for i in range(z.size):
        x[i] += window[i] * z[i]


@inline
def lend(x, end, tail):
    """Copy the start of each stretch behind the end of the one before."""
    for i in range(0, tail, LANES):
        behind, start = x[end + i : end + i + LANES], x[i : i + LANES]
        for v in range(LANES - 1):
            behind[v] = start[v + 1]


@inline
def give_back(x, end, tail):
    """Add what was overlap-added behind the end of each stretch to the start of the next."""
    for i in range(0, tail, LANES):
        behind, start = x[end + i : end + i + LANES], x[i : i + LANES]
        for v in range(LANES - 1):
            start[v + 1] += behind[v]


@inline
def step_plain(new, size, y, last, alpha):
    for i in range(size):
        u = new[i]
        y[i] = u + alpha * (u - last[i])
        last[i] = u


@inline
def step_accelerated(new, size, y, last, last2, alpha, beta, gamma):
    for i in range(size):
        p = last[i]
        d = p + beta * (p - last2[i])
        u = d + gamma * (new[i] - d)
        y[i] = u + alpha * (u - p)
        last2[i] = p
        last[i] = u


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


@lru_cache(None)
def analysis(n_fft, logarithmic):
    """Return the kernel of the transform of one signal, to log(1 + magnitude) or to complex spectra."""
    half, plan = n_fft // 2, radices(n_fft // 2)

    def analyse(x, window, wide_window, hop, n_frames, place, turns, half_turns, out):
        """Write the spectra of frames x[t hop : t hop + n_fft] to out (bins, frames); x is padded to whole groups of 16."""
        a, b = np.empty(n_fft * LANES, f4), np.empty(n_fft * LANES, f4)
        across, found = np.empty(hop * LANES, f4), np.empty((half + 1) * ROW, f4)
        for t in range(0, n_frames, LANES):
            for i in range(hop):
                for v in range(LANES):
                    across[i * LANES + v] = x[(t + v) * hop + i]
            for r in range(n_fft // hop):
                # Hop r of a frame is hop 0 of the frame r lanes on; only the last r lanes have to be fetched.
                to = a[r * hop * LANES : (r + 1) * hop * LANES]
                if r < LANES:
                    multiply(across[r:], wide_window[r * hop * LANES :], to[: to.size - r])
                for v in range(max(0, LANES - r), LANES):
                    for i in range(hop):
                        to[i * LANES + v] = window[r * hop + i] * x[(t + v + r) * hop + i]
            done = 1
            for radix in plan:
                if radix == 4:
                    forward4(a, b, done, turns, half)
                else:
                    forward8(a, b, done, turns, half)
                a, b, done = b, a, done * radix
            unload(a, found, logarithmic, place, half_turns, half)
            n = min(LANES, n_frames - t)
            for k in range(half + 1):
                row, to = found[k * ROW :], out[k, t : t + n]
                if logarithmic:
                    for v in range(to.size):
                        to[v] = row[v]
                else:
                    for v in range(to.size):
                        to[v] = get(row, v)

    return compiled(analyse)


@lru_cache(None)
def iteration(n_fft, admm):
    """Return the kernel of all iterations for one size of the transform."""
    half, plan = n_fft // 2, radices(n_fft // 2)

    def iterate(
        S, V, y, last, last2, new, norm, fixed, hop, n_frames, first, n_iter, measure, alpha, beta, gamma, window, place,
        turns, half_turns,
    ):  # fmt: skip
        """Run iterations ``first`` to ``n_iter``; -1 stands for the inverse of the spectra V, and ``measure`` for one look.

        S (steps, bins * LANES), y, last, last2, new ((steps + overlap - 1) * hop * LANES); ``fixed`` is a signal to be kept
        where ``norm`` is zero, or empty. Returns the squared error of ``last`` where measured.
        """
        steps, block, tail = S.shape[0], hop * LANES, (n_fft - hop) * LANES
        a, b, lane, total = np.empty(n_fft * LANES, f4), np.empty(n_fft * LANES, f4), np.empty(LANES, f4), 0.0
        for it in range(first, n_iter + measure):
            looking = it == n_iter
            signal = last if looking else y
            new[:] = f4(0)
            lend(signal, steps * block, tail)
            for s in range(steps):
                if it < 0:
                    load(a, V[s], place, half_turns, half)
                    done = half
                else:
                    multiply(signal[s * block :], window, a)
                    done = 1
                    for radix in plan:
                        if radix == 4:
                            forward4(a, b, done, turns, half)
                        else:
                            forward8(a, b, done, turns, half)
                        a, b, done = b, a, done * radix
                    if looking:
                        squared_error(a, S[s], lane, place, half_turns, half)
                        for v in range(LANES):
                            total += float(lane[v]) if v * steps + s < n_frames else 0.0
                        continue
                    if admm:
                        for v in range(LANES):
                            lane[v] = f4(1) if v * steps + s < n_frames else f4(0)
                        project_admm(a, S[s], V[s], lane, beta, place, half_turns, half)
                    else:
                        project(a, S[s], place, half_turns, half)
                for radix in plan[::-1]:
                    done //= radix
                    if radix == 4:
                        inverse4(a, b, done, turns, half)
                    else:
                        inverse8(a, b, done, turns, half)
                    a, b = b, a
                multiply_add(a, window, new[s * block :])
            if looking:
                break
            give_back(new, steps * block, tail)
            if fixed.size:
                for i in range(norm.size):
                    new[i] = new[i] * norm[i] + fixed[i]
            else:
                for i in range(norm.size):
                    new[i] *= norm[i]
            if it < 0:
                for i in range(norm.size):
                    y[i] = last[i] = last2[i] = new[i]
            elif gamma == f4(1):
                step_plain(new, norm.size, y, last, alpha)
            else:
                step_accelerated(new, norm.size, y, last, last2, alpha, beta, gamma)
        return total

    return compiled(iterate)
