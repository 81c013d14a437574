"""Distances between magnitude spectra; they are sensitive to level, formants and partials, not to phase."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp

from sktimbre._utils.checks import check_flags, check_real, check_whole
from sktimbre.exceptions import ParameterError
from sktimbre.metrics.inputs import check_long_enough, check_not_silent, paired_audio, paired_spectra, summarise
from sktimbre.spectral.geometry import IN_SAMPLES, LARGEST_N_FFT
from sktimbre.spectral.stft import stft

__all__ = [
    "log_spectral_distance",
    "multiscale_spectral_distance",
    "reconstruction_error",
    "spectral_convergence",
]

DECIBELS = 20 / np.log(10)  # decibels per unit of a magnitude's natural logarithm


def reconstruction_error(
    y_true: Any, y_pred: Any, *, n_fft: int | None = None, hop_length: int | None = None, average: bool = True
) -> float | np.ndarray:
    """Mean squared error between log-magnitude spectra, ``log(1 + |STFT|)``: the loss of the autoencoder.

    Sensitive to level; all bins have the same weight, those between the partials as well. It rewards smooth, average
    spectra. Compare it with the error of the baselines in `sktimbre.baselines`.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_notes, n_frequencies, n_frames) or (n_notes, n_samples), or list of arrays
        Spectra (log1p, natural logarithm, non-negative) or audio in [-1, 1]; notes of different lengths as lists of 2-D
        or 1-D arrays. One may be spectra and the other audio.
    n_fft : int or None
        Length of the transform of audio in samples, even; None is the n_fft of the spectra, if one batch is spectra, else
        1024.
    hop_length : int or None
        Hop of the transform of audio in samples; None is ``n_fft // 2``.
    average : bool
        Whether to return one number: the mean over **all elements of all notes**, in which longer notes have more weight.
        Notes of different lengths are not padded.

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        Squared natural-log units, 0 or more; lower is better.

    Raises
    ------
    AudioError
        Audio or spectra are empty, not finite, of the wrong rank or mismatched, or audio is shorter than one window.
    ParameterError
        ``n_fft`` or ``hop_length`` is out of range or does not fit the spectra.

    See Also
    --------
    log_spectral_distance : Distance in decibels, with a floor.

    Notes
    -----
    On the flute to clarinet pairs of the benchmark the error is 0.263 for the source itself (`IdentityBaseline`) and 0.052
    for two transposed target notes (`TransposedNeighboursBaseline`).

    References
    ----------
    .. [1] J. Engel et al., "Neural audio synthesis of musical notes with WaveNet autoencoders", ICML, 2017, for
       log-magnitude spectral autoencoders.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import reconstruction_error
    >>> S = np.ones((2, 513, 44), np.float32)
    >>> reconstruction_error(S, S + 0.5)
    0.25
    """
    check_flags(average=average)
    true, pred = paired_spectra(y_true, y_pred, n_fft, hop_length)
    sums = [float(np.sum(np.square(t - p), dtype=np.float64)) for t, p in zip(true, pred, strict=True)]
    sizes = [t.size for t in true]
    return sum(sums) / sum(sizes) if average else np.array(sums) / np.array(sizes)


def log_spectral_distance(
    y_true: Any,
    y_pred: Any,
    *,
    n_fft: int | None = None,
    hop_length: int | None = None,
    floor: float = 80.0,
    normalize_level: bool = False,
    average: bool = True,
) -> float | np.ndarray:
    """Log-spectral distance: RMS over frequency of the ratio of magnitudes in dB, then the mean over frames.

    The literature has several forms that differ by 1.4 to 6 dB on the same audio, so compare only values of the same form.
    In this one the root mean square is over the frequency **axis**, followed by the mean over frames; magnitudes are
    ``|STFT|``; both are raised to a **floor**, ``floor`` dB below the loudest bin of the note of ``y_true``; differences in
    **level** count unless ``normalize_level``.

    Sensitive to the whole spectral envelope, in quiet bins as much as in loud ones; to noise between the partials, more
    with a lower floor; to a change of level by g dB (adds up to g). Insensitive to phase.

    Parameters
    ----------
    y_true, y_pred, n_fft, hop_length
        As in `reconstruction_error`; no note of ``y_true`` may be silent. Negative values in spectra are set to 0.
    floor : float
        Decibels below the peak of each note of ``y_true``, above 0.
    normalize_level : bool
        Whether each note of ``y_pred`` is first scaled to the energy of its ``y_true``.
    average : bool
        Whether to return the mean over notes.

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        Decibels, 0 or more; lower is better.

    Raises
    ------
    AudioError
        As in `reconstruction_error`, or a note of ``y_true`` is silent.
    ParameterError
        A parameter is out of range.

    References
    ----------
    .. [1] A. Gray and J. Markel, "Distance measures for speech processing", IEEE Transactions on Acoustics, Speech, and
       Signal Processing 24(5), 1976.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import log_spectral_distance
    >>> S = np.full((2, 513, 44), np.log1p(100.0))
    >>> round(log_spectral_distance(S, np.log1p(10 * np.expm1(S))), 3)
    20.0
    """
    floor = check_real(floor, "floor", 0, open_low=True, fix="80 dB below the peak are usual.")
    true, pred = paired_spectra(y_true, y_pred, n_fft, hop_length)
    check_not_silent(true, "y_true")
    values = []
    for t, p in zip(true, pred, strict=True):
        log_true, log_pred = _log_magnitude(t), _log_magnitude(p)
        if normalize_level and p.max() > 0:  # silence cannot be scaled
            log_pred += 0.5 * (logsumexp(2 * log_true) - logsumexp(2 * log_pred))
        bottom = log_true.max() - floor / DECIBELS
        difference = np.maximum(log_true, bottom) - np.maximum(log_pred, bottom)
        values.append(DECIBELS * np.sqrt(np.mean(difference**2, axis=0)).mean())
    return summarise(values, average)


def multiscale_spectral_distance(
    y_true: Any,
    y_pred: Any,
    *,
    sizes: Sequence[int] = (2048, 1024, 512, 256, 128, 64),
    overlap: float = 0.75,
    alpha: float = 1.0,
    average: bool = True,
) -> float | np.ndarray:
    r"""Multi-scale spectral distance of DDSP, summed over window sizes.

    .. math:: \sum_i \operatorname{mean} \big| |S_i| - |\hat S_i| \big|
        + \alpha \operatorname{mean} \big| \log |S_i| - \log |\hat S_i| \big|

    The linear term is sensitive to the loud partials and to level, the logarithmic one to quiet bins and noise; long
    windows are sensitive to pitch and partials, short ones to attacks and timing. Phase within a window has no influence.

    Parameters
    ----------
    y_true, y_pred : array of shape (n_notes, n_samples), or list of 1-D arrays
        Audio in [-1, 1], at least as long as the longest window.
    sizes : sequence of int
        Even window lengths in samples (Hann).
    overlap : float
        Share of a window that the next one covers, in [0.5, 1).
    alpha : float
        Weight of the logarithmic term, 0 or more.
    average : bool
        Whether to return the mean over notes.

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        0 or more, without a unit; lower is better. It depends on ``sizes``, ``overlap``, ``alpha`` and the level of the
        audio, so compare only values with the same ones.

    Raises
    ------
    AudioError
        The audio is empty, not finite, of the wrong rank, mismatched, or shorter than the longest window.
    ParameterError
        A parameter is out of range.

    Notes
    -----
    Means are over bins and frames, as in the authors' code; in the logarithm, magnitudes are raised to at least 1e-5.

    References
    ----------
    .. [1] J. Engel, L. Hantrakul, C. Gu and A. Roberts, "DDSP: Differentiable digital signal processing", ICLR, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import multiscale_spectral_distance
    >>> y = np.random.default_rng(0).uniform(-1, 1, (2, 4096)).astype(np.float32)
    >>> multiscale_spectral_distance(y, y)
    0.0
    """
    if not isinstance(sizes, Sequence | np.ndarray) or not np.iterable(sizes) or len(sizes) == 0:
        raise ParameterError(f"sizes={sizes!r} must be window lengths, for instance (2048, 1024, 512, 256, 128, 64).")
    sizes = [check_whole(size, f"sizes[{i}]", 4, LARGEST_N_FFT, fix=IN_SAMPLES) for i, size in enumerate(sizes)]
    if any(size % 2 for size in sizes):
        raise ParameterError(f"sizes={sizes} must be even numbers; powers of two are usual.")
    overlap = check_real(overlap, "overlap", 0.5, 1 - 1 / min(sizes), fix="0.75 is usual.")
    alpha = check_real(alpha, "alpha", 0, fix="1.0 is usual.")
    true, pred = paired_audio(y_true, y_pred)
    longest = max(sizes)
    check_long_enough(true, longest, f"sizes up to {longest}", "smaller sizes or longer notes", "y_true")
    values = []
    for t, p in zip(true, pred, strict=True):
        total = 0.0
        for size in sizes:
            hop = max(1, round(size * (1 - overlap)))
            a, b = (np.abs(stft(y, size, hop)).astype(np.float64) for y in (t, p))
            logs = np.log(np.maximum(a, 1e-5)) - np.log(np.maximum(b, 1e-5))
            total += np.abs(a - b).mean() + alpha * np.abs(logs).mean()
        values.append(total)
    return summarise(values, average)


def spectral_convergence(
    y_true: Any,
    y_pred: Any,
    *,
    n_fft: int | None = None,
    hop_length: int | None = None,
    db: bool = False,
    average: bool = True,
) -> float | np.ndarray:
    """Spectral convergence: the relative error of magnitudes.

    It is ``norm(abs(STFT(y_pred)) - abs(S)) / norm(abs(S))`` with Frobenius norms, S the spectra of ``y_true``.

    As it is linear and unweighted, it is sensitive to level and to loud partials, hardly to noise; phase matters only
    through the magnitudes of overlapping frames. It measures how closely an inverter reproduces the given magnitudes.

    Parameters
    ----------
    y_true : array of shape (n_notes, n_frequencies, n_frames) or (n_notes, n_samples), or list of arrays
        The right magnitudes: spectra (log1p), or audio with these spectra. No note may be silent.
    y_pred : array, or list of arrays
        Usually audio (n_notes, n_samples) in [-1, 1]; or spectra (log1p).
    n_fft : int or None
        Length of the transform of audio in samples, even; None is the n_fft of the spectra, if one batch is spectra, else
        1024.
    hop_length : int or None
        Hop of the transform of audio in samples; None is ``n_fft // 2``. See the notes for **off-grid** convergence.
    db : bool
        Whether to return decibels, ``20 * log10`` of each note's ratio; equal magnitudes give minus infinity.
    average : bool
        Whether to return the mean over notes (of the decibels, if ``db``).

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        Ratio, 0 or more, or decibels; lower is better.

    Raises
    ------
    AudioError
        Audio or spectra are empty, not finite, of the wrong rank, mismatched or too short, or a note of ``y_true`` is
        silent.
    ParameterError
        A parameter is out of range or does not fit the spectra.

    Notes
    -----
    At 50 % overlap a spectrogram has about one real number for each sample, so audio can have the right magnitudes and
    still be wrong between the frames. Evaluate an inverter also off its own grid, with the true audio as ``y_true`` and a
    smaller hop: ``spectral_convergence(true_audio, audio, hop_length=128, db=True)``.

    References
    ----------
    .. [1] N. Sturmel and L. Daudet, "Signal reconstruction from STFT magnitude: a state of the art", DAFx, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import spectral_convergence
    >>> y = np.random.default_rng(0).uniform(-1, 1, (2, 4096)).astype(np.float32)
    >>> round(spectral_convergence(y, 0.9 * y, hop_length=128, db=True), 2)
    -20.0
    """
    true, pred = paired_spectra(y_true, y_pred, n_fft, hop_length)
    check_not_silent(true, "y_true")
    check_flags(db=db)
    ratios: list[float] = []
    # A diverged network can predict values whose exponential overflows; the error is infinite then.
    with np.errstate(over="ignore", divide="ignore"):
        for t, p in zip(true, pred, strict=True):
            wanted = _magnitude(t)
            ratio = np.linalg.norm(_magnitude(p) - wanted) / np.linalg.norm(wanted)
            ratios.append(float(20 * np.log10(ratio) if db else ratio))
    return summarise(ratios, average)


def _magnitude(S: np.ndarray) -> np.ndarray:
    return np.expm1(np.maximum(S, 0).astype(np.float64))


def _log_magnitude(S: np.ndarray) -> np.ndarray:
    """Return log(exp(S) - 1) without overflow; minus infinity where S is 0 or less."""
    S = np.maximum(S, 0).astype(np.float64)
    with np.errstate(divide="ignore"):
        return S + np.log(-np.expm1(-S))
