"""StreamingInverter: phase retrieval while spectra arrive, in bounded memory."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_choice, check_real, check_whole
from sktimbre._utils.seeds import RandomState, draw_seed
from sktimbre._utils.validation import check_note
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral.ends import limit_ends
from sktimbre.spectral.geometry import STFTGeometry
from sktimbre.spectral.griffin_lim import ALGORITHMS, start_note, step_sizes
from sktimbre.spectral.initial import INITS, check_phases, initial_phasors, unit_phasors
from sktimbre.spectral.log_magnitudes import LARGEST_LOG_MAGNITUDE
from sktimbre.spectral.stft import frame_spectra

__all__ = ["StreamingInverter"]


class StreamingInverter:
    """Convert log-magnitude spectra to audio while they arrive.

    Frames are inverted in chunks. The initial phases of a chunk continue those of the audio already returned. The iterations
    keep that audio fixed and include ``look_ahead`` frames of the next chunk, so that the audio is continuous where chunks
    meet, without a cross-fade. The audio does not depend on how the frames are split among calls of `push`.

    Parameters
    ----------
    n_fft : int, default=1024
        Length of the transform in samples, even.
    hop_length, win_length : int or None, default=None
        Hop and window length in samples; None is ``n_fft // 2`` and ``n_fft``.
    window : str, tuple, float, callable or array, default="hann"
        As in `scipy.signal.get_window`.
    center : bool, default=True
        Whether the analysis centred its frames.
    n_iter : int, default=30
        Iterations for each chunk.
    algorithm, init, momentum
        As in `GriffinLimInverter`.
    chunk : int, default=32
        Frames inverted at a time. Larger chunks are faster, smaller ones have less latency.
    look_ahead : int, default=8
        Frames after a chunk that must have arrived before the chunk is inverted.
    random_state : int, Generator, RandomState or None, default=None
        Seed of ``init="random"``.

    Attributes
    ----------
    latency : int
        Largest delay in samples between the end of the last frame pushed and the end of the audio returned:
        ``(chunk + look_ahead - 2) * hop_length + n_fft``.

    Raises
    ------
    ParameterError
        A parameter is out of range.

    See Also
    --------
    GriffinLimInverter : Inverts complete spectra.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre import LogSTFT, StreamingInverter
    >>> S = LogSTFT().fit_transform(np.sin(np.arange(44100, dtype=np.float32) / 10)[np.newaxis])[0]
    >>> stream = StreamingInverter()
    >>> blocks = [stream.push(S[:, start : start + 10]) for start in range(0, S.shape[1], 10)]
    >>> audio = np.concatenate([*blocks, stream.finish()])
    >>> audio.shape
    (44032,)
    """

    def __init__(
        self,
        n_fft: int = 1024,
        hop_length: int | None = None,
        win_length: int | None = None,
        window: Any = "hann",
        center: bool = True,
        *,
        n_iter: int = 30,
        algorithm: str = "agla",
        init: str = "pghi",
        momentum: float = 0.99,
        chunk: int = 32,
        look_ahead: int = 8,
        random_state: RandomState = None,
    ) -> None:
        self.geometry = STFTGeometry(n_fft, hop_length, win_length, window, center)
        self.algorithm = check_choice(algorithm, "algorithm", ALGORITHMS)
        self.init = check_choice(init, "init", INITS)
        self.momentum = check_real(momentum, "momentum", 0, 1, fix="0.99 is usual.")
        self.n_iter = check_whole(n_iter, "n_iter", 0)
        self.chunk = check_whole(chunk, "chunk", 1, fix="Frames inverted at a time; 32 is usual.")
        self.look_ahead = check_whole(look_ahead, "look_ahead", 0, fix="Frames; 8 is usual.")
        self._seed = draw_seed(random_state)
        # Frames before a chunk that overlap with its frames, and one more whose phase is continued.
        self._context = 2 * self.geometry.overlap
        self.reset()

    @property
    def latency(self) -> int:
        """Largest delay in samples between the end of the last frame pushed and the end of the audio returned."""
        return (self.chunk + self.look_ahead - 2) * self.geometry.hop + self.geometry.n_fft

    def reset(self) -> None:
        """Drop all frames and start anew."""
        g = self.geometry
        self._random = np.random.RandomState(self._seed)
        self._waiting = np.empty(
            (g.n_frequencies, 0), np.float32
        )  # magnitudes of the context and of frames not yet inverted
        self._phases: np.ndarray | None = None  # complex spectra with the initial phases of the same frames, if given
        self._known = 0  # frames of context in it
        self._past = np.zeros(g.pad, np.float32)  # samples already returned, from the first frame of context on
        self._rest = np.empty(0, np.float32)  # samples that finish() returns if no frame follows
        self._held = 0  # the number of them that finish(length=None) returns
        self._finished = False

    def push(self, S: Any, phase: Any = None) -> np.ndarray:
        """Add frames and return the audio of all chunks that are complete.

        Parameters
        ----------
        S : ndarray of shape (n_frequencies, n_frames)
            Log-magnitude spectra that follow those of the last call, any number of frames.
        phase : array-like of the shape of S, complex or real, or None
            Initial phase of these frames, as in `GriffinLimInverter.invert`; given in all calls or in none, which uses
            ``init``.

        Returns
        -------
        ndarray of shape (n_samples,), float32
            Empty until a chunk and its look-ahead are complete.

        Raises
        ------
        AudioError
            The spectra are not finite, above 40 or of the wrong shape, or the phase has another one.
        ParameterError
            `finish` was called; call `reset` first. Or only some calls have a phase.
        """
        self._check_open()
        try:
            S = np.asarray(S)
        except ValueError as error:
            raise AudioError(f"S must be an array of shape (n_frequencies, n_frames): {error}") from None
        if S.ndim != 2 or len(S) != self.geometry.n_frequencies:
            raise AudioError(
                f"S has shape {S.shape}; it must be ({self.geometry.n_frequencies}, any number of frames) for "
                f"n_fft={self.geometry.n_fft}."
            )
        if S.shape[1] == 0:
            return np.empty(0, np.float32)
        S = check_note(S, 2, "S")
        if S.max() > LARGEST_LOG_MAGNITUDE:
            raise AudioError(
                f"S reaches {S.max():.4g}; log(1 + |STFT|) of audio stays below {LARGEST_LOG_MAGNITUDE:g}. "
                "Are these decibels? Convert them with log1p(10 ** (dB / 20))."
            )
        self._add_phase(phase, S)
        self._waiting = np.concatenate([self._waiting, np.expm1(np.maximum(S, 0))], axis=1)
        ready = []
        while self._waiting.shape[1] - self._known >= self.chunk + self.look_ahead:
            ready.append(self._work(self.chunk, self.chunk + self.look_ahead))
        return np.concatenate(ready) if ready else np.empty(0, np.float32)

    def finish(self, length: int | None = None) -> np.ndarray:
        """Return the rest of the audio, after the last frame.

        Parameters
        ----------
        length : int or None
            Samples to return, cut or padded with zeros; None returns the audio up to the centre of the last frame with
            ``center=True``, else to its end. With ``center=True`` the last frame covers ``n_fft // 2`` samples more.

        Returns
        -------
        ndarray of shape (n_samples,), float32
        """
        self._check_open()
        if length is not None:
            length = check_whole(length, "length", 0)
        self._finished = True
        left = self._waiting.shape[1] - self._known
        if left:
            rest = self._work(left, left, last=True, length=length)
            length = len(rest) if length is None else length
        else:
            rest = self._rest
            length = self._held if length is None else length
        return np.pad(rest[:length], (0, max(0, length - len(rest))))

    def process(self, blocks: Iterable[Any]) -> Iterator[np.ndarray]:
        """Yield the audio of successive blocks of frames, then the rest.

        Parameters
        ----------
        blocks : iterable of ndarray of shape (n_frequencies, n_frames)
            Log-magnitude spectra.

        Yields
        ------
        ndarray of shape (n_samples,), float32
        """
        for block in blocks:
            if len(audio := self.push(block)):
                yield audio
        yield self.finish()

    def _add_phase(self, phase, S):
        if self._waiting.shape[1] and (phase is None) != (self._phases is None):
            raise ParameterError("phase must be given for all frames, or for none.")
        if phase is None:
            return
        phasors = unit_phasors(check_phases([phase], [S])[0])
        self._phases = phasors if self._phases is None else np.concatenate([self._phases, phasors], axis=1)

    def _check_open(self):
        if self._finished:
            raise ParameterError("finish() was called; call reset() before pushing other frames.")

    def _work(self, n_new, n_seen, last=False, length=None):
        """Invert ``n_seen`` frames and return the final samples of the first ``n_new``; ``length`` samples if last."""
        g = self.geometry
        S = np.ascontiguousarray(self._waiting[:, : self._known + n_seen])
        phasors = self._start(S)
        start, reach = len(self._past), g.hop * (S.shape[1] - 1) + g.n_fft
        # A centred signal ends half a window before the end of its last frame, unless length asks for more.
        end_here = g.hop * (self._known + n_new - 1) + g.n_fft - g.pad
        end = reach if not last else end_here if length is None else min(start + length, reach)
        note = start_note(S, phasors, g, start, end, self._past)
        note.run(self.n_iter, step_sizes(self.algorithm, self.momentum), admm=self.algorithm == "admm")
        signal = note.signal()
        limit_ends(signal, S, phasors, g, start, end)
        # Samples before the first later frame are final.
        settled = max(start, end if last else min(end_here, g.hop * (self._known + n_new)))
        audio = signal[start:settled]
        self._rest, self._held = signal[settled:end].copy(), max(0, end_here - settled)
        keep = min(self._context, self._known + n_new)
        dropped = self._known + n_new - keep
        self._waiting = self._waiting[:, dropped:]
        if self._phases is not None:
            self._phases = self._phases[:, dropped:]
        self._past = signal[g.hop * dropped : settled].copy()
        self._known = keep
        return audio.astype(np.float32)

    def _start(self, S):
        """Return initial phasors that continue the phase of the samples already returned."""
        g = self.geometry
        # The phase is known of frames whose samples have all been returned.
        n_whole = max(0, (len(self._past) - g.n_fft) // g.hop + 1)
        known = None
        if n_whole:
            uncentred = STFTGeometry(g.n_fft, g.hop, g.win, g.window, center=False)
            spectra = frame_spectra(self._past, uncentred)[:n_whole].T
            known = unit_phasors(spectra)
        if self._phases is None:
            phasors = initial_phasors(S, g, self.init, self._random.randint(2**31 - 1), known)
        else:
            phasors = self._phases[:, : S.shape[1]].copy()
        if known is not None:
            phasors[:, :n_whole] = known
        return phasors
