"""TimbreTransfer: audio of one instrument to audio of another, with one STFT for both."""

from collections.abc import Iterable, Iterator
from numbers import Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, _fit_context, clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_memory

from sktimbre._checks import check_real
from sktimbre._loudness import follow_loudness
from sktimbre._validation import Batch, check_audio, check_pair
from sktimbre.autoencoder.level import scaled
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral import GriffinLimInverter, LogSTFT, StreamingInverter

__all__ = ["Extent", "TimbreTransfer"]

# Seconds that an instrument may sound on when the source has ended in digital silence, and by how much it fades meanwhile.
RELEASE, FADE = 0.1, 60.0  # dB
# Seconds by which a note goes on, mirrored, for a network that looks around.
MIRRORED = 0.5
# Seconds to each side that are usual where a frame is louder or quieter than usual.
NEIGHBOURHOOD = 1.5


class Extent(NamedTuple):
    """How much sound one value of the output depends on."""

    milliseconds: float
    hertz: float


def _transform(stft, X):
    return stft.transform(X)


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
        search share them. Meant for slow transforms: `LogSTFT` is about as fast as reading (`benchmarks/sweep.py`).

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
    def fit(self, X: Any, y: Any, **fit_params: Any) -> "TimbreTransfer":
        """Learn to turn each source into its target.

        Parameters
        ----------
        X, y : array-like of shape (n_notes, n_samples) or lists of 1-D arrays
            Audio of source and target in [-1, 1]; the two of a pair have the same length and pitch.
        **fit_params
            Passed to the autoencoder's ``fit``. ``validation_data=(X, y)`` is audio and is transformed first.

        Returns
        -------
        TimbreTransfer

        Raises
        ------
        AudioError
            Audio is empty, not finite, raw integers or of the wrong rank, or sources and targets do not match.
        ParameterError
            A parameter is out of range, or the parts do not fit together.
        """
        X = check_audio(X, estimator=self)
        y = check_audio(y, name="y")
        check_pair(X, y)
        stft = LogSTFT() if self.stft is None else clone(self.stft)
        transform = self._remembered()
        S, T = transform(stft.fit(X), X), transform(stft, y)
        inverter = self._matched_inverter(stft)
        if self.phase == "source" and not (hasattr(stft, "complex_transform") and hasattr(inverter, "invert")):
            raise ParameterError(
                f"phase='source' needs an stft with complex_transform and an inverter with invert, as LogSTFT and "
                f"GriffinLimInverter have; got {type(stft).__name__} and {type(inverter).__name__}. Use phase='estimate'."
            )
        if fit_params.get("validation_data") is not None:
            names = ("validation_data[0]", "validation_data[1]")
            source, target = (check_audio(a, name=n) for a, n in zip(fit_params["validation_data"], names, strict=True))
            check_pair(source, target, names)
            fit_params["validation_data"] = transform(stft, source), transform(stft, target)
        autoencoder = self._new_autoencoder()
        if _takes_notes(autoencoder):
            autoencoder.fit(S, T, **fit_params)
        else:
            autoencoder.fit(_rows(S), _rows(T), **fit_params)
        self.stft_, self.autoencoder_, self.inverter_ = stft, autoencoder, inverter.fit(T)
        return self

    def predict(self, X: Any) -> Batch:
        """Return audio with the target's timbre.

        Parameters
        ----------
        X : array-like of shape (n_notes, n_samples) or list of 1-D arrays
            Audio of the source, of any length.

        Returns
        -------
        ndarray of the shape of X or list of 1-D arrays of the lengths of X, float32

        Raises
        ------
        AudioError
            As in `fit`.
        """
        check_is_fitted(self)
        X = check_audio(X, estimator=self, reset=False)
        seen, n_frames = self._prolonged(X)
        _, S = self._transferred(seen, n_frames)
        if not hasattr(self.inverter_, "invert"):
            audio = self.inverter_.transform(S)
        else:
            phase = self.stft_.complex_transform(seen) if self.phase == "source" else None
            lengths = [len(note) for note in X]
            if n_frames is not None:
                phase = None if phase is None else _first(phase, n_frames)
                lengths = [self.stft_.geometry.n_samples(n) for n in n_frames]
            audio = self.inverter_.invert(S, phase=phase, length=lengths)
        return _first(audio, [len(note) for note in X])

    def predict_spectra(self, X: Any) -> Batch:
        """Return the log-magnitude spectra that `predict` gives a phase to.

        Parameters
        ----------
        X : array-like of shape (n_notes, n_samples) or list of 1-D arrays
            Audio of the source.

        Returns
        -------
        ndarray of shape (n_notes, n_frequencies, n_frames) or list of 2-D arrays, float32, non-negative
        """
        check_is_fitted(self)
        return self._own_spectra(check_audio(X, estimator=self, reset=False))

    def predict_blocks(
        self, blocks: Iterable[np.ndarray], piece: float = 10.0, overlap: float = 0.5
    ) -> Iterator[np.ndarray]:
        """Convert a recording of any length in bounded memory.

        The recording is cut into overlapping pieces. With estimated phase their spectra follow one another through a
        `StreamingInverter`, so that the phase runs on; all iterations run there, whatever the inverter's ``tol``. With the
        source's phase, or parts other than ours, pieces are converted by themselves and faded into each other, which
        their common phase allows.

        Parameters
        ----------
        blocks : iterable of ndarray of shape (n_samples,)
            The recording at ``sr``, mono, in blocks of any size.
        piece, overlap : float
            Seconds converted at a time, and by which neighbours overlap: what the network sees beyond a piece.

        Yields
        ------
        ndarray of shape (n_samples,), float32
            The converted recording in blocks, as long as the recording in all.

        Raises
        ------
        AudioError
            A block is not finite or of the wrong rank.
        """
        check_is_fitted(self)
        shared = int(check_real(overlap, "overlap", 0.0, fix="It is in seconds.") * self.sr)
        size = int(check_real(piece, "piece", 0.0, fix="It is in seconds.") * self.sr)
        if not 0 < shared < size:
            raise ParameterError(f"overlap={overlap} s must be above 0 and below piece={piece} s.")
        blocks = (_block(block) for block in blocks)
        fade = np.linspace(0, 1, shared, dtype=np.float32)
        if self.phase == "estimate" and isinstance(self.inverter_, GriffinLimInverter) and self.stft_.geometry.center:
            yield from self._run_on(blocks, size, shared)
            return
        waiting, tail = np.empty(0, np.float32), None
        for block in blocks:
            waiting = np.concatenate([waiting, block])
            # The last piece is never shorter than the overlap, so that there is something to fade over.
            while len(waiting) > size + shared:
                converted = self.predict(waiting[np.newaxis, :size])[0]
                _fade_in(converted, tail, fade)
                yield converted[:-shared]
                tail, waiting = converted[-shared:], waiting[size - shared :]
        if len(waiting):
            converted = self.predict(waiting[np.newaxis])[0]
            _fade_in(converted, tail, fade)
            yield converted

    def _run_on(self, blocks, size, shared):
        """Convert blocks with one phase from beginning to end; pieces meet frame by frame."""
        g, given = self.stft_.geometry, self.inverter_.get_params()
        stream = StreamingInverter(
            g.n_fft,
            g.hop,
            g.win,
            g.window,
            **{name: given[name] for name in ("n_iter", "algorithm", "momentum", "random_state")},
            init="pghi" if given["init"] == "source" else given["init"],
        )
        # Whole hops, so that the frames of all pieces lie on one grid; the first frames of a piece see its cut. A network is
        # shown as much around a piece as it looks at, as long as that leaves half of the piece.
        reach = getattr(getattr(self.autoencoder_, "receptive_field_", None), "frames", 0) // 2 + 1
        reach += self._frames(NEIGHBOURHOOD) if self.loudness else 0
        before = max(-(-shared // g.hop), g.overlap, min(reach, size // g.hop // 4))
        step = max(1, size // g.hop - 2 * before)
        waiting, known, total, done = np.empty(0, np.float32), 0, 0, 0
        for block in blocks:
            waiting, total = np.concatenate([waiting, block]), total + len(block)
            while len(waiting) > (known + step + before) * g.hop:
                _, (S,) = self._transferred(waiting[np.newaxis, : (known + step + before) * g.hop])
                audio = stream.push(S[:, known : known + step])
                done += len(audio)
                yield audio
                drop = max(0, known + step - before)
                waiting, known = waiting[drop * g.hop :], known + step - drop
        if total:
            _, (S,) = self._transferred(*self._prolonged(waiting[np.newaxis]))
            audio = stream.push(S[:, known:])[: total - done]
            yield audio
            yield stream.finish(length=total - done - len(audio))

    def score(self, X: Any, y: Any) -> float:
        """Return the negative reconstruction error: mean squared error of log-magnitudes, higher is better.

        Parameters
        ----------
        X, y : array-like of shape (n_notes, n_samples) or lists of 1-D arrays
            Audio of source and target.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        X = check_audio(X, estimator=self, reset=False)
        y = check_audio(y, name="y")
        check_pair(X, y)
        transform = self._remembered()
        predicted, T = self._own_spectra(X, transform), transform(self.stft_, y)
        total = sum(float(np.sum(np.square(t - p), dtype=np.float64)) for t, p in zip(T, predicted, strict=True))
        return -total / sum(t.size for t in T)

    @property
    def receptive_field_(self) -> Extent:
        """Milliseconds and hertz that one value of the output depends on."""
        check_is_fitted(self)
        field, geometry = self.autoencoder_.receptive_field_, self.stft_.geometry
        n_frames = field.frames + 2 * self._frames(NEIGHBOURHOOD) if self.loudness else field.frames
        samples = (n_frames - 1) * geometry.hop + geometry.win
        return Extent(1000 * samples / self.sr, field.bins * self.sr / geometry.n_fft)

    def _new_autoencoder(self):
        if self.autoencoder is not None:
            return clone(self.autoencoder)
        from sktimbre.autoencoder import TimbreAutoencoder

        return TimbreAutoencoder()

    def _matched_inverter(self, stft):
        """Return the inverter with the sizes and window of the analysis; refuse one that was set to others."""
        inverter = GriffinLimInverter() if self.inverter is None else clone(self.inverter)
        if not isinstance(inverter, GriffinLimInverter) or not isinstance(stft, LogSTFT):
            return inverter
        geometry = stft.geometry
        sizes = {"n_fft": geometry.n_fft, "hop_length": geometry.hop, "win_length": geometry.win}
        for name, size in sizes.items():
            given = getattr(inverter, name)
            if given not in (None, size):
                raise ParameterError(
                    f"inverter has {name}={given}, the stft {name}={size}: both sides need the same. Leave the "
                    "inverter's at None."
                )
        return inverter.set_params(**sizes, window=geometry.window, center=geometry.center)

    def _transferred(self, X, n_frames=None, transform=_transform):
        """Return the spectra of audio and what becomes of them, the first so many frames of each note."""
        S = transform(self.stft_, X)
        predicted = self._regressed(S)
        if self.loudness:
            predicted = follow_loudness(S, predicted, self.loudness, self._frames(NEIGHBOURHOOD))
        if n_frames is not None:
            S, predicted = _first(S, n_frames), _first(predicted, n_frames)
        return S, self._released(S, predicted)

    def _prolonged(self, X):
        """Return notes that go on beyond their end, and how many frames to take of each, None being all.

        A network takes the end of a file for the end of a tone, as it mostly is in training, and lets notes fade that do not.
        So it sees them go on, mirrored. And phase retrieval makes audio as loud as spectra say: samples that are seen through
        the end of one window alone are blown up. So it is given the frames that follow, or silence up to a whole hop.
        """
        if not isinstance(self.stft_, LogSTFT):
            return X, None
        g, beyond = self.stft_.geometry, self._looked_at()
        lengths = [-(-len(note) // g.hop) * g.hop for note in X]
        if not beyond:
            return _padded(X, lengths, "constant"), None
        lengths = [n + g.overlap * g.hop for n in lengths]
        return _padded(X, [n + beyond for n in lengths], "reflect"), [g.n_frames(n) for n in lengths]

    def _own_spectra(self, X, transform=_transform):
        """Return predicted spectra of as many frames as those of the notes have, as loud at the end as if nothing followed."""
        beyond = self._looked_at()
        if not beyond:
            return self._transferred(X, transform=transform)[1]
        g = self.stft_.geometry
        longer = _padded(X, [len(note) + beyond for note in X], "reflect")
        seen, predicted = self._transferred(longer, [g.n_frames(len(note)) for note in X], transform)
        for own, shown, note in zip(transform(self.stft_, X), seen, predicted, strict=True):
            level, shown_level = (np.linalg.norm(np.expm1(S[:, -g.overlap :]), axis=0) for S in (own, shown))
            gain = level / np.maximum(shown_level, np.finfo(np.float32).tiny)
            note[:, -g.overlap :] = scaled(note[:, -g.overlap :], gain)
        return predicted

    def _looked_at(self):
        """Return the samples beyond a note's end to show to the regressor: none unless it looks around and tells its reach."""
        looks = isinstance(self.stft_, LogSTFT) and self.stft_.n_frames is None
        return int(MIRRORED * self.sr) if looks and hasattr(type(self.autoencoder_), "receptive_field_") else 0

    def _frames(self, seconds):
        """Return a duration in frames; 0 where the transform is not ours."""
        return int(seconds * self.sr / self.stft_.geometry.hop) if isinstance(self.stft_, LogSTFT) else 0

    def _regressed(self, S):
        if _takes_notes(self.autoencoder_):
            return self.autoencoder_.predict(S)
        return _notes(self.autoencoder_.predict(_rows(S)), S)

    def _released(self, S, predicted):
        """Return predicted spectra without what sounds where the source S is digital silence, but for a release.

        There is nothing to transfer there, whatever a network makes of it; but what sounded just before may sound on.
        """
        release = self._frames(RELEASE)
        notes = [_faded(np.maximum(p, 0), s.any(axis=0), release) for s, p in zip(S, predicted, strict=True)]
        return notes if isinstance(S, list) else np.stack(notes).astype(np.float32, copy=False)

    def _remembered(self):
        """Return `_transform` with its results kept in ``memory``."""
        return check_memory(self.memory).cache(_transform)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.target_tags.required = True
        return tags


def _faded(S, sounding, n_frames):
    """Let spectra fade over so many frames when the source has stopped sounding, and be silent from then on; in place."""
    frames = np.arange(len(sounding))
    since = (frames - np.maximum.accumulate(np.where(sounding, frames, -len(frames))))[~sounding]
    gain = np.where(since > n_frames, 0, 10 ** (-FADE / 20 * since / (n_frames + 1)))
    S[:, ~sounding] = scaled(S[:, ~sounding], gain.astype(np.float32))
    return S


def _padded(X, lengths, mode):
    """Return notes that go on to these lengths in a mode of `numpy.pad`."""
    if isinstance(X, list):
        return [np.pad(note, (0, n - len(note)), mode) for note, n in zip(X, lengths, strict=True)]
    return np.pad(X, ((0, 0), (0, lengths[0] - X.shape[1])), mode)


def _first(notes, lengths):
    """Return the first so many samples or frames of each note."""
    if isinstance(notes, list):
        return [note[..., :n] for note, n in zip(notes, lengths, strict=True)]
    return notes[..., : lengths[0]]


def _takes_notes(regressor):
    return get_tags(regressor).input_tags.three_d_array


def _rows(S):
    """Return all frames of all notes as rows (n_notes * n_frames, n_frequencies)."""
    return np.concatenate([note.T for note in S])


def _notes(rows, like):
    """Return rows as spectra of the shapes of ``like``."""
    ends = np.cumsum([note.shape[1] for note in like])
    return [np.ascontiguousarray(part.T, np.float32) for part in np.split(rows, ends[:-1])]


def _fade_in(converted, tail, fade):
    """Fade from the last piece's end to this one's beginning, in place."""
    if tail is not None:
        converted[: len(fade)] = tail * (1 - fade) + converted[: len(fade)] * fade


def _block(block):
    """Return a block of a recording, checked; it may be empty."""
    try:
        block = np.asarray(block)
    except ValueError as error:
        raise AudioError(f"A block is no array of shape (n_samples,): {error}") from None
    return check_audio([block], name="blocks")[0] if block.shape != (0,) else np.empty(0, np.float32)
