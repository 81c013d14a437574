"""Kernels that estimate initial phases from magnitudes in one pass over the frames, compiled by numba.

Phases are in turns (1 is 2 pi) and wrapped to one turn, so that float32 stays precise over long notes.
"""

import numba as nb
import numpy as np

from sktimbre.spectral._kernels.lane_fft import compiled

f4 = np.float32


@nb.njit(fastmath=True, error_model="numpy", forceinline=True)
def sin_turns(x):
    """Return sin(2 pi x) for abs(x) <= 1/4, with an error below 1e-6."""
    u = x * x
    high = f4(-76.7058598) + u * f4(42.0586939) - u * u * f4(15.0946426)
    return x * (f4(6.283185307) + u * (f4(-41.3417023) + u * (f4(81.6052493) + u * high)))


@nb.njit(fastmath=True, error_model="numpy", forceinline=True)
def write_phasors(now, phase, out):
    """Wrap the phases ``now`` into ``phase`` and write exp(2 pi i phase)."""
    for k in range(now.size):
        x = now[k] - np.floor(now[k])
        phase[k] = x
        x -= f4(0.5)
        a = abs(x)
        y = x if a <= f4(0.25) else np.copysign(f4(0.5) - a, x)
        out[k] = complex(-sin_turns(f4(0.25) - a), -sin_turns(y))


@compiled
def peak_pghi(log_S, hop, gamma, known, out):
    """Integrate the phase's gradient along time at every spectral peak, then from the peak to the valleys on both sides.

    log_S (n_frames, n_frequencies) float32; ``gamma`` in squared samples; the first ``known`` frames of ``out``, complex64
    unit phasors of the shape of log_S, are given, the others are written.
    """
    frames, bins = log_S.shape
    n_fft = 2 * (bins - 1)
    # The log-magnitude's derivative along frequency gives the phase's along time, and vice versa.
    to_time, to_frequency = f4(hop * n_fft / gamma / (4 * np.pi)), f4(-gamma / (hop * n_fft) / (2 * np.pi))
    phase, now, slope = np.zeros(bins, f4), np.zeros(bins, f4), np.zeros(bins, f4)
    rate, last_rate = np.zeros(bins, f4), np.zeros(bins, f4)
    for t in range(max(known - 1, 0), frames):
        p, before, after = log_S[t], log_S[max(t - 1, 0)], log_S[min(t + 1, frames - 1)]
        scale = to_frequency * (f4(0.5) if 0 < t < frames - 1 else f4(1))
        for k in range(bins):
            rate[k] = f4(hop * k % n_fft / n_fft)  # phase advance per hop at the centre of the bin
            slope[k] = scale * (after[k] - before[k]) - f4(
                0.5
            )  # phase difference per bin, for a frame that starts at 0
        for k in range(1, bins - 1):
            rate[k] += to_time * (p[k + 1] - p[k - 1])  # corrected by the slope along frequency
        if t < known:
            for k in range(bins):
                phase[k] = np.arctan2(out[t, k].imag, out[t, k].real) * f4(0.5 / np.pi)
                last_rate[k] = rate[k]
            continue
        k = 0
        while k < bins:  # from one peak to the next
            peak = k
            while peak + 1 < bins and p[peak + 1] >= p[peak]:
                peak += 1
            now[peak] = phase[peak] + f4(0.5) * (last_rate[peak] + rate[peak]) if t > 0 else f4(0)
            for q in range(peak - 1, k - 1, -1):
                now[q] = now[q + 1] - f4(0.5) * (slope[q] + slope[q + 1])
            k = peak + 1
            while k < bins and p[k] < p[k - 1]:
                now[k] = now[k - 1] + f4(0.5) * (slope[k] + slope[k - 1])
                k += 1
        write_phasors(now, phase, out[t])
        rate, last_rate = last_rate, rate


@compiled
def spsi(log_S, hop, gamma, known, out):
    """Advance the phase of each peak by its interpolated frequency, and lock the bins around it; parameters of `peak_pghi`."""
    frames, bins = log_S.shape
    n_fft = 2 * (bins - 1)
    phase, now = np.zeros(bins, f4), np.zeros(bins, f4)
    for t in range(max(known - 1, 0), frames):
        p = log_S[t]
        if t < known:
            for k in range(bins):
                phase[k] = np.arctan2(out[t, k].imag, out[t, k].real) * f4(0.5 / np.pi)
            continue
        k = 0
        while k < bins:
            peak = k
            while peak + 1 < bins and p[peak + 1] >= p[peak]:
                peak += 1
            end = peak + 1
            while end < bins and p[end] < p[end - 1]:
                end += 1
            offset = 0.0
            if 0 < peak < bins - 1:  # the vertex of the parabola through the peak and its neighbours
                left, right = p[peak - 1] - p[peak], p[peak + 1] - p[peak]
                offset = 0.5 * (left - right) / (left + right) if left + right < 0 else 0.0
            turn = hop * (peak + offset) / n_fft
            centre = phase[peak] + f4(turn - np.floor(turn)) if t > 0 else f4(0)
            for q in range(k, end):  # a window symmetric about the middle of its frame: half a turn from bin to bin
                now[q] = centre + f4(0.5) * f4(abs(q - peak) % 2)
            k = end
        write_phasors(now, phase, out[t])
