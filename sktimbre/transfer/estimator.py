"""TimbreTransfer: audio of one instrument to audio of another, with one STFT for both."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, check_memory

from sktimbre._utils.containers import is_paths, returns_notes
from sktimbre._utils.fitting import restores_on_failure
from sktimbre._utils.validation import Batch, check_audio, check_pair, forget_features
from sktimbre.exceptions import AudioError
from sktimbre.storage.spectra import BLOCK, folders_for_spectra, stored_spectra
from sktimbre.transfer.conversion import as_taken, of_all_frames, transform, weights_as_taken
from sktimbre.transfer.converting import ConversionMixin
from sktimbre.transfer.inputs import check_on_disk, checked_generator, checked_pair, length_check, on_disk, over_files
from sktimbre.transfer.parameters import TransferParameters
from sktimbre.transfer.parts import Extent, fit_stft, new_autoencoder, new_parts, of_lengths

__all__ = ["Extent", "TimbreTransfer"]


def _has_partial_fit(model):
    """Return True if the autoencoder supports partial_fit."""
    return model.autoencoder is None or hasattr(model.autoencoder, "partial_fit")


class TimbreTransfer(ConversionMixin, RegressorMixin, TransferParameters):
    """Convert notes of one instrument to notes of another: STFT, a regressor on spectra, phase retrieval.

    Parameters
    ----------
    stft : transformer or None, default=None
        Transforms sources and targets to spectra; None is a `LogSTFT` whose windows have about 46 ms at ``sr``: 1024 samples
        at 22050 Hz, 2048 at 44100 and 48000 Hz.
    autoencoder : regressor or None, default=None
        Predicts target spectra from source spectra; None is ``TimbreAutoencoder()``. A regressor of three-dimensional arrays
        (by its tags) is given whole notes; any other multi-output regressor, such as `sklearn.linear_model.Ridge`, is given
        single frames as rows.
    inverter : transformer or None, default=None
        Inverts spectra; None is ``GriffinLimInverter()``. It is given the STFT parameters of ``stft``.
    phase : {"estimate", "source"}, default="estimate"
        Initial phase of phase retrieval: the inverter's own estimate, or the phase of the source. `benchmarks/phase.py`
        measured the estimate to be better unless the timbre changes little; the phase of the source keeps the channels of a
        stereo recording aligned.
    loudness : float in [0, 1], default=0.75
        Share of the source's loudness contour that is restored in the output. With 0 the output is as learnt, and vibratos or
        swells that the targets do not have are evened out. With 1, all differences of at most 6 dB from the mean within 1.5 s
        are restored. `benchmarks/timbre.py --dynamics` chose the default: it costs no error, and tremolos are kept.
    noise : float in [0, 1], default=1.0
        Share of the fluctuation of the source's noise, such as breath or bow, that is restored between the partials of the
        output. With 0 noise is as learnt: a network predicts its mean, which fluctuates less than noise.
    keep_noise : float in [0, 1], default=0.0
        Share of the level of the source's noise that stays between the partials: with 1 the breath of a flute is heard under
        a clarinet, with 0 that of the clarinet.
    amount : float in [0, 1], default=1.0
        How far the spectra go from the source (0) to the target (1), in log-magnitudes, before phase retrieval.
    transpose : float in [-24, 24], default=0.0
        Semitones by which the output is higher than the source; a fraction, such as 0.25 for 25 cents, is exact to a few
        cents. The source is analysed with longer or shorter windows, whose partials lie at the other pitch, and the network
        gives them the timbre that the target has there.
    mix : float in [0, 1], default=1.0
        Share of the converted sound in the output; the rest is the source. Phase retrieval then starts from the phase of the
        source, so that partials of both add up, unless ``transpose`` is used.
    sr : float, default=22050
        Sample rate of the audio in Hz. Frequencies above half of it are lost; at 44100 Hz training takes nearly twice as long.
    memory : None, str or object with the joblib.Memory interface, default=None
        Folder or `joblib.Memory` in which `fit` and `score` cache spectra, as in Pipeline; the candidates of a search share
        the cache. It pays for slow transforms: `LogSTFT` is about as fast as reading (`benchmarks/sweep.py`). `fit` also
        stores the spectra of files and memory maps there and reads them during training.

    Attributes
    ----------
    stft_, autoencoder_, inverter_ : estimators
        The fitted parts.
    n_features_in_ : int
        Number of samples of each note, if X in `fit` was an array.
    receptive_field_ : Extent
        Milliseconds and hertz of the input that one output value depends on, if the autoencoder has a ``receptive_field_``.

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

    @_fit_context(prefer_skip_nested_validation=False)
    @restores_on_failure
    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> "TimbreTransfer":
        """Train on pairs of source and target.

        Parameters
        ----------
        X, y : array-like of shape (n_notes, n_samples), lists of 1-D arrays, or lists of paths of sound files
            Audio of source and target in [-1, 1]; both notes of a pair have the same length and pitch. Files are read as
            mono at ``sr``. X may also be a generator of pairs ``(source, target)`` of 1-D arrays, with y=None.
        **fit_params
            Passed to the autoencoder's ``fit``. ``validation_data=(X, y)`` is audio and is transformed first.
            ``sample_weight`` of shape (n_notes,) holds for all frames of a note if the autoencoder takes single frames. If
            scikit-learn's metadata routing is enabled, the autoencoder must request these parameters:
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
        Audio and spectra of files, generators and `numpy.memmap` are not held in memory: spectra are written to a folder and
        read during training. Without ``memory`` the folder is temporary; with it, later calls reuse spectra of the same files
        and maps. A regressor of single frames is given all rows at once, in memory.
        """
        stft, inverter = new_parts(self.stft, self.inverter, self.phase, self.sr)
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params).autoencoder.fit
        given: list[Any]
        if isinstance(X, Iterator):
            given = [checked_generator(X, y, length_check(stft))]
            forget_features(self)
        else:
            given = [checked_pair(X, y, self.sr, estimator=self)]
        if fit_params.get("validation_data") is not None:
            source, target = fit_params["validation_data"]
            given.append(checked_pair(source, target, self.sr, ("validation_data[0]", "validation_data[1]")))
        for pair, name in zip(given, ("X", "validation_data[0]"), strict=False):
            if on_disk(pair):
                check_on_disk(stft, pair, name)
        if not on_disk(given[0]):
            fit_stft(stft, given[0][0])
        autoencoder = new_autoencoder(self.autoencoder)
        in_memory = not any(map(on_disk, given))
        with nullcontext() if in_memory else folders_for_spectra(check_memory(self.memory)) as folders:
            show = bool(getattr(autoencoder, "verbose", False))
            S, T = self._spectra_of(stft, given[0], folders, show)
            if len(given) > 1:
                fit_params["validation_data"] = self._spectra_of(stft, given[1], folders, show)
            autoencoder.fit(*as_taken(autoencoder, S, T), **weights_as_taken(autoencoder, S, fit_params))
            self.stft_, self.autoencoder_, self.inverter_ = stft, autoencoder, inverter.fit(T)
        return self

    @available_if(_has_partial_fit)
    @_fit_context(prefer_skip_nested_validation=False)
    @restores_on_failure
    def partial_fit(self, X: Any, y: Any) -> "TimbreTransfer":
        """Train for one pass over these notes; later calls continue from there.

        Available if the autoencoder has this method, see `TimbreAutoencoder.partial_fit`.

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
        stft, inverter = (
            new_parts(self.stft, self.inverter, self.phase, self.sr) if first else (self.stft_, self.inverter_)
        )
        X = check_audio(X, estimator=self, reset=first)
        y = check_audio(y, name="y")
        check_pair(X, y)
        autoencoder = new_autoencoder(self.autoencoder) if first else self.autoencoder_
        if first:
            fit_stft(stft, X)
        S, T = stft.transform(X), stft.transform(y)
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
        audio = self._converted(X)
        if self.mix == 1:
            return audio
        wet = np.float32(self.mix)
        notes = [wet * converted + (1 - wet) * source for converted, source in zip(audio, X, strict=True)]
        return notes if isinstance(X, list) else np.stack(notes)

    @returns_notes
    def predict_spectra(self, X: Any) -> Batch:
        """Return the log-magnitude spectra that `predict` inverts.

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
        """Return the audio of log-magnitude spectra, with the phase retrieval of `predict`.

        Parameters
        ----------
        S : ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays
            Spectra, such as `predict_spectra` or a baseline predicts for X.
        X : array-like of shape (n_notes, n_samples) or list of 1-D arrays
            Audio of the source, which sets the lengths and, with ``phase="source"`` or a ``mix`` below 1, the initial phase.

        Returns
        -------
        ndarray of the shape of X or list of 1-D arrays of the lengths of X, float32
            Audio of inverters without a method ``invert`` as in `GriffinLimInverter` is cut or zero-padded to these lengths.

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
            notes = of_lengths(self.inverter_.transform(S), lengths)
            return notes if isinstance(X, list) else np.stack(notes)
        if not self._from_source:
            return self.inverter_.invert(S, length=lengths)
        # Spectra may have fewer frames, where ``n_frames`` of the STFT crops them.
        phase = [p[:, : s.shape[1]] for p, s in zip(of_all_frames(self.stft_).complex_transform(X), S, strict=True)]
        return self.inverter_.invert(S, phase=phase if isinstance(S, list) else np.stack(phase), length=lengths)

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
        to_spectra, step = (transform, BLOCK) if on_disk(pair) else (self._cached_transform(), len(pair[0]))
        total, size, stft = 0.0, 0, of_all_frames(self.stft_)
        for start in range(0, len(pair[0]), step):
            X, y = (side[start : start + step] for side in pair)
            for t, p in zip(to_spectra(stft, y), self._conversion.predict(X, to_spectra), strict=True):
                total += float(np.sum(np.square(t - p), dtype=np.float64))
                size += t.size
        return -total / size

    @property
    def receptive_field_(self) -> Extent:
        """Milliseconds and hertz of the input that one output value depends on."""
        check_is_fitted(self)
        field, geometry = self.autoencoder_.receptive_field_, self.stft_.geometry
        conversion = self._conversion
        n_frames = field.frames + 2 * (conversion.loudness_context + conversion.noise_context)
        samples = (n_frames - 1) * geometry.hop + geometry.win + 2 * conversion.margin
        return Extent(1000 * samples / self.sr, field.bins * self.sr / geometry.n_fft)

    def _check_ready(self):
        check_is_fitted(self)
        self._validate_params()  # settings may have been changed after fit

    def _converted(self, X):
        """Return the audio of X with the target's timbre, before it is mixed."""
        return self.invert_spectra(self._conversion.predict(X), X)

    def _spectra_of(self, stft, pair, folders, show):
        """Return the spectra of source and target, in memory or as notes on disk in one of the folders."""
        if on_disk(pair):
            return stored_spectra(pair, stft, folders, show)
        to_spectra = self._cached_transform()
        return tuple(to_spectra(stft, side) for side in pair)

    def _cached_transform(self):
        """Return `transform` with its results cached in ``memory``."""
        return check_memory(self.memory).cache(transform)
