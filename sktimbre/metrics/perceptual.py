"""Perceptual measures: distance of cepstral envelopes, correlation and distance of loudness contours."""

from typing import Any

import numpy as np

from sktimbre._utils.checks import check_flags, check_real, check_whole
from sktimbre.exceptions import ParameterError
from sktimbre.metrics.inputs import check_long_enough, paired_audio, summarise
from sktimbre.spectral.geometry import check_hop_length, check_n_fft

__all__ = ["loudness_correlation", "loudness_distance", "mfcc_distance"]

# Loudness contours with a smaller range, in dB, are constant: their correlation would amplify rounding errors.
CONSTANT = 0.1


def mfcc_distance(
    y_true: Any,
    y_pred: Any,
    *,
    sr: float = 22050,
    n_mfcc: int = 13,
    n_fft: int = 1024,
    hop_length: int | None = None,
    n_mels: int = 64,
    include_level: bool = False,
    average: bool = True,
) -> float | np.ndarray:
    """Euclidean distance of mel-frequency cepstral coefficients, mean over frames.

    **Never report it alone.** It is sensitive to the broad spectral envelope, hence to the instrument; it is nearly
    insensitive to pitch, to noise between the partials and to phase. The nearest training note *at the wrong pitch* has
    the best value, so a method that plays the wrong notes on the right instrument looks perfect. Report `f0_error` and
    `log_spectral_distance` as well.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_notes, n_samples), or list of 1-D arrays
        Audio in [-1, 1].
    sr : float
        Sample rate in Hz.
    n_mfcc : int
        Number of coefficients, including coefficient 0 (the level), from 2 to ``n_mels``.
    n_fft : int
        Even window length in samples.
    hop_length : int or None
        Samples from frame to frame; None is ``n_fft // 2``.
    n_mels : int
        Number of mel bands.
    include_level : bool
        Whether to use coefficient 0, the level.
    average : bool
        Whether to return the mean over notes.

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        Distance in the decibel-scaled cepstrum of `librosa.feature.mfcc`, 0 or more; lower is better.

    Raises
    ------
    AudioError
        The audio is empty, not finite, of the wrong rank, mismatched, or shorter than one window.
    ParameterError
        A parameter is out of range.

    Notes
    -----
    Coefficients of `librosa.feature.mfcc`: type II orthonormal DCT of a decibel mel spectrogram, clipped at 80 dB below the
    peak of each note.

    References
    ----------
    .. [1] S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
       continuously spoken sentences", IEEE Transactions on Acoustics, Speech, and Signal Processing 28(4), 1980.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import mfcc_distance
    >>> y = np.random.default_rng(0).uniform(-1, 1, (2, 4096)).astype(np.float32)
    >>> round(mfcc_distance(y, 0.5 * y), 3)  # level alone
    0.0
    """
    check_flags(include_level=include_level)
    sr = check_real(sr, "sr", 0, open_low=True, fix="It is in Hz.")
    n_fft, hop_length = check_n_fft(n_fft), check_hop_length(hop_length)
    n_mels = check_whole(n_mels, "n_mels", 2, fix="64 are usual.")
    n_mfcc = check_whole(n_mfcc, "n_mfcc", 2, n_mels, fix="13 are usual.")
    true, pred = paired_audio(y_true, y_pred)
    check_long_enough(true, n_fft, f"n_fft={n_fft}", "a smaller n_fft or longer notes", "y_true")

    import librosa

    hop = n_fft // 2 if hop_length is None else hop_length
    first = 0 if include_level else 1
    values = []
    for pair in zip(true, pred, strict=True):
        a, b = (
            librosa.feature.mfcc(y=y, sr=sr, n_mfcc=n_mfcc, n_fft=n_fft, hop_length=hop, n_mels=n_mels)[first:]
            for y in pair
        )
        values.append(np.linalg.norm((a - b).astype(np.float64), axis=0).mean())
    return summarise(values, average)


def loudness_correlation(
    y_true: Any,
    y_pred: Any,
    *,
    sr: float = 22050,
    frame_duration: float = 0.05,
    hop_duration: float = 0.0125,
    floor: float = 60.0,
    average: bool = True,
) -> float | np.ndarray:
    """Pearson correlation of the loudness contours (RMS in dB over time).

    Sensitive to attack, decay, tremolo and shifts in time; insensitive to level, pitch and timbre.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_notes, n_samples), or list of 1-D arrays
        Audio in [-1, 1].
    sr : float
        Sample rate in Hz.
    frame_duration, hop_duration : float
        Length and hop of the frames in seconds, above 0.
    floor : float
        Level to which quieter frames are raised, in decibels below the loudest frame of each note; above 0.
    average : bool
        Whether to return the mean over notes.

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        In [-1, 1]; **higher is better**. It is 1 if both contours are constant (range below 0.1 dB), and 0 if only one is.

    Raises
    ------
    AudioError
        The audio is empty, not finite, of the wrong rank, mismatched, or shorter than two frames.
    ParameterError
        A parameter is out of range.

    References
    ----------
    .. [1] J. Engel, L. Hantrakul, C. Gu and A. Roberts, "DDSP: Differentiable digital signal processing", ICLR, 2020,
       for loudness and pitch as the two properties that timbre transfer keeps.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import loudness_correlation
    >>> rng = np.random.default_rng(0)
    >>> y = (rng.uniform(-1, 1, (2, 22050)) * np.linspace(1, 0.01, 22050)).astype(np.float32)
    >>> round(loudness_correlation(y, 0.1 * y), 3)
    1.0
    """
    values = []
    for (a, b), _ in _contours(y_true, y_pred, sr, frame_duration, hop_duration, floor):
        flat = [np.ptp(curve) < CONSTANT for curve in (a, b)]
        values.append(float(all(flat)) if any(flat) else np.clip(np.corrcoef(a, b)[0, 1], -1, 1))
    return summarise(values, average)


def loudness_distance(
    y_true: Any,
    y_pred: Any,
    *,
    sr: float = 22050,
    frame_duration: float = 0.05,
    hop_duration: float = 0.0125,
    floor: float = 40.0,
    average: bool = True,
) -> float | np.ndarray:
    """Mean difference of the loudness contours (RMS in dB over time), each without its own median.

    Sensitive to attack, decay, tremolo, dynamics and shifts in time, in dB, also where `loudness_correlation` is high;
    insensitive to level, pitch and timbre.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_notes, n_samples), or list of 1-D arrays
        Audio in [-1, 1].
    sr : float
        Sample rate in Hz.
    frame_duration, hop_duration : float
        Length and hop of the frames in seconds, above 0.
    floor : float
        Level to which quieter frames are raised, in decibels below the loudest frame of each recording; above 0.
    average : bool
        Whether to return the mean over recordings.

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        Mean absolute difference in dB, 0 or more; lower is better. If one of the two is digital silence, ``floor``.

    Raises
    ------
    AudioError
        The audio is empty, not finite, of the wrong rank, mismatched, or shorter than two frames.
    ParameterError
        A parameter is out of range.

    See Also
    --------
    loudness_correlation : Correlation of the same contours.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import loudness_distance
    >>> y = np.random.default_rng(0).uniform(-1, 1, (2, 4096)).astype(np.float32)
    >>> round(loudness_distance(y, 0.5 * y), 6)
    0.0
    """
    values = []
    for (a, b), sounding in _contours(y_true, y_pred, sr, frame_duration, hop_duration, floor):
        # Silence has no contour that could be near another.
        one_is_silent = sounding[0] != sounding[1]
        values.append(floor if one_is_silent else float(np.mean(np.abs(a - np.median(a) - b + np.median(b)))))
    return summarise(values, average)


def _contours(y_true, y_pred, sr, frame_duration, hop_duration, floor):
    """Yield the loudness contours of both recordings of each pair, and whether each of them sounds at all."""
    sr = check_real(sr, "sr", 0, open_low=True, fix="It is in Hz.")
    frame = _samples(frame_duration, "frame_duration", sr)
    hop = _samples(hop_duration, "hop_duration", sr)
    floor = check_real(floor, "floor", 0, open_low=True, fix="It is in dB below the loudest frame.")
    true, pred = paired_audio(y_true, y_pred)
    check_long_enough(true, frame + hop, f"two frames of frame_duration={frame_duration} s", "longer notes", "y_true")
    for pair in zip(true, pred, strict=True):
        yield [_loudness(y, frame, hop, floor) for y in pair], [y.any() for y in pair]


def _samples(seconds: float, name: str, sr: float) -> int:
    n_samples = round(check_real(seconds, name, 0, open_low=True, fix="It is in seconds.") * sr)
    if n_samples == 0:
        raise ParameterError(f"{name}={seconds!r} s is shorter than one sample at sr={sr:g} Hz; use a longer one.")
    return n_samples


def _loudness(y: np.ndarray, frame: int, hop: int, floor: float) -> np.ndarray:
    """Return the level (RMS) of each whole frame in dB relative to the loudest, at least -floor; zeros for silence."""
    energy = np.cumsum(np.pad(y.astype(np.float64) ** 2, (1, 0)))
    power = np.maximum(energy[frame:] - energy[:-frame], 0)[::hop]
    peak = power.max()
    if peak == 0:
        return np.zeros(len(power))
    return 10 * np.log10(np.maximum(power / peak, 10 ** (-floor / 10)))
