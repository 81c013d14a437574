"""Fundamental frequency of single notes, and its error."""

from typing import Any

import numpy as np
import scipy.fft

from sktimbre._utils.checks import check_choice, check_real
from sktimbre._utils.validation import Batch, as_list, check_audio
from sktimbre.datasets.pitch import LEAST_CLARITY, hear_pitch
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.metrics.inputs import check_long_enough, paired_audio, summarise

__all__ = ["estimate_f0", "f0_error"]

WINDOW = 0.046  # seconds that YIN compares with the same signal one period later
BLOCK = 256  # frames that are transformed at a time
HOP = 0.0116  # seconds from frame to frame
NEAR = 2 ** (0.6 / 12)  # 60 cents
STEPS = 16  # least samples in a period; with fewer, interpolation between lags is wrong by tens of cents

# The period is the first trough of YIN's normalized difference that is at most FACTOR times the deepest one plus MARGIN. A
# dominant second or third partial makes an early trough, so the threshold must be low; with noise or inharmonic partials no
# trough is deep, so it must follow the deepest. Chosen on 252 real notes of flute, clarinet and piano from A0 to C8.
FACTOR, MARGIN = 1.2, 0.06
# The pitch of a note is the median over this share of the voiced frames, the most periodic ones, and over frames whose
# aperiodicity exceeds theirs by at most CLEAR.
CLEAREST, CLEAR = 0.25, 0.02
QUIET = 30.0  # dB below the loudest frame; quieter frames are not voiced
STATISTICS = ("median", "p95", "note")
APERIODIC = 0.5  # largest normalized difference of a voiced frame: noise is near 1, a tone near 0


def estimate_f0(y: Any, *, sr: float = 22050, fmin: float = 26.0, fmax: float = 4500.0) -> np.ndarray:
    """Fundamental frequency of single notes.

    The result is the median over the most periodic quarter of the frames within 30 dB of the loudest, and over frames
    nearly as periodic.

    Parameters
    ----------
    y : array of shape (n_notes, n_samples), or list of 1-D arrays
        Audio of single notes in [-1, 1].
    sr : float
        Sample rate in Hz.
    fmin, fmax : float
        Range of the search in Hz, ``0 < fmin < fmax <= sr / 2``. The default includes the piano's range, A0 to C8; a
        narrower range is faster and makes fewer octave errors.

    Returns
    -------
    ndarray of shape (n_notes,) float64
        Frequencies in Hz; NaN for notes without a periodic frame, such as silence or noise.

    Raises
    ------
    AudioError
        The audio is empty, not finite, of the wrong rank, or shorter than a window and a period of ``fmin``.
    ParameterError
        A parameter is out of range.

    See Also
    --------
    f0_error : The error of the fundamental frequency.

    Notes
    -----
    The comb of partials that fits the whole note best gives the semitone [2]_. YIN [1]_ refines it on the signal upsampled to
    at least 16 samples in a period, which removes a bias of tens of cents from high notes. Of 252 single notes of flute,
    clarinet and piano (A0 to C8) of the University of Iowa none is off by an octave; eight are more than 50 cents off, at most
    74 cents but for the lowest piano note, whose partials are inharmonic (109 cents). Most of these are out of tune.

    References
    ----------
    .. [1] A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music", The Journal
       of the Acoustical Society of America 111(4), 2002.
    .. [2] A. Camacho and J. Harris, "A sawtooth waveform inspired pitch estimator for speech and music", The Journal of the
       Acoustical Society of America 124(3), 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import estimate_f0
    >>> t = np.arange(22050) / 22050
    >>> estimate_f0(np.sin(2 * np.pi * 440 * t)[np.newaxis]).round(1)
    array([440.])
    """
    sr, fmin, fmax = check_range(sr, fmin, fmax)
    notes = check_audio(y, name="y")
    check_f0_length(notes, sr, fmin, "y")
    return np.array([_pitch(note, sr, fmin, fmax) for note in as_list(notes)])


def f0_error(
    y_true: Any,
    y_pred: Any,
    *,
    sr: float = 22050,
    fmin: float = 26.0,
    fmax: float = 4500.0,
    statistic: str = "median",
    reference_hz: Any = None,
    average: bool = True,
) -> float | np.ndarray:
    """Absolute error of the fundamental frequency in cents (hundredths of a semitone).

    Sensitive to detuning and to wrong octaves (1200 cents); insensitive to timbre, level and phase, so the source itself
    has no error.

    Parameters
    ----------
    y_true : array of shape (n_notes, n_samples), list of 1-D arrays, or None
        Audio in [-1, 1] with the right pitch; None if ``reference_hz`` is given.
    y_pred : array of shape (n_notes, n_samples), or list of 1-D arrays
        Audio to evaluate, of the same lengths as ``y_true``.
    sr : float
        Sample rate in Hz.
    fmin, fmax : float
        Range of the search in Hz, see `estimate_f0`.
    statistic : {"median", "p95", "note"}
        Error of a note: the median or the 95th percentile over the frames that are voiced in both signals, or ("note") the
        difference of one pitch estimated for each whole note. Only the 95th percentile is sensitive to single frames that
        are an octave off.
    reference_hz : float or array of shape (n_notes,), or None
        Right pitches in Hz, instead of ``y_true``.
    average : bool
        Whether to return the mean over notes.

    Returns
    -------
    float, or ndarray of shape (n_notes,) float64
        Cents, 0 or more; lower is better. A prediction without pitch gets the width of the search range,
        ``1200 * log2(fmax / fmin)``, the largest possible error.

    Raises
    ------
    AudioError
        The audio is empty, not finite, of the wrong rank, mismatched or too short, or a note of ``y_true`` has no pitch.
    ParameterError
        A parameter is out of range, or both or neither of ``y_true`` and ``reference_hz`` are given.

    References
    ----------
    .. [1] J. W. Kim, J. Salamon, P. Li and J. P. Bello, "CREPE: A convolutional representation for pitch estimation",
       ICASSP, 2018, for pitch errors in cents over voiced frames.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.metrics import f0_error
    >>> t = np.arange(22050) / 22050
    >>> sharp = np.sin(2 * np.pi * 440 * 2 ** (50 / 1200) * t)[np.newaxis]
    >>> round(f0_error(None, sharp, reference_hz=440))
    50
    """
    sr, fmin, fmax = check_range(sr, fmin, fmax)
    check_choice(statistic, "statistic", STATISTICS)
    if (y_true is None) == (reference_hz is None):
        raise ParameterError(
            f"y_true={None if y_true is None else type(y_true).__name__}, reference_hz={reference_hz!r}: exactly one of them "
            "must give the right pitch. Leave the other at None."
        )
    worst = 1200 * np.log2(fmax / fmin)
    if reference_hz is None:
        true, pred = paired_audio(y_true, y_pred)
        check_f0_length(true, sr, fmin, "y_true")
        curves = [f0_curve(note, sr, fmin, fmax) for note in true]
        for i, (_, _, voiced) in enumerate(curves):
            if not voiced.any():
                raise AudioError(
                    f"y_true[{i}] has no pitch between {fmin} and {fmax} Hz. Leave the note out, or widen the range."
                )
    else:
        pred = as_list(check_audio(y_pred, name="y_pred"))
        check_f0_length(pred, sr, fmin, "y_pred")
        curves = [(np.array([hz]), np.zeros(1), np.ones(1, bool)) for hz in _check_reference(reference_hz, len(pred))]
    values = []
    for wanted, note in zip(curves, pred, strict=True):
        given = f0_curve(note, sr, fmin, fmax)
        if statistic == "note":
            error = 1200 * np.abs(np.log2(_note_f0(*given) / _note_f0(*wanted)))
            values.append(worst if np.isnan(error) else error)
            continue
        both = given[2] & wanted[2]
        with np.errstate(invalid="ignore"):
            errors = 1200 * np.abs(np.log2(given[0] / wanted[0]))[both]
        values.append(np.percentile(errors, 50 if statistic == "median" else 95) if len(errors) else worst)
    return summarise(values, average)


def check_range(sr: float, fmin: float, fmax: float) -> tuple[float, float, float]:
    sr = check_real(sr, "sr", 0, open_low=True, fix="It is in Hz.")
    fmin = check_real(fmin, "fmin", 0, open_low=True, fix="The lowest note of a piano has 27.5 Hz.")
    fmax = check_real(fmax, "fmax", fmin, sr / 2, open_low=True, fix="It lies above fmin and is at most sr / 2.")
    return sr, fmin, fmax


def check_f0_length(notes: Batch, sr: float, fmin: float, name: str) -> None:
    n_samples = int(np.ceil((_window(fmin) + 1 / fmin) * sr))
    check_long_enough(
        notes, n_samples, f"and a period of fmin={fmin} Hz: {n_samples}", "a higher fmin or longer notes", name
    )


def _check_reference(reference_hz: Any, n_notes: int) -> np.ndarray:
    try:
        hertz = np.broadcast_to(np.asarray(reference_hz, np.float64), (n_notes,))
        right = bool(np.isfinite(hertz).all() and (hertz > 0).all())
    except (TypeError, ValueError):
        right = False
    if not right:
        raise ParameterError(
            f"reference_hz={reference_hz!r} must be a frequency above 0 Hz, or one for each of {n_notes} notes."
        )
    return hertz


def _pitch(y: np.ndarray, sr: float, fmin: float, fmax: float) -> float:
    """Return YIN's pitch of a note in Hz: within 60 cents of `hear_pitch` if its clarity suffices, else in the full range."""
    midi, clarity = hear_pitch(y, sr)
    hertz = 440 * 2 ** ((midi - 69) / 12)
    if clarity < LEAST_CLARITY or not fmin <= hertz <= fmax:
        return _note_f0(*f0_curve(y, sr, fmin, fmax))
    f0 = _note_f0(*f0_curve(y, sr, max(fmin, hertz / NEAR), min(fmax, hertz * NEAR)))
    return hertz if np.isnan(f0) else f0


def _window(fmin: float) -> float:
    return max(WINDOW, 1 / fmin)


def f0_curve(y: np.ndarray, sr: float, fmin: float, fmax: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return f0 in Hz, aperiodicity and voicing of each frame; f0 is NaN if the frame's difference has no trough."""
    import soxr

    factor = max(1, int(np.ceil(STEPS * fmax / sr)))
    rate = sr * factor
    fine = soxr.resample(y, sr, rate).astype(np.float64) if factor > 1 else y.astype(np.float64)
    window, hop, longest = round(_window(fmin) * rate), round(HOP * rate), int(np.ceil(rate / fmin)) + 2
    # Not padded at the beginning: frames that are partly silent have no period.
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(fine, (0, 2 * hop)), window + longest)[::hop]
    energy, period, aperiodicity = np.zeros(len(frames)), np.full(len(frames), np.nan), np.ones(len(frames))
    for start in range(0, len(frames), BLOCK):
        block = slice(start, start + BLOCK)
        difference, energy[block] = _difference(frames[block], window, longest)
        for i, row in enumerate(difference, start):
            period[i], aperiodicity[i] = _period(row, max(2, int(rate / fmax)))
    f0 = rate / period
    voiced = (energy > energy.max() * 10 ** (-QUIET / 10)) & (aperiodicity < APERIODIC)
    return f0, aperiodicity, voiced


def _difference(frames: np.ndarray, window: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return YIN's difference function by lag, of shape (n_frames, longest), and the energy of each window."""
    size = scipy.fft.next_fast_len(window + longest, real=True)
    products = scipy.fft.rfft(frames, size) * scipy.fft.rfft(frames[:, :window], size).conj()
    correlation = scipy.fft.irfft(products, size)[:, :longest]
    summed = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    energy = summed[:, window : window + longest] - summed[:, :longest]
    return np.maximum(energy[:, :1] + energy - 2 * correlation, 0), energy[:, 0]


def _period(row: np.ndarray, shortest: int) -> tuple[float, float]:
    """Return the period in samples (NaN without a trough) and the aperiodicity of one frame's difference function."""
    lags = np.arange(1, len(row))
    mean = np.cumsum(row[1:]) / lags
    relative = np.ones(len(row))
    np.divide(row[1:], mean, out=relative[1:], where=mean > 0)
    middle = relative[shortest:-1]
    troughs = shortest + np.flatnonzero((middle < relative[shortest - 1 : -2]) & (middle <= relative[shortest + 1 :]))
    if not len(troughs):
        return np.nan, 1.0
    k = troughs[np.argmax(relative[troughs] <= FACTOR * relative[troughs].min() + MARGIN)]
    before, at, after = row[k - 1 : k + 2]
    bend = before - 2 * at + after
    return k + (np.clip(0.5 * (before - after) / bend, -1, 1) if bend > 0 else 0.0), relative[k]


def _note_f0(f0: np.ndarray, aperiodicity: np.ndarray, voiced: np.ndarray) -> float:
    if not voiced.any():
        return np.nan
    clearest = voiced & (aperiodicity <= np.quantile(aperiodicity[voiced], CLEAREST) + CLEAR)
    return float(np.median(f0[clearest]))
