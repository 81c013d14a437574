"""GriffinLimInverter: log-magnitude spectra to waveforms."""

from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from sktimbre._utils.fitting import restores_on_failure
from sktimbre._utils.seeds import draw_seed
from sktimbre._utils.validation import Batch, check_spectra
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral.geometry import resolve_geometry
from sktimbre.spectral.griffin_lim import ALGORITHMS, Retrieved, griffin_lim
from sktimbre.spectral.initial import INITS, check_phases, initial_phasors, unit_phasors
from sktimbre.spectral.log_magnitudes import LARGEST_LOG_MAGNITUDE
from sktimbre.spectral.threads import map_notes

__all__ = ["GriffinLimInverter", "InversionReport"]


class InversionReport(NamedTuple):
    """Spectral convergence and number of iterations of each note.

    Parameters
    ----------
    spectral_convergence : ndarray of shape (n_notes,), float64
        ``norm(abs(STFT(audio)) - magnitudes) / norm(magnitudes)``; 0 for silence.
    n_iter : ndarray of shape (n_notes,), int64
        Iterations that ran; fewer than the parameter ``n_iter`` if ``tol`` stopped them.
    """

    spectral_convergence: np.ndarray
    n_iter: np.ndarray


class GriffinLimInverter(TransformerMixin, BaseEstimator):
    """Convert log-magnitude spectra to audio by phase retrieval. Nothing is learnt from the data.

    The thesis (section 2.2) uses ``GriffinLimInverter(n_iter=100, algorithm="gla", init="random")``; the defaults come closer
    to the spectra in a fraction of the time.

    Parameters
    ----------
    n_iter : int, default=30
        Iterations; 0 inverts with the initial phase.
    algorithm : {"agla", "fgla", "gla", "admm"}, default="agla"
        Accelerated Griffin-Lim [4]_, fast Griffin-Lim [3]_ as in `librosa.griffinlim`, plain Griffin-Lim [2]_, or the
        alternating direction method of multipliers [5]_. See `griffin_lim`.
    init : {"pghi", "spsi", "random", "zero"}, default="pghi"
        Initial phase, unless `invert` is given one: phase gradient integration [1]_, single pass spectrogram inversion [6]_,
        uniform in [-pi, pi), or zero.
    momentum : float in [0, 1], default=0.99
        Momentum of "agla" and "fgla", as in `librosa.griffinlim`.
    n_fft : int or None, default=None
        Length of the transform in samples, even; None reads it from the spectra. Powers of two with a hop that divides them
        are fastest.
    hop_length, win_length : int or None, default=None
        Hop and window length in samples, equal to those of the analysis; None is ``n_fft // 2`` and ``n_fft``.
    window : str, tuple, float, callable or array, default="hann"
        As in `scipy.signal.get_window`.
    center : bool, default=True
        Whether the analysis centred its frames.
    length : int or None, default=None
        Samples of each note; None is as many as the frames span, ``hop_length * (n_frames - 1)`` when centred.
    tol : float, default=0.0
        Stop early when the spectral convergence, measured every 5 iterations, changes by less than this fraction; 0 runs all
        iterations.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the random phase. Every note starts from the same phases, so that its result does not depend on the
        other notes.
    n_jobs : int or None, default=None
        Largest number of threads, as in joblib. Each note is inverted by one thread, and small batches use one thread.

    Attributes
    ----------
    n_features_in_ : int
        Number of frequencies.
    spectral_convergence_ : ndarray of shape (n_notes,)
        Spectral convergence of the notes given to `fit_transform`; `invert` can return it for other notes. `transform` does
        not change the estimator.
    n_iter_ : ndarray of shape (n_notes,)
        Iterations that `fit_transform` ran for each note.

    See Also
    --------
    LogSTFT : The analysis.
    StreamingInverter : Inverts spectra while they arrive, or spectra that do not fit into memory.
    griffin_lim, initial_phasors : The array functions.

    Notes
    -----
    The first call with a new ``n_fft`` compiles its kernels, which takes seconds; they are then cached on disk.

    Samples that only the edge of one window covers would amplify every error, so they are limited to the level of their
    frame: with ``center=True`` beyond the centre of the last frame, if ``length`` includes them; with ``center=False`` at both
    ends. Spectral convergence is measured before that. Magnitudes and phase of the same signal give the signal back unchanged.

    References
    ----------
    .. [1] Z. Prusa, P. Balazs and P. L. Sondergaard, "A noniterative method for reconstruction of phase from STFT
       magnitude", IEEE/ACM Transactions on Audio, Speech, and Language Processing 25(5), 2017.
    .. [2] D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Transactions on
       Acoustics, Speech, and Signal Processing 32(2), 1984.
    .. [3] N. Perraudin, P. Balazs and P. L. Sondergaard, "A fast Griffin-Lim algorithm", IEEE Workshop on Applications of
       Signal Processing to Audio and Acoustics (WASPAA), 2013.
    .. [4] R. Nenov, D.-K. Nguyen, P. Balazs and R. I. Bot, "Accelerated Griffin-Lim algorithm: a fast and provably converging
       numerical method for phase retrieval", arXiv:2306.12504, 2023.
    .. [5] Y. Masuyama, K. Yatabe and Y. Oikawa, "Griffin-Lim like phase recovery via alternating direction method of
       multipliers", IEEE Signal Processing Letters 26(1), 2019.
    .. [6] G. T. Beauregard, M. Harish and L. Wyse, "Single pass spectrogram inversion", IEEE International Conference on
       Digital Signal Processing (DSP), 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre import GriffinLimInverter, LogSTFT
    >>> y = np.sin(np.arange(22050, dtype=np.float32) / 10)[np.newaxis]
    >>> inverter = GriffinLimInverter()
    >>> inverter.fit_transform(LogSTFT().fit_transform(y)).shape
    (1, 22016)
    >>> bool(inverter.spectral_convergence_[0] < 0.05)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "algorithm": [StrOptions(set(ALGORITHMS))],
        "init": [StrOptions(set(INITS))],
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
        n_iter=30,
        algorithm="agla",
        init="pghi",
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
    @restores_on_failure
    def fit(self, X: Any, y: Any = None) -> "GriffinLimInverter":
        """Check the spectra and read ``n_fft`` from them; nothing else is learnt.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Log-magnitude spectra ``log(1 + abs(STFT))``.
        y : None
            Ignored.

        Returns
        -------
        GriffinLimInverter

        Raises
        ------
        ParameterError
            An STFT parameter is out of range, or does not agree with the spectra.
        AudioError
            The spectra are empty, not finite or of the wrong rank.
        """
        self._geometry(check_spectra(X, name="X", estimator=self))
        return self

    @restores_on_failure
    def fit_transform(self, X: Any, y: Any = None) -> Batch:
        """Return the audio of log-magnitude spectra, and store its spectral convergence.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Log-magnitude spectra ``log(1 + abs(STFT))``.
        y : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_notes, n_samples) or list of 1-D arrays, float32

        Raises
        ------
        ParameterError, AudioError
            As in `fit` and `invert`.
        """
        audio, report = self.fit(X).invert(X, return_report=True)
        self.spectral_convergence_, self.n_iter_ = report
        return audio

    def transform(self, X: Any) -> Batch:
        """Return the audio of log-magnitude spectra.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            As in `invert`.

        Returns
        -------
        ndarray of shape (n_notes, n_samples) or list of 1-D arrays, float32
        """
        return self.invert(X)

    def invert(self, X: Any, phase: Any = None, length: Any = None, return_report: bool = False) -> Any:
        """Return the audio of log-magnitude spectra, starting from a given phase or from ``init``.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Log-magnitude spectra. Values below zero, which a linear model may predict, are set to zero.
        phase : array-like of the shapes of X, complex or real, or None
            Initial phase: the angles of complex spectra, such as the source's STFT or unit phasors, or real angles in
            radians. None uses ``init``.
        length : int, sequence of int (one for each note), or None
            Samples to return; None uses the parameter ``length``.
        return_report : bool
            Whether to measure the result, which costs half an iteration.

        Returns
        -------
        audio : ndarray of shape (n_notes, n_samples) or list of 1-D arrays, float32
            An array if X is an array and all lengths agree.
        report : InversionReport
            Returned only with ``return_report=True``.

        Raises
        ------
        ParameterError
            An STFT parameter does not agree with the spectra.
        AudioError
            The spectra are empty, not finite, above 40 or of the wrong shape.
        """
        S = check_spectra(X, name="X", estimator=self, reset=False)
        geometry = self._geometry(S)
        for i, note in enumerate(S):
            if note.max() > LARGEST_LOG_MAGNITUDE:
                raise AudioError(
                    f"X[{i}] reaches {note.max():.4g}; log(1 + |STFT|) of audio stays below {LARGEST_LOG_MAGNITUDE:g}. "
                    "Are these decibels? Convert them with log1p(10 ** (dB / 20))."
                )
        lengths = self._lengths(length, len(S))
        starts = self._starts(S, geometry) if phase is None else check_phases(phase, S)
        retrieve = partial(self._retrieve, geometry, return_report)
        # Two transforms per iteration, and one each at the start and the end.
        work = 2 * (self.n_iter + 1) * geometry.n_fft * sum(note.shape[1] for note in S)
        found: list[Retrieved] = map_notes(retrieve, self.n_jobs, work, S, starts, lengths)
        notes = [note.signal for note in found]
        audio = notes if isinstance(S, list) or len({len(n) for n in notes}) > 1 else np.stack(notes)
        if not return_report:
            return audio
        convergence = np.array([note.spectral_convergence for note in found])
        return audio, InversionReport(convergence, np.array([note.n_iter for note in found]))

    def _retrieve(self, geometry, measure, log_magnitude, start, length):
        """Invert one note; ``start`` is the initial phase, or None to use ``init``."""
        magnitudes = np.maximum(log_magnitude, 0)
        np.expm1(magnitudes, out=magnitudes)
        phasors = initial_phasors(magnitudes, geometry, self.init) if start is None else unit_phasors(start)
        return griffin_lim(
            magnitudes,
            phasors,
            geometry,
            algorithm=self.algorithm,
            n_iter=self.n_iter,
            momentum=self.momentum,
            length=length,
            tol=self.tol,
            measure=measure,
        )

    def _starts(self, S, geometry):
        """Return the initial phase of each note: with "random" the same for all notes of one shape, else None."""
        if self.init != "random":
            return [None] * len(S)
        seed = draw_seed(self.random_state)
        shared = {shape: initial_phasors(np.zeros(shape), geometry, "random", seed) for shape in {s.shape for s in S}}
        return [shared[note.shape] for note in S]

    def _geometry(self, S):
        self._validate_params()
        if len(S[0]) < 2:
            raise AudioError(
                f"X has shape {np.shape(S)}, n_features = 1; spectra need at least 2 frequencies. Give spectra of LogSTFT."
            )
        n_fft = 2 * (len(S[0]) - 1)
        if self.n_fft not in (None, n_fft):
            raise ParameterError(
                f"n_fft={self.n_fft} gives {self.n_fft // 2 + 1} frequencies, but the spectra have {len(S[0])}. "
                f"Pass n_fft={n_fft} or None."
            )
        return resolve_geometry(n_fft, self.hop_length, self.win_length, self.window, self.center)

    def _lengths(self, length, n_notes):
        length = self.length if length is None else length
        if length is None or isinstance(length, Integral):
            return [None if length is None else int(length)] * n_notes
        if len(length) != n_notes:
            raise ParameterError(
                f"length has {len(length)} values for {n_notes} notes; give one for each, or one for all."
            )
        return [int(n) for n in length]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
