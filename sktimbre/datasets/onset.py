"""Find where a note begins, whatever comes before it."""

from functools import lru_cache

import numpy as np
import scipy.fft
from scipy.ndimage import maximum_filter1d, minimum_filter1d

__all__ = ["find_onset"]

# Frames of 20 ms, of which four overlap, at a rate at which partials to 11 kHz are left.
FRAME, HOPS, RATE = 0.02, 4, 22050
# Frames that are transformed at once.
BLOCK = 128
# Seconds of silence that are assumed before the recording.
SILENCE = 0.5
# Sounds that are shorter than this are clicks, in seconds and with the length of a frame.
CLICK = 0.03
# The level between two periods of a low note falls for less than this.
PERIOD = 0.025
# Levels in dB below the loudest frame: of loud frames, of the onset, and of the onset in the loudest noise.
LOUD, BEGIN, HIGHEST = 10.0, 30.0, 20.0
# Noise is measured between these distances, in seconds, before the level comes within HIGHEST dB of the loudest frame.
FURTHEST, NEAREST = 0.35, 0.06
# Its spectrum ends further before the first loud frame, and has a floor relative to the loudest bin of the note.
BEFORE_LOUD, FLOOR = 0.15, 1e-4
# Frames of the median that stands for noise, and dB between the 95th percentile of its level and the onset.
MOST_FRAMES, MARGIN = 60, 3.0
# Longest extrapolation of a slow attack in seconds; a sudden attack seems to be slower by this many frames.
SLOWEST, SUDDEN = 0.02, 0.1
# Short frames in which the onset is refined, and the time before them that noise is measured in, in seconds; the power of
# the noise is exceeded by this factor.
SHORT, BEFORE, FACTOR = 0.001, 0.03, 6.0


def find_onset(y: np.ndarray, sr: float, trim_db: float = 60.0) -> int:
    """Find the first sample of a note.

    Frames are compared with the spectrum of the loudest part of the note: bins in which the note exceeds the noise before it
    count, others do not, as in a matched filter for noise that is not white [1]_. Clicks, shorter than 30 ms, are removed from
    this level by a morphological opening [2]_. The onset is where the level leaves the noise, or -30 dB, for good; it is then
    refined on the samples. The amplitude of slow attacks is extrapolated linearly to zero.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float
        Audio of one note; silence, noise, hum, an offset, clicks or breath may come before it.
    sr : float
        Sample rate in Hz.
    trim_db : float
        Level below the peak, in dB, under which samples are silence: the onset of a slow attack is not extrapolated beyond
        the first sample above it.

    Returns
    -------
    int
        Sample of the onset, 0 to n_samples - 1; 0 for silence.

    References
    ----------
    .. [1] G. L. Turin, "An introduction to matched filters", IRE Transactions on Information Theory 6(3), 1960.
    .. [2] J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.datasets.onset import find_onset
    >>> noise = 0.003 * np.random.default_rng(0).standard_normal(44100)
    >>> noise[11025:] += np.sin(2 * np.pi * 440 * np.arange(33075) / 22050)
    >>> abs(find_onset(noise, 22050) - 11025) < 22
    True
    """
    y = np.asarray(y)
    if y.size == 0 or y.max() == y.min() or np.abs(y).max() < np.finfo(np.float32).tiny:
        return 0
    y = (y / np.abs(y).max()).astype(np.float32)
    sr = max(sr, 1000)
    factor = max(1, int(sr / RATE))
    power, n_fft, hop = _frames(_means(y, factor), sr / factor)
    rate = sr / factor / hop  # frames per second
    level, loudest = _level(power, rate)
    if loudest == 0:
        return 0
    begin, earlier = _rise(level, rate, min(BEGIN, trim_db))
    # A frame whose centre is at a sudden onset is half silent.
    first = round(((begin - round(SILENCE * rate)) * hop - n_fft / 2) * factor)
    earlier = min(max(0.0, earlier / rate - SUDDEN * FRAME), SLOWEST)
    # Sum of the bins of a Hann-windowed frame for a variance of one.
    least = loudest / (0.1875 * n_fft**2) * 10.0 ** (-min(BEGIN + 6, trim_db) / 10)
    return _refine(y, sr, first, n_fft * factor // 2, round(earlier * sr), least, trim_db)


def _means(y, factor):
    """Return means of ``factor`` samples; their aliases do not move an onset."""
    if factor == 1 or len(y) < factor:
        return y
    n = len(y) - factor + 1
    return sum(y[i : n + i : factor] for i in range(factor)) / np.float32(factor)


def _frames(y, sr):
    """Return power spectra of shape (n_frames, n_bins), the length of their frames, and the hop."""
    n_fft = scipy.fft.next_fast_len(max(16, round(FRAME * sr)), real=True)
    hop = n_fft // HOPS
    # Constant ends have no edges, whatever the offset of the recording.
    padded = np.pad(y, n_fft, mode="edge")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    silence = round(SILENCE * sr / hop)
    power = np.zeros((silence + len(frames), n_fft // 2), np.float32)
    # Blocks that fit into the cache take half the time of a long recording at once.
    for start in range(0, len(frames), BLOCK):
        spectra = scipy.fft.rfft(frames[start : start + BLOCK] * _window(n_fft), axis=1)
        # A Hann-windowed constant has minus half of bin 0 in bin 1, and nothing above.
        spectra[:, 1] += spectra[:, 0] / 2
        block = spectra[:, 1:]
        power[silence + start : silence + start + len(block)] = block.real**2 + block.imag**2
    return power, n_fft, hop


@lru_cache(maxsize=8)
def _window(n_fft):
    return np.hanning(n_fft + 1)[:-1].astype(np.float32)


def _sustained(level, rate):
    """Fill dips between the periods of low notes, then remove what is shorter than a click and its frame."""
    gap, click = (max(1, round(seconds * rate)) for seconds in (PERIOD, CLICK))
    # The second filter of each pair is mirrored, so that an even size moves nothing.
    level = minimum_filter1d(maximum_filter1d(level, gap), gap, origin=-1 if gap % 2 == 0 else 0)
    level = level, maximum_filter1d(minimum_filter1d(level, click), click, origin=-1 if click % 2 == 0 else 0)
    # A recording that holds no more than a click is taken as it is.
    return level[1] if level[1].max() > 1e-4 * level[0].max() else level[0]


def _level(power, rate):
    """Return the level of frames in dB, in the bins of the note, and the power of the loud frames."""
    total = _sustained(power.sum(axis=1), rate)
    if total.max() == 0:
        return total, 0.0
    loud = total > total.max() * 10 ** (-LOUD / 10)
    note = loud.astype(np.float32) @ power / np.float32(loud.sum())
    last = int(np.argmax(loud)) - round(BEFORE_LOUD * rate)
    # The median of a squared Rayleigh distribution is ln 2 times its mean.
    noise = np.median(power[: last : -(-last // MOST_FRAMES)], axis=0) / np.log(2)
    noise += np.median(power[last - round((FURTHEST - NEAREST) * rate) : last], axis=0) / np.log(2) + FLOOR * note.max()
    excess = np.maximum(note - noise, 0)
    weights = excess / (noise * (noise + excess)) * note.max()
    matched = _sustained(power @ (weights if weights.any() else np.ones_like(weights)), rate)
    tiny = np.finfo(np.float32).tiny
    return 10 * np.log10(np.maximum(matched / max(matched.max(), tiny), 1e-12)), total.max()


def _rise(level, rate, begin):
    """Return the frame, with a fraction, in which the note begins, and by how many more a linear attack began earlier."""
    top = int(np.argmax(level > -LOUD))
    rise = _last_below(level[:top], -HIGHEST) + 1
    noise = np.percentile(level[rise - round(FURTHEST * rate) : rise - round(NEAREST * rate)], 95)
    threshold = max(-begin, min(noise + MARGIN, -HIGHEST))
    low = _crossing(level, _last_below(level[:top], threshold), threshold)
    high = _crossing(level, _last_below(level[:top], threshold + 10), threshold + 10)
    # A line through the amplitudes at two levels 10 dB apart.
    return low, (high - low) / (10**0.5 - 1)


def _last_below(level, threshold):
    below = np.flatnonzero(level < threshold)
    return int(below[-1]) if len(below) else -1


def _crossing(level, i, threshold):
    """Return where the level crosses the threshold, between the frames i and i + 1."""
    if i < 0:
        return 0.0
    return i + min(1.0, (threshold - level[i]) / max(level[i + 1] - level[i], 1e-6))


def _refine(y, sr, first, length, earlier, least, trim_db):
    """Return the first sample of the sound, in ``length`` samples from ``first`` on or up to ``earlier`` samples before."""
    last = min(max(1, first + length), len(y))
    first = min(max(0, first), last - 1)
    short = max(1, round(SHORT * sr))
    n_before = round(BEFORE * sr)
    before = y[max(0, first - n_before) : first]
    offset = float(before.mean() if len(before) == n_before else y[0])
    # As before the frames, silence is assumed before the recording.
    noise = np.sum(np.square(before - offset, dtype=np.float64)) / n_before
    power = np.square(y[first : last + short] - offset, dtype=np.float64)
    threshold = max(FACTOR * noise, least)
    energy = np.cumsum(np.r_[0.0, power, np.zeros(short)])
    over = energy[short : short + last - first] - energy[: last - first] > short * threshold
    onset = int(np.argmax(over)) if over.any() else len(over) - 1
    onset += first + int(np.argmax(power[onset : onset + short] > threshold))
    start = max(0, onset - earlier)
    heard = np.abs(y[start:onset] - offset) >= np.abs(y - np.float32(offset)).max() * 10.0 ** (-trim_db / 20)
    return start + int(np.argmax(heard)) if heard.any() else onset
