"""GriffinLimInverter: log-magnitude spectra to waveforms."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from sktimbre._seeds import draw_seed
from sktimbre._validation import Batch, check_spectra
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral.griffin_lim import griffin_lim, initial_phasors
from sktimbre.spectral.stft import STFTGeometry

__all__ = ["GriffinLimInverter"]

# Beyond, squared magnitudes leave the range of float32; full-scale audio stays below 20 at any n_fft.
LARGEST_LOG_MAGNITUDE = 40.0


class GriffinLimInverter(TransformerMixin, BaseEstimator):
    """Recover phase from log-magnitude spectra and return audio (thesis section 2.2). Nothing is learnt from the data.

    Parameters
    ----------
    n_iter : int, default=100
        Iterations; the thesis's number (section 2.2). 0 inverts with the initial phase.
    algorithm : {"fgla", "gla"}, default="fgla"
        Fast Griffin-Lim [2]_ or plain Griffin-Lim [1]_ (the thesis's), which ignores momentum.
    init : {"random", "zero"}, default="random"
        Initial phase where `invert` is given none: uniform in [-pi, pi) or zero.
    momentum : float in [0, 1], default=0.99
        Of "fgla", as in `librosa.griffinlim`.
    n_fft : int or None, default=None
        Even; None reads it from the spectra.
    hop_length, win_length : int or None, default=None
        In samples; None is ``n_fft // 2`` and ``n_fft``. They have to be those of the analysis.
    window : str, tuple, float, callable or array, default="hann"
        As in `scipy.signal.get_window`.
    center : bool, default=True
        Whether the analysis centred its frames.
    length : int or None, default=None
        Samples of each note; None is what the frames hold, ``hop_length * (n_frames - 1)`` when centred.
    tol : float, default=0.0
        Stop early when the spectral convergence changes by less than this fraction; 0 runs all iterations.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the random phase. Every note starts from the same phases, so that its result does not depend on its
        batch.
    n_jobs : int or None, default=None
        Threads over notes, as in joblib.

    Attributes
    ----------
    n_features_in_ : int
        Number of frequencies.

    See Also
    --------
    LogSTFT : The analysis.
    griffin_lim : The array function.

    References
    ----------
    .. [1] D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Transactions on
       Acoustics, Speech, and Signal Processing 32(2), 1984.
    .. [2] N. Perraudin, P. Balazs and P. Sondergaard, "A fast Griffin-Lim algorithm", IEEE WASPAA, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre import GriffinLimInverter, LogSTFT
    >>> y = np.sin(np.arange(22050, dtype=np.float32) / 10)[np.newaxis]
    >>> GriffinLimInverter(n_iter=10, random_state=0).fit_transform(LogSTFT().fit_transform(y)).shape
    (1, 22016)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "algorithm": [StrOptions({"gla", "fgla"})],
        "init": [StrOptions({"random", "zero"})],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "n_fft": [Interval(Integral, 2, None, closed="left"), None],
        "hop_length": [Interval(Integral, 1, None, closed="left"), None],
        "win_length": [Interval(Integral, 1, None, closed="left"), None],
        "window": [str, tuple, Real, "array-like", callable],
        "center": ["boolean"],
        "length": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_iter=100,
        algorithm="fgla",
        init="random",
        momentum=0.99,
        n_fft=None,
        hop_length=None,
        win_length=None,
        window="hann",
        center=True,
        length=None,
        tol=0.0,
        random_state=None,
        n_jobs=None,
    ):
        self.n_iter = n_iter
        self.algorithm = algorithm
        self.init = init
        self.momentum = momentum
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.win_length = win_length
        self.window = window
        self.center = center
        self.length = length
        self.tol = tol
        self.random_state = random_state
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, S: Any, y: Any = None) -> "GriffinLimInverter":
        """Read the size of the transform from the spectra; nothing else is learnt.

        Parameters
        ----------
        S : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Log-magnitude spectra ``log(1 + abs(STFT))``.
        y : ignored

        Returns
        -------
        GriffinLimInverter

        Raises
        ------
        ParameterError
            A size is out of range, or does not agree with the spectra.
        AudioError
            The spectra are empty, not finite or of the wrong rank.
        """
        self._geometry(check_spectra(S, estimator=self))
        return self

    def transform(self, S: Any) -> Batch:
        """Return the audio of log-magnitude spectra; see `invert`."""
        return self.invert(S)

    def invert(self, S: Any, phase: Any = None, length: Any = None) -> Batch:
        """Return the audio of log-magnitude spectra, starting from a known phase if there is one.

        Parameters
        ----------
        S : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Log-magnitude spectra. A value below zero, which a linear model may give, is taken as zero: silence.
        phase : array-like of the shapes of S, complex, or None
            Initial phase: complex spectra whose angles are taken, such as the source's STFT. None uses ``init``.
        length : int, sequence of int (one for each note), or None
            Samples to return; None uses the parameter ``length``.

        Returns
        -------
        ndarray of shape (n_notes, n_samples) or list of 1-D arrays, float32
            An array where S is one.

        Raises
        ------
        AudioError
            The spectra are empty, not finite, beyond any log-magnitude or of the wrong shape.
        """
        S = check_spectra(S, estimator=self, reset=False)
        geometry = self._geometry(S)
        for i, note in enumerate(S):
            if note.max() > LARGEST_LOG_MAGNITUDE:
                raise AudioError(
                    f"S[{i}] reaches {note.max():.4g}; log(1 + |STFT|) of audio stays below {LARGEST_LOG_MAGNITUDE:g}. "
                    "Are these decibels? Convert them with log1p(10 ** (dB / 20))."
                )
        lengths = self._lengths(length, len(S))
        phases = [None] * len(S) if phase is None else self._phases(phase, S)
        seed = draw_seed(self.random_state)
        notes = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(self._invert_note)(note, geometry, start, samples, seed)
            for note, start, samples in zip(S, phases, lengths, strict=True)
        )
        return notes if isinstance(S, list) or len({len(n) for n in notes}) > 1 else np.stack(notes)

    def _invert_note(self, log_magnitude, geometry, phase, length, seed):
        magnitude = np.expm1(np.maximum(log_magnitude, 0))
        if phase is None:
            phasors = initial_phasors(magnitude.shape, self.init, seed)
        else:
            size = np.abs(phase)
            phasors = np.where(size > 0, phase / np.maximum(size, np.finfo(np.float32).tiny), 1).astype(np.complex64)
        momentum = self.momentum if self.algorithm == "fgla" else 0.0
        found = griffin_lim(
            magnitude, phasors, geometry, n_iter=self.n_iter, momentum=momentum, length=length, tol=self.tol
        )
        return found.signal

    def _geometry(self, S):
        self._validate_params()
        if len(S[0]) < 2:
            raise AudioError(f"S has shape {np.shape(S)}, n_features = 1: the spectra of audio have at least 2 frequencies.")
        n_fft = 2 * (len(S[0]) - 1)
        if self.n_fft not in (None, n_fft):
            raise ParameterError(
                f"n_fft={self.n_fft} gives {self.n_fft // 2 + 1} frequencies, but the spectra have {len(S[0])}. "
                f"Pass n_fft={n_fft} or None."
            )
        return STFTGeometry(n_fft, self.hop_length, self.win_length, self.window, self.center)

    def _lengths(self, length, n_notes):
        length = self.length if length is None else length
        if length is None or isinstance(length, Integral):
            return [None if length is None else int(length)] * n_notes
        if len(length) != n_notes:
            raise ParameterError(
                f"length has {len(length)} values for {n_notes} notes; give one for each, or one for all."
            )
        return [int(n) for n in length]

    def _phases(self, phase, S):
        phases = [np.asarray(p) for p in phase]
        if [p.shape for p in phases] != [note.shape for note in S]:
            raise AudioError(
                f"phase has the shapes {sorted({p.shape for p in phases})} in {len(phases)} notes, S has "
                f"{sorted({note.shape for note in S})} in {len(S)}: the initial phase needs the shapes of the spectra."
            )
        return phases

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
