"""Kernels of phase retrieval and of the STFT, 16 frames side by side; their transform is in `lane_fft`.

One note is cut into `LANES` stretches of ``steps`` consecutive frames; lane v works on stretch v. Signals are [step, sample,
lane] with ``hop`` samples per step, magnitudes [step, bin, lane]; a group of frames, one from each lane, is contiguous.
The last ``overlap - 1`` steps of a stretch overlap with the next lane: they are copied before (`lend`) and added after
(`give_back`) each iteration. Notes do not depend on each other, so a batch equals a loop.

There is one compiled function for each n_fft, with integers only in its closure, so that numba can cache it on disk.
"""

import numpy as np

from sktimbre.spectral._kernels.lane_fft import (
    ROW,
    SOURCE,
    bins,
    compiled,
    f4,
    forward4,
    forward8,
    get,
    i4,
    inline,
    inverse4,
    inverse8,
    multiply,
    multiply_add,
    once,
    put,
    radices,
    rows,
)
from sktimbre.spectral._kernels.paths import LANES

u8 = np.uint64

TINY = f4(1e-36)  # squared; magnitudes are scaled to at most 1


@inline
def unit(z, magnitude):
    return z * (magnitude / np.sqrt(z.real * z.real + z.imag * z.imag + TINY))


@inline
def project(z, S, place, half_turns, half):
    """Set the magnitude of every bin to S and keep its phase."""
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
    """ADMM's two steps between transforms; V [bin, part, lane] is the sum of its two spectra and lasts between iterations.

    ``alive`` is 0 in lanes past the last frame, so that nothing accumulates there, and 1 in the others.
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
    """Return log(1 + x) of x >= 0, within two units in the last place: power of two split off, then Cephes's polynomial."""
    # numba needs numpy's own names to reinterpret bits as another type.
    power = i4((np.float32(f4(1) + x).view(np.int32) - i4(0x3F3504F3)) & i4(-0x800000))  # times 2^23
    scale = np.int32(i4(0x3F800000) - power).view(np.float32)
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
    return f4(power) * f4(0.69314718 / 2**23) + (f + f * f * (p * f - f4(0.5)))


@inline
def unload(z, V, place, half_turns, half):
    """Write the spectra V [bin, part, lane] of the rows: the inverse of `load`."""
    for v in range(LANES):
        V[v], V[half * ROW + v] = z[v] + z[v + LANES], z[v] - z[v + LANES]
        V[v + LANES], V[half * ROW + v + LANES] = f4(0), f4(0)
    for k in range(1, half // 2 + 1):
        i, j, w = place[k] * ROW, place[half - k] * ROW, half_turns[k]
        za, zb = z[i : i + ROW], z[j : j + ROW]
        Va, Vb = V[k * ROW : (k + 1) * ROW], V[(half - k) * ROW : (half - k + 1) * ROW]
        for v in range(LANES):
            a, b = bins(za, zb, v, w)
            put(Va, v, f4(0.5) * a)
            put(Vb, v, f4(0.5) * b)


@inline
def unload_power(z, P, place, half_turns, half):
    """Write the squared magnitudes P [bin, lane] of the rows."""
    for v in range(LANES):
        a, b = z[v] + z[v + LANES], z[v] - z[v + LANES]
        P[v], P[half * LANES + v] = a * a, b * b
    for k in range(1, half // 2 + 1):
        i, j, w = place[k] * ROW, place[half - k] * ROW, half_turns[k]
        za, zb = z[i : i + ROW], z[j : j + ROW]
        Pa, Pb = P[k * LANES : (k + 1) * LANES], P[(half - k) * LANES : (half - k + 1) * LANES]
        for v in range(LANES):
            a, b = bins(za, zb, v, w)
            Pa[v] = f4(0.25) * (a.real * a.real + a.imag * a.imag)
            Pb[v] = f4(0.25) * (b.real * b.real + b.imag * b.imag)


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
def lend(x, end, tail):
    """Copy the start of each stretch behind the end of the one before.

    The last lane gets values that are not its own, but only frames past the last one read them.
    """
    start, behind = x[1 : tail + 1], x[end : end + tail]
    for i in range(behind.size):
        behind[i] = start[i]


@inline
def give_back(x, end, tail):
    """Add the samples overlap-added behind the end of each stretch to the start of the next; the last lane's are zero."""
    start, behind = x[1 : tail + 1], x[end : end + tail]
    for i in range(behind.size):
        start[i] += behind[i]


@inline
def settle(new, norm, y, last, last2, alpha, beta, gamma):
    """Normalise the overlap-added samples and take the step: ``last`` is the new estimate, ``y`` is analysed next."""
    if gamma == f4(1):
        for i in range(norm.size):
            u = new[i] * norm[i]
            y[i] = u + alpha * (u - last[i])
            last[i] = u
    else:
        for i in range(norm.size):
            p = last[i]
            d = p + beta * (p - last2[i])
            u = d + gamma * (new[i] * norm[i] - d)
            y[i] = u + alpha * (u - p)
            last2[i] = p
            last[i] = u


@inline
def settle_first(new, norm, y, last, last2):
    """Normalise the first estimate and set ``y``, ``last`` and ``last2`` to it."""
    for i in range(norm.size):
        u = new[i] * norm[i]
        y[i] = u
        last[i] = u
        last2[i] = u


@inline
def settle_fixed(fixed, norm, y, last, last2):
    """Write the fixed samples where ``norm`` is zero."""
    for i in range(norm.size):
        if norm[i] == f4(0):
            y[i] = last[i] = last2[i] = fixed[i]


@inline
def bits(x):
    return u8(np.float32(x).view(np.uint32))


@inline
def fetch(y, start, rows, hop):
    """Write the samples from ``start`` on in rows of ``hop``, zeros where y has none."""
    for r in range(len(rows)):
        first, to = start + r * hop, rows[r]
        if first >= 0 and first + hop <= y.size:
            part = y[first : first + hop]
            for i in range(hop):
                to[i] = part[i]
        else:
            for i in range(hop):
                to[i] = y[first + i] if 0 <= first + i < y.size else f4(0)


@inline
def windowed(rows, window, z, hop, n_fft):
    """Write frames, times the window, as z [sample, lane]; the frame of lane v begins with row v."""
    # numba does not vectorize loops that write more than 8 interleaved numbers, so two lanes are moved as one 64-bit number.
    pairs, width = z.view(np.uint64), LANES // 2
    for r in range(n_fft // hop):
        # Slices tell numba that no index is negative.
        to, part = pairs[r * hop * width : (r + 1) * hop * width], window[r * hop : (r + 1) * hop]
        x = rows[r : r + LANES]
        for i in range(hop):
            for v in range(width):
                low, high = bits(part[i] * x[2 * v, i]), bits(part[i] * x[2 * v + 1, i])
                to[i * width + v] = low | high << u8(32)


@once
def analysis(n_fft, logarithmic):
    """Return the kernel of the transform of one signal, to log(1 + magnitude) or to complex spectra."""
    half, plan, source = n_fft // 2, radices(n_fft // 2), SOURCE
    row = LANES if logarithmic else ROW
    size = (half + 1) * row
    # Long rows are written faster: the spectra of several groups of frames are collected and written together.
    together = LANES * max(1, min(8, (1 << 14) // n_fft))

    def analyse(y, pad, hop, window, place, turns, half_turns, out):
        """Write the spectra of the first frames of y, padded with ``pad`` zeros in front, to out (bins, frames)."""
        assert source is not None  # part of the kernel, see SOURCE
        n_frames = out.shape[1]
        # Rows a power of two apart would map to the same few sets of the processor's cache.
        rows = np.empty((LANES + n_fft // hop - 1, hop + LANES), f4)
        a, b = np.empty(n_fft * LANES, f4), np.empty(n_fft * LANES, f4)
        waiting = np.empty(together // LANES * size, f4)
        for start in range(0, n_frames, together):
            stop = min(start + together, n_frames)
            for t in range(start, stop, LANES):
                fetch(y, t * hop - pad, rows, hop)
                windowed(rows, window, a, hop, n_fft)
                done = 1
                for radix in plan:
                    if radix == 4:
                        forward4(a, b, done, turns, half)
                    else:
                        forward8(a, b, done, turns, half)
                    a, b, done = b, a, done * radix
                g = (t - start) // LANES
                found = waiting[g * size : (g + 1) * size]
                if logarithmic:
                    unload_power(a, found, place, half_turns, half)
                    for i in range(size):
                        found[i] = log1p(np.sqrt(found[i]))
                else:
                    unload(a, found, place, half_turns, half)
            for k in range(half + 1):
                for t in range(start, stop, LANES):
                    to = out[k, t : min(t + LANES, stop)]
                    found = waiting[(t - start) // LANES * size + k * row :]
                    for v in range(to.size):
                        to[v] = found[v] if logarithmic else get(found, v)

    return compiled(analyse)


@once
def iteration(n_fft, admm):
    """Return the kernel of all iterations for one size of the transform."""
    half, plan, source = n_fft // 2, radices(n_fft // 2), SOURCE

    def iterate(
        S, V, y, last, last2, new, norm, fixed, hop, n_frames, first, n_iter, measure, alpha, beta, gamma, window, place,
        turns, half_turns,
    ):  # fmt: skip
        """Run iterations ``first`` to ``n_iter``; iteration -1 inverts the spectra V, ``measure`` adds one analysis.

        S (steps, bins * LANES), y, last, last2, new ((steps + overlap - 1) * hop * LANES); ``fixed`` holds the samples where
        ``norm`` is zero, or is empty. Returns the squared error of ``last`` if measured.
        """
        assert source is not None  # part of the kernel, see SOURCE
        steps, block, tail = S.shape[0], hop * LANES, (n_fft - hop) * LANES
        shared = n_fft // hop - 1
        a, b, lane, total = np.empty(n_fft * LANES, f4), np.empty(n_fft * LANES, f4), np.empty(LANES, f4), 0.0
        for it in range(first, n_iter + measure):
            looking = it == n_iter
            signal = last if looking else y
            lend(signal, steps * block, tail)
            # The last turns settle the steps that lanes share, after the overlaps have been added.
            for turn in range(steps + shared):
                s = turn if turn < steps else turn - steps
                here = slice(s * block, (s + 1) * block)
                if turn == steps and not looking:
                    give_back(new, steps * block, tail)
                if turn < steps:
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
                    old = tail if s > 0 else 0  # samples that earlier frames of the lane have written
                    multiply_add(a[:old], window, new[s * block :])
                    multiply(window[old:], a[old:], new[s * block + old : s * block + n_fft * LANES])
                    if s < shared:
                        continue
                if looking:
                    break
                # No later frame writes or reads this step: settle it while it is in the processor's cache.
                if it < 0:
                    settle_first(new[here], norm[here], y[here], last[here], last2[here])
                else:
                    settle(new[here], norm[here], y[here], last[here], last2[here], alpha, beta, gamma)
                if fixed.size:
                    settle_fixed(fixed[here], norm[here], y[here], last[here], last2[here])
        return total

    return compiled(iterate)
