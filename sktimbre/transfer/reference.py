"""Convert a recording with an exported sktimbre model, by numpy, scipy and ONNX Runtime alone.

    python convert.py in.wav out.wav

This file is written to be read and translated: each function is one step, its settings are in ``settings.json`` beside it, and
``README.md`` explains them. Spectra have the shape (n_frequencies, n_frames).
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import scipy.fft
from scipy import ndimage, signal
from scipy.io import wavfile

HERE = Path(__file__).resolve().parent


def convert(y, folder=HERE):
    """Return a recording with the target's timbre; ``y`` is mono, from -1 to 1, at the sample rate of the settings."""
    settings = json.loads((folder / "settings.json").read_text())
    stft = STFT(**settings["stft"])
    source = output = np.log1p(stft.magnitudes(y, 2 ** (settings["transpose"] / 12)))
    if settings["amount"]:
        output = predicted(source, folder, settings)
        if settings["noise"]["share"]:
            output = with_noise(source, output, settings["noise"])
        if settings["loudness"]["share"]:
            output = with_loudness(source, output, settings["loudness"])
        if settings["noise"]["kept"]:
            output = with_kept_noise(source, output, settings["noise"])
        output = source + settings["amount"] * (np.maximum(output, 0) - source)
        output = released(source, output, settings["release"])
    # Where the source is mixed in, its phases let partials of both add up.
    mixed = settings["mix"] < 1 and not settings["transpose"]
    phases = np.angle(stft.spectra(y)) if mixed else gradient_phases(np.expm1(output), stft, settings["phase"]["gamma"])
    audio = inverted(np.expm1(output), phases, stft, settings["phase"], len(y))
    return (settings["mix"] * audio + (1 - settings["mix"]) * y).astype(np.float32)


class STFT:
    """Short-time Fourier transform: frame t is centred on sample ``t * hop_length``; zeros surround the signal."""

    def __init__(self, n_fft, hop_length, win_length, window):
        self.n_fft, self.hop, self.win, self.window = n_fft, hop_length, win_length, window
        self.taper = tapered(window, win_length, n_fft)
        self.pad = n_fft // 2

    def frames(self, padded, n_frames):
        """Return the complex spectra (n_frames, n_frequencies) of a signal that is padded already."""
        padded = np.pad(padded, (0, max(0, self.hop * (n_frames - 1) + self.n_fft - len(padded))))
        at = self.hop * np.arange(n_frames)[:, None] + np.arange(self.n_fft)
        return scipy.fft.rfft(padded[at] * self.taper)

    def spectra(self, y):
        """Return the complex spectra of a signal."""
        n_frames = 1 + (len(y) + 2 * self.pad - self.n_fft) // self.hop
        return self.frames(np.pad(y, self.pad), n_frames).T

    def magnitudes(self, y, ratio=1.0):
        """Return the magnitudes of a signal as if it were higher by a frequency ratio: windows are longer by this ratio."""
        if ratio == 1:
            return np.abs(self.spectra(y))
        n_fft, win = round(self.n_fft * ratio), round(self.win * ratio)
        taper = tapered(self.window, win, n_fft)
        n_frames = 1 + (len(y) + 2 * self.pad - self.n_fft) // self.hop
        padded = np.pad(y, (n_fft // 2, n_fft))
        at = self.hop * np.arange(n_frames)[:, None] + np.arange(n_fft)
        known = np.abs(scipy.fft.rfft(padded[at] * taper)).T * (self.taper.sum() / taper.sum())
        bins = self.n_fft // 2 + 1
        return np.pad(known[:bins], ((0, max(0, bins - len(known))), (0, 0)))

    def overlapped(self, frames):
        """Return the sum of overlapping frames (n_frames, n_fft), as long as whole hops."""
        overlap = -(-self.n_fft // self.hop)
        total = np.zeros(self.hop * (len(frames) + overlap - 1))
        for t, frame in enumerate(frames):
            total[t * self.hop : t * self.hop + self.n_fft] += frame
        return total


def tapered(window, length, n_fft):
    """Return a window with zeros on both sides."""
    before = (n_fft - length) // 2
    return np.pad(signal.get_window(window, length), (before, n_fft - length - before))


# --- from the source's log-magnitudes to the target's


def predicted(source, folder, settings):
    """Return what the network predicts; frames are brought to the level that it works at, and back."""
    magnitudes = np.expm1(source)
    gain = np.ones(source.shape[1])
    how = settings["level"]
    if how:
        level = (magnitudes ** how["exponent"]).sum(axis=0) ** (1 / how["exponent"])
        loudest = ndimage.maximum_filter1d(level, 2 * how["loudest_within"] + 1, mode="constant")
        taper = np.hanning(2 * how["smooth"] + 3)[1:-1]
        smooth = ndimage.convolve1d(loudest, taper / taper.sum(), mode="nearest")
        gain = how["reference"] / np.maximum(smooth, how["quietest"])
    multiple = settings["network"]["frame_multiple"]
    x = np.pad(np.log1p(magnitudes * gain), ((0, 0), (0, -source.shape[1] % multiple)))
    session = onnxruntime.InferenceSession(folder / "network.onnx", providers=["CPUExecutionProvider"])
    y = session.run(None, {"spectra": x[None, :, :, None].astype(np.float32)})[0][0, :, : source.shape[1], 0]
    return np.log1p(np.expm1(np.maximum(y, 0).astype(float)) / gain)


def with_noise(source, output, how):
    """Return spectra whose level between partials changes from frame to frame as the source's does."""
    level, of_source = decibels(output, how), decibels(source, how)
    size = 2 * how["context"] + 1
    changes = [side - ndimage.uniform_filter1d(side, size, axis=1, mode="nearest") for side in (of_source, level)]
    gain = how["share"] * between(level, how) * np.clip(changes[0] - changes[1], -how["largest"], how["largest"])
    return np.log1p(np.expm1(np.maximum(output, 0)) * 10 ** (gain / 20))


def with_kept_noise(source, output, how):
    """Return spectra that have the level of the source between partials of both."""
    level, of_source = decibels(output, how), decibels(source, how)
    level += how["kept"] * noisy(level, how) * noisy(of_source, how) * (of_source - level)
    return np.log1p(10 ** (level / 20))


def decibels(spectra, how):
    """Return the levels of log-magnitudes."""
    return 20 * np.log10(np.maximum(np.expm1(np.maximum(spectra, 0)), how["lowest"]))


def between(level, how):
    """Return how surely bins are noise, from 0 to 1: by how much they are softer than the loudest bin near them."""
    return rising(loudest_near(level, how) - level, how["perhaps"], how["surely"])


def noisy(level, how):
    """Return how surely bins are noise, from 0 to 1: beside a partial, or where there are only weak ones."""
    weak = rising(level.max(axis=0) - loudest_near(level, how), how["perhaps_weak"], how["surely_weak"])
    return np.maximum(between(level, how), weak)


def loudest_near(level, how):
    """Return the level of the loudest bin near each."""
    return ndimage.maximum_filter1d(level, 2 * how["within"] + 1, axis=0, mode="nearest")


def rising(x, low, high):
    """Return 0 up to a value, 1 from another on, and a line between them."""
    return np.clip((x - low) / (high - low), 0, 1)


def with_loudness(source, output, how):
    """Return spectra whose loudness rises and falls as the source's does."""
    window = np.hanning(2 * how["context"] + 3)[1:-1]
    tiny = np.finfo(np.float32).tiny
    powers = [np.sum(np.expm1(np.maximum(side, 0)) ** 2, axis=0) for side in (source, output)]
    difference = 10 * np.log10((powers[0] + tiny) / (powers[1] + tiny))
    both = np.sqrt(powers[0] * powers[1])
    around, both_around, usual = (
        ndimage.convolve1d(x, window / window.sum(), mode="constant") for x in (powers[0], both, difference * both)
    )
    loudness = 10 * np.log10((powers[0] + tiny) / np.maximum(around, tiny))
    weight = np.clip((loudness + how["quieter"]) / (how["quieter"] - how["quiet"]), 0, 1)
    change = difference - usual / np.maximum(both_around, tiny)
    gain = how["share"] * weight * np.clip(change, -how["largest"], how["largest"])
    return np.log1p(np.expm1(np.maximum(output, 0)) * 10 ** (gain / 20))


def released(source, output, how):
    """Fade the output where the source is digital silence, and silence it ``frames`` frames later."""
    output = output.copy()
    since = how["frames"] + 1
    for t, sounding in enumerate(source.any(axis=0)):
        since = 0 if sounding else since + 1
        if since:
            gain = 10 ** (-how["fade"] / 20 * since / (how["frames"] + 1)) if since <= how["frames"] else 0.0
            output[:, t] = np.log1p(np.expm1(output[:, t]) * gain)
    return output


# --- from magnitudes to audio


def inverted(magnitudes, phases, stft, how, length):
    """Return the audio of magnitudes and first phases, by iterations of accelerated Griffin-Lim."""
    n_frames = magnitudes.shape[1]
    wanted = magnitudes.T
    spectra = wanted * np.exp(1j * phases.T)
    spectra[:, [0, -1]] = spectra[:, [0, -1]].real
    power = stft.overlapped(np.tile(stft.taper**2, (n_frames, 1)))
    last = min(stft.pad + length, len(power))
    inverse = np.zeros(len(power))
    inverse[stft.pad : last] = 1 / np.maximum(power[stft.pad : last], np.finfo(np.float32).tiny)

    def synthesised(spectra):
        return stft.overlapped(scipy.fft.irfft(spectra, stft.n_fft) * stft.taper) * inverse

    y = before = earlier = synthesised(spectra)
    for _ in range(how["n_iter"]):
        spectra = stft.frames(y, n_frames)
        new = synthesised(wanted * spectra / (np.abs(spectra) + 1e-18))
        ahead = before + how["beta"] * (before - earlier)
        new = ahead + how["gamma_step"] * (new - ahead)
        y = new + how["alpha"] * (new - before)
        before, earlier = new, before
    y = with_limited_ends(before, spectra_of_start=wanted * np.exp(1j * phases.T), power=power, stft=stft, last=last)
    return np.pad(y[stft.pad : last], (0, max(0, length - (last - stft.pad)))).astype(np.float32)


def gradient_phases(magnitudes, stft, gamma):
    """Return phases in radians, integrated along time at each spectral peak and along frequency from the peaks."""
    log_s = np.log(np.maximum(magnitudes.T, max(magnitudes.max() * 1e-7, np.finfo(np.float32).tiny)))
    n_frames, bins = log_s.shape
    to_time = stft.hop * stft.n_fft / gamma / (4 * np.pi)
    to_frequency = -gamma / (stft.hop * stft.n_fft) / (2 * np.pi)
    phases, last_rate = np.zeros((n_frames, bins)), np.zeros(bins)
    for t in range(n_frames):  # phases are in turns
        p = log_s[t]
        rate = (stft.hop * np.arange(bins) % stft.n_fft) / stft.n_fft
        rate[1:-1] += to_time * (p[2:] - p[:-2])
        scale = to_frequency * (0.5 if 0 < t < n_frames - 1 else 1)
        slope = scale * (log_s[min(t + 1, n_frames - 1)] - log_s[max(t - 1, 0)]) - 0.5
        now = phases[t]
        k = 0
        while k < bins:
            peak = k
            while peak + 1 < bins and p[peak + 1] >= p[peak]:
                peak += 1
            now[peak] = phases[t - 1, peak] + 0.5 * (last_rate[peak] + rate[peak]) if t else 0.0
            for q in range(peak - 1, k - 1, -1):
                now[q] = now[q + 1] - 0.5 * (slope[q] + slope[q + 1])
            k = peak + 1
            while k < bins and p[k] < p[k - 1]:
                now[k] = now[k - 1] + 0.5 * (slope[k] + slope[k - 1])
                k += 1
        now -= np.floor(now)
        last_rate = rate
    return 2 * np.pi * phases.T


def with_limited_ends(y, spectra_of_start, power, stft, last):
    """Limit the samples at the end that only the edge of one window covers: dividing by its power amplifies errors."""
    covered = np.flatnonzero(power >= 0.5 * power.max())
    outwards = np.arange(max(covered[-1] + 1, stft.pad), last)
    t = len(spectra_of_start) - 1
    if outwards.size:
        here = slice(t * stft.hop, t * stft.hop + stft.n_fft)
        frame, wanted = y[here], spectra_of_start[t]
        well = power[here] >= 0.5 * power.max()
        size = np.linalg.norm(wanted)
        level = max(np.abs(frame[well]).max(initial=0), np.sqrt(2 / stft.n_fft) * size / np.linalg.norm(stft.taper))
        error = np.linalg.norm(scipy.fft.rfft(frame * stft.taper) - wanted) / max(size, np.finfo(np.float32).tiny)
        trust = 1e-2 * np.sqrt(power[outwards] / power.max()) / max(error, np.finfo(np.float32).eps)
        gain = np.minimum.accumulate(level * np.maximum(trust, 1) / np.maximum(np.abs(y[outwards]), 1e-38))
        y[outwards] *= np.minimum(gain, 1) ** 2
    return y


def main(source, output):
    """Convert a WAV file of the sample rate of the settings to one of 32-bit floats; channels are averaged."""
    try:
        sr, y = wavfile.read(source)
    except ValueError as error:
        sys.exit(f"{source} is no WAV file: {error}")
    if y.dtype == np.uint8:  # 8 bits, around 128
        y = (y - 128.0) / 128
    elif y.dtype.kind == "i":
        y = y / -float(np.iinfo(y.dtype).min)
    wanted = json.loads((HERE / "settings.json").read_text())["sr"]
    if sr != wanted:
        sys.exit(f"{source} has {sr} Hz; resample it to {wanted} Hz.")
    wavfile.write(output, sr, convert(y.mean(axis=1) if y.ndim == 2 else y))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python convert.py in.wav out.wav")
    main(*sys.argv[1:])
