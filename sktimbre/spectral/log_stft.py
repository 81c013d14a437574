"""LogSTFT: waveforms to log-magnitude spectra."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval

from sktimbre._utils.fitting import restores_on_failure
from sktimbre._utils.validation import Batch, check_audio, check_spectra
from sktimbre.spectral.analysis import Analysis
from sktimbre.spectral.geometry import STFTGeometry, resolve_geometry
from sktimbre.spectral.inverter import GriffinLimInverter

__all__ = ["LogSTFT"]


class LogSTFT(TransformerMixin, BaseEstimator):
    """Transform audio into log-magnitude spectra ``log(1 + abs(STFT))``, the thesis's features (section 3.1).

    Parameters
    ----------
    n_fft : int, default=1024
        Length of the transform in samples, even.
    hop_length : int or None, default=None
        Samples from frame to frame; None is ``n_fft // 2``.
    win_length : int or None, default=None
        Length of the window in samples; None is ``n_fft``.
    window : str, tuple, float, callable or array, default="hann"
        As in `scipy.signal.get_window`.
    center : bool, default=True
        Whether frames are centred on their samples, the signal padded with zeros, as in librosa.
    n_frames : int or None, default=None
        Number of frames to which each note is padded with zeros or cropped; None keeps all frames.
    n_jobs : int or None, default=None
        Largest number of threads, as in joblib. Small batches use one thread: two pay from 64 notes of 3 s on.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples of each note, if `fit` was given an array.

    See Also
    --------
    GriffinLimInverter : The inverse, with all its settings.
    stft : The array function, with phase.

    Notes
    -----
    Nothing is learnt from the data: `transform` works without `fit` and takes notes of any length. The logarithm is
    natural: doubling a strong partial adds 0.69, and a silent bin is exactly 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre import LogSTFT
    >>> LogSTFT().fit_transform(np.zeros((2, 22050), np.float32)).shape
    (2, 513, 44)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_fft": [Interval(Integral, 2, None, closed="left")],
        "hop_length": [Interval(Integral, 1, None, closed="left"), None],
        "win_length": [Interval(Integral, 1, None, closed="left"), None],
        "window": [str, tuple, Real, "array-like", callable],
        "center": ["boolean"],
        "n_frames": [Interval(Integral, 1, None, closed="left"), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self, n_fft=1024, hop_length=None, win_length=None, window="hann", center=True, n_frames=None, n_jobs=None
    ):
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.win_length = win_length
        self.window = window
        self.center = center
        self.n_frames = n_frames
        self.n_jobs = n_jobs

    @property
    def geometry(self) -> STFTGeometry:
        """The STFT parameters, checked and with defaults filled in."""
        self._validate_params()
        return resolve_geometry(self.n_fft, self.hop_length, self.win_length, self.window, self.center)

    @_fit_context(prefer_skip_nested_validation=True)
    @restores_on_failure
    def fit(self, X: Any, y: Any = None) -> "LogSTFT":
        """Check the audio and the STFT parameters; nothing is learnt.

        Parameters
        ----------
        X : array-like of shape (n_notes, n_samples) or list of 1-D arrays
            Audio in [-1, 1].
        y : None
            Ignored.

        Returns
        -------
        LogSTFT

        Raises
        ------
        ParameterError
            An STFT parameter is out of range, or hop and window do not satisfy overlap-add.
        AudioError
            The audio is empty, not finite, raw integers, of the wrong rank, or, with ``center=False``, shorter than
            ``n_fft``.
        """
        self._checked(X, reset=True)
        return self

    def transform(self, X: Any) -> Batch:
        """Return log-magnitude spectra.

        Parameters
        ----------
        X : array-like of shape (n_notes, n_samples) or list of 1-D arrays
            Audio in [-1, 1], of any length.

        Returns
        -------
        ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, float32, non-negative
            An array if X is an array.

        Raises
        ------
        AudioError
            As in `fit`.
        """
        return self._analysis.transform(self._checked(X))

    def complex_transform(self, X: Any) -> Batch:
        """Return the complex spectra, magnitude and phase.

        Parameters
        ----------
        X : array-like of shape (n_notes, n_samples) or list of 1-D arrays
            Audio in [-1, 1], of any length.

        Returns
        -------
        ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, complex64

        Raises
        ------
        AudioError
            As in `fit`.
        """
        return self._analysis.complex_transform(self._checked(X))

    def inverse_transform(self, X: Any) -> Batch:
        """Return the audio of log-magnitude spectra, by `GriffinLimInverter` with its defaults and ``random_state=0``.

        Parameters
        ----------
        X : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Log-magnitude spectra.

        Returns
        -------
        ndarray of shape (n_notes, n_samples) or list of 1-D arrays, float32
            The notes have the length of those given to `fit` if X has the same number of frames.

        Raises
        ------
        AudioError
            The spectra are empty, not finite or of the wrong shape.
        """
        S = check_spectra(X, name="X")
        g = self.geometry
        fitted = getattr(self, "n_features_in_", None)
        same = fitted is not None and isinstance(S, np.ndarray) and S.shape[2] == (self.n_frames or g.n_frames(fitted))
        inverter = GriffinLimInverter(
            n_fft=g.n_fft,
            hop_length=g.hop,
            win_length=g.win,
            window=g.window,
            center=g.center,
            length=fitted if same else None,
            random_state=0,
            n_jobs=self.n_jobs,
        )
        return inverter.fit(S).transform(S)

    def _checked(self, X, reset=False):
        geometry, X = self.geometry, check_audio(X, estimator=self, reset=reset)
        for i, note in enumerate(X):
            geometry.check_length(len(note), f"X[{i}]")
        return X

    @property
    def _analysis(self):
        return Analysis(self.geometry, self.n_frames, self.n_jobs)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
