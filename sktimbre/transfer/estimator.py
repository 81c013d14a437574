"""TimbreTransfer: audio of one instrument to audio of another, with one STFT for both."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from numbers import Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, RegressorMixin, _fit_context, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, check_memory

from sktimbre._utils.checks import check_real
from sktimbre._utils.containers import is_paths, returns_notes
from sktimbre._utils.fitting import restores_on_failure
from sktimbre._utils.validation import Batch, check_audio, check_pair
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral import GriffinLimInverter, LogSTFT
from sktimbre.spectral.stft import geometry_of
from sktimbre.storage.spectra import BLOCK, folders_for_spectra, stored_spectra
from sktimbre.transfer.conversion import Conversion, as_taken, transform
from sktimbre.transfer.inputs import check_on_disk, checked_pair, checked_stream, length_check, on_disk, over_files
from sktimbre.transfer.pieces import checked_blocks, fade_over, run_on

__all__ = ["Extent", "TimbreTransfer"]


class Extent(NamedTuple):
    """How much sound one value of the output depends on."""

    milliseconds: float
    hertz: float


def _has_partial_fit(model):
    """Return True if the autoencoder supports partial_fit."""
    return model.autoencoder is None or hasattr(model.autoencoder, "partial_fit")


class TimbreTransfer(RegressorMixin, BaseEstimator):
    """Turn notes of one instrument into notes of another: STFT, a regressor on spectra, phase retrieval.

    Parameters
    ----------
    stft : transformer or None, default=None
        Of both sides; None is ``LogSTFT()``.
    autoencoder : regressor or None, default=None
        From spectra to spectra; None is ``TimbreAutoencoder()``. One that takes three-dimensional arrays (by its tags) is
        given whole notes; any other multi-output regressor, such as `sklearn.linear_model.Ridge`, is given one frame a row.
    inverter : transformer or None, default=None
        From spectra to audio; None is ``GriffinLimInverter()``. It takes over the sizes and the window of ``stft``.
    phase : {"estimate", "source"}, default="estimate"
        Whether phase retrieval starts as the inverter does, or from the phase of the source, which a transfer has at hand.
        `benchmarks/phase.py` measured the inverter's start to be the better one unless the timbre changes little; the source's
        keeps the channels of a stereo recording aligned.
    loudness : float in [0, 1], default=0.75
        How closely the output's loudness follows the source's: 0 leaves what was learnt, where a vibrato or a swell that the
        targets do not have is evened out; 1 makes up for all differences of at most 6 dB from what is usual within 1.5 s.
        `benchmarks/timbre.py --dynamics` chose the default: it costs no error, and tremolos are kept.
    sr : float, default=22050
        Sample rate in Hz of the audio it is trained on and applied to.
    memory : None, str or object with the joblib.Memory interface, default=None
        Where `fit` and `score` keep spectra, as Pipeline's parameter of this name does: a folder, by which the candidates of a
        search share them. Meant for slow transforms: `LogSTFT` is about as fast as reading (`benchmarks/sweep.py`). And where
        `fit` keeps those of files and memory maps, which it reads from there while training.

    Attributes
    ----------
    stft_, autoencoder_, inverter_ : estimators
        The fitted parts.
    n_features_in_ : int
        Number of samples of each note, where `fit` saw an array.
    receptive_field_ : Extent
        Milliseconds and hertz that one value of the output depends on, where the autoencoder knows.

    See Also
    --------
    TimbreAutoencoder : The network.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sktimbre import LogSTFT, TimbreTransfer
    >>> from sktimbre.datasets import make_paired_notes
    >>> notes = make_paired_notes(4, duration=0.5, random_state=0)
    >>> model = TimbreTransfer(stft=LogSTFT(n_fft=512), autoencoder=Ridge(1.0)).fit(notes.source, notes.target)
    >>> model.predict(notes.source).shape == notes.source.shape
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "stft": [HasMethods(["fit", "transform"]), None],
        "autoencoder": [HasMethods(["fit", "predict"]), None],
        "inverter": [HasMethods(["fit", "transform"]), None],
        "phase": [StrOptions({"source", "estimate"})],
        "loudness": [Interval(Real, 0, 1, closed="both")],
        "sr": [Interval(Real, 0, None, closed="neither")],
        "memory": [None, str, HasMethods(["cache"])],
    }

    def __init__(
        self, stft=None, autoencoder=None, inverter=None, phase="estimate", loudness=0.75, sr=22050, memory=None
    ):
        self.stft = stft
        self.autoencoder = autoencoder
        self.inverter = inverter
        self.phase = phase
        self.loudness = loudness
        self.sr = sr
        self.memory = memory

    @_fit_context(prefer_skip_nested_validation=False)
    @restores_on_failure
    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> "TimbreTransfer":
        """Learn to turn each source into its target.

        Parameters
        ----------
        X, y : array-like of shape (n_notes, n_samples), lists of 1-D arrays, or lists of paths of sound files
            Audio of source and target in [-1, 1]; the two of a pair have the same length and pitch. Files are read as
            mono at ``sr``. X may also be a generator of pairs ``(source, target)`` of 1-D arrays, y then being None.
        **fit_params
            Passed to the autoencoder's ``fit``. ``validation_data=(X, y)`` is audio and is transformed first. With
            scikit-learn's metadata routing enabled, the autoencoder has to request them:
            ``TimbreAutoencoder().set_fit_request(callbacks=True)``.

        Returns
        -------
        TimbreTransfer

        Raises
        ------
        AudioError
            Audio is empty, not finite, raw integers or of the wrong rank, or sources and targets do not match.
        AudioFileError
            A file is missing or cannot be read.
        ParameterError
            A parameter is out of range, or the parts do not fit together.
        PersistenceError
            The disk is too full for spectra.

        Notes
        -----
        Of files, generators and `numpy.memmap` neither audio nor spectra are held in memory: spectra are written to a folder,
        that of ``memory``, where a later call finds those of the same files or maps, else a temporary one, and are read while
        training. An autoencoder that is given one frame a row has no such way, and is given all rows at once.
        """
        stft, inverter = self._new_parts()
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params).autoencoder.fit
        given: list[Any]
        if isinstance(X, Iterator):
            given = [checked_stream(X, y, length_check(stft))]
        else:
            given = [checked_pair(X, y, self.sr, estimator=self)]
        if fit_params.get("validation_data") is not None:
            source, target = fit_params["validation_data"]
            given.append(checked_pair(source, target, self.sr, ("validation_data[0]", "validation_data[1]")))
        for pair, name in zip(given, ("X", "validation_data[0]"), strict=False):
            if on_disk(pair):
                check_on_disk(stft, pair, name)
        autoencoder = self._new_autoencoder()
        in_memory = not any(map(on_disk, given))
        with nullcontext() if in_memory else folders_for_spectra(check_memory(self.memory)) as folders:
            show = bool(getattr(autoencoder, "verbose", False))
            S, T = self._spectra_of(stft, given[0], folders, show, fit=True)
            if len(given) > 1:
                fit_params["validation_data"] = self._spectra_of(stft, given[1], folders, show)
            autoencoder.fit(*as_taken(autoencoder, S, T), **fit_params)
            self.stft_, self.autoencoder_, self.inverter_ = stft, autoencoder, inverter.fit(T)
        return self

    @available_if(_has_partial_fit)
    @_fit_context(prefer_skip_nested_validation=False)
    @restores_on_failure
    def partial_fit(self, X: Any, y: Any) -> "TimbreTransfer":
        """Learn by one pass over these notes, and go on from there at the next call.

        It is there where the autoencoder has a method of this name, see `TimbreAutoencoder.partial_fit`.

        Parameters
        ----------
        X, y : array-like of shape (n_notes, n_samples) or lists of 1-D arrays
            Audio of source and target, as in `fit`.

        Returns
        -------
        TimbreTransfer

        Raises
        ------
        AudioError, ParameterError
            As in `fit`.
        """
        first = not hasattr(self, "autoencoder_")
        stft, inverter = self._new_parts() if first else (self.stft_, self.inverter_)
        X = check_audio(X, estimator=self, reset=first)
        y = check_audio(y, name="y")
        check_pair(X, y)
        autoencoder = self._new_autoencoder() if first else self.autoencoder_
        S, T = (stft.fit(X) if first else stft).transform(X), stft.transform(y)
        autoencoder.partial_fit(*as_taken(autoencoder, S, T))
        if first:
            self.stft_, self.autoencoder_, self.inverter_ = stft, autoencoder, inverter.fit(T)
        return self

    @returns_notes
    def predict(self, X: Any) -> Batch:
        """Return audio with the target's timbre.

        Parameters
        ----------
        X : array-like of shape (n_notes, n_samples), list of 1-D arrays, or list of paths of sound files
            Audio of the source, of any length. Files are read as mono at ``sr``.

        Returns
        -------
        ndarray of the shape of X or list of 1-D arrays of the lengths of X, float32

        Raises
        ------
        AudioError, AudioFileError
            As in `fit`.

        Notes
        -----
        X may also be a `pandas.Series` or an array of objects, of 1-D arrays or of paths; the result is then a list. Of notes
        of different lengths `sklearn.model_selection.cross_val_predict` makes an array of objects, shape (n_notes,).
        """
        check_is_fitted(self)
        if is_paths(X):
            return over_files(self.predict, X, self.sr)
        X = check_audio(X, estimator=self, reset=False)
        return self.invert_spectra(self._conversion.predict(X), X)

    @returns_notes
    def predict_spectra(self, X: Any) -> Batch:
        """Return the log-magnitude spectra that `predict` gives a phase to.

        Parameters
        ----------
        X : array-like of shape (n_notes, n_samples), list of 1-D arrays, or list of paths of sound files
            Audio of the source, as in `predict`.

        Returns
        -------
        ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, float32, non-negative
        """
        check_is_fitted(self)
        if is_paths(X):
            return over_files(self.predict_spectra, X, self.sr)
        return self._conversion.predict(check_audio(X, estimator=self, reset=False))

    def invert_spectra(self, S: Any, X: Any) -> Batch:
        """Return the audio of log-magnitude spectra, by the phase retrieval of `predict`.

        Parameters
        ----------
        S : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Spectra, such as `predict_spectra` or a baseline predicts for X.
        X : array-like of shape (n_notes, n_samples) or list of 1-D arrays
            Audio of the source: it gives the lengths and, with ``phase="source"``, the initial phase.

        Returns
        -------
        ndarray of the shape of X or list of 1-D arrays of the lengths of X, float32
            An inverter without the method ``invert`` of `GriffinLimInverter` cannot be told the lengths: its audio is cut, or
            padded with zeros.

        Raises
        ------
        AudioError
            The audio cannot be used, or the number of notes differs.
        """
        check_is_fitted(self)
        X = check_audio(X, estimator=self, reset=False)
        if len(S) != len(X):
            raise AudioError(
                f"S has {len(S)} notes and X has {len(X)}: give the spectra and the source of the same notes."
            )
        lengths = [len(note) for note in X]
        if not hasattr(self.inverter_, "invert"):
            audio = zip(self.inverter_.transform(S), lengths, strict=True)
            notes = [np.pad(y[:n], (0, max(0, n - len(y)))) for y, n in audio]
            return notes if isinstance(X, list) else np.stack(notes)
        phase = self.stft_.complex_transform(X) if self.phase == "source" else None
        return self.inverter_.invert(S, phase=phase, length=lengths)

    def predict_blocks(
        self, blocks: Iterable[np.ndarray], piece: float = 12.0, overlap: float = 0.5
    ) -> Iterator[np.ndarray]:
        """Convert a recording of any length in bounded memory.

        The recording is cut into pieces. Each is converted together with as much of its surroundings as the network and the
        loudness correction look at, up to a quarter of ``piece`` on each side, so that pieces agree with the whole. With
        estimated phase their spectra follow one another through a `StreamingInverter`, which runs all iterations whatever the
        inverter's ``tol``. With the source's phase, and with an STFT or an inverter that is not this package's, each piece is
        inverted by itself and cross-faded with the next.

        Parameters
        ----------
        blocks : iterable of ndarray of shape (n_samples,)
            The recording at ``sr``, mono, in blocks of any size.
        piece : float
            Seconds converted at a time.
        overlap : float
            Seconds by which neighbouring pieces overlap: those of the cross-fade, and the least surroundings.

        Returns
        -------
        iterator of ndarray of shape (n_samples,), float32
            The converted recording in blocks, as long as the recording in all.

        Raises
        ------
        AudioError
            A block is not finite or of the wrong rank; raised when it comes.
        ParameterError
            A duration is out of range, or ``blocks`` is not an iterable of blocks.
        """
        check_is_fitted(self)
        shared = int(check_real(overlap, "overlap", 0.0, fix="It is in seconds.") * self.sr)
        size = int(check_real(piece, "piece", 0.0, fix="It is in seconds.") * self.sr)
        if not 0 < shared < size:
            raise ParameterError(f"overlap={overlap} s must be above 0 and below piece={piece} s.")
        blocks, geometry = checked_blocks(blocks), geometry_of(self.stft_)
        if self.phase == "estimate" and isinstance(self.inverter_, GriffinLimInverter) and geometry and geometry.center:
            return run_on(self._conversion, self.inverter_, blocks, size, shared)
        if geometry is None:
            return fade_over(self.predict, blocks, size, shared, context=0, hop=1)
        context = self._conversion.context * geometry.hop + geometry.n_fft
        return fade_over(self.predict, blocks, size, shared, context, geometry.hop)

    def score(self, X: Any, y: Any) -> float:
        """Return the negative reconstruction error: mean squared error of log-magnitudes, higher is better.

        Parameters
        ----------
        X, y : array-like of shape (n_notes, n_samples), lists of 1-D arrays, or lists of paths of sound files
            Audio of source and target.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        pair = checked_pair(X, y, self.sr, estimator=self, reset=False)
        to_spectra, step = (transform, BLOCK) if on_disk(pair) else (self._remembered(), len(pair[0]))
        total, size = 0.0, 0
        for start in range(0, len(pair[0]), step):
            X, y = (side[start : start + step] for side in pair)
            for t, p in zip(to_spectra(self.stft_, y), self._conversion.predict(X, to_spectra), strict=True):
                total += float(np.sum(np.square(t - p), dtype=np.float64))
                size += t.size
        return -total / size

    @property
    def receptive_field_(self) -> Extent:
        """Milliseconds and hertz that one value of the output depends on."""
        check_is_fitted(self)
        field, geometry = self.autoencoder_.receptive_field_, self.stft_.geometry
        n_frames = field.frames + 2 * self._conversion.loudness_context
        samples = (n_frames - 1) * geometry.hop + geometry.win
        return Extent(1000 * samples / self.sr, field.bins * self.sr / geometry.n_fft)

    @property
    def _conversion(self):
        return Conversion(self.stft_, self.autoencoder_, self.sr, self.loudness)

    def _spectra_of(self, stft, pair, folders, show, fit=False):
        """Return the spectra of source and target: in memory, or as notes on disk in one of the folders."""
        if on_disk(pair):
            return stored_spectra(pair, stft, folders, show)
        X, y = pair
        if fit and self.memory is None and hasattr(stft, "fit_transform"):
            return stft.fit_transform(X), stft.transform(y)
        if fit:
            stft.fit(X)
        to_spectra = self._remembered()
        return to_spectra(stft, X), to_spectra(stft, y)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return how metadata is routed: that of `fit` goes to the autoencoder's ``fit``.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        fits = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=type(self).__name__).add(autoencoder=self._new_autoencoder(), method_mapping=fits)

    def _new_parts(self):
        """Return a new STFT and the inverter that goes with it."""
        stft = LogSTFT() if self.stft is None else clone(self.stft)
        inverter = self._matched_inverter(stft)
        if self.phase == "source" and not (hasattr(stft, "complex_transform") and hasattr(inverter, "invert")):
            raise ParameterError(
                f"phase='source' needs an stft with complex_transform and an inverter with invert, as LogSTFT and "
                f"GriffinLimInverter have; got {type(stft).__name__} and {type(inverter).__name__}. Use phase='estimate'."
            )
        return stft, inverter

    def _new_autoencoder(self):
        if self.autoencoder is not None:
            return clone(self.autoencoder)
        from sktimbre.autoencoder import TimbreAutoencoder

        return TimbreAutoencoder()

    def _matched_inverter(self, stft):
        """Return the inverter with the sizes and window of the analysis; refuse one that was set to others."""
        inverter = GriffinLimInverter() if self.inverter is None else clone(self.inverter)
        geometry = geometry_of(stft)
        if not isinstance(inverter, GriffinLimInverter) or geometry is None:
            return inverter
        sizes = {"n_fft": geometry.n_fft, "hop_length": geometry.hop, "win_length": geometry.win}
        for name, size in sizes.items():
            given = getattr(inverter, name)
            if given not in (None, size):
                raise ParameterError(
                    f"inverter has {name}={given}, the stft {name}={size}: both sides need the same. Leave the "
                    "inverter's at None."
                )
        return inverter.set_params(**sizes, window=geometry.window, center=geometry.center)

    def _remembered(self):
        """Return `transform` with its results kept in ``memory``."""
        return check_memory(self.memory).cache(transform)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.target_tags.required = True
        return tags
