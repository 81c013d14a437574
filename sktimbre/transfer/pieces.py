"""Convert recordings of any length in overlapping pieces, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktimbre._utils.validation import check_audio
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral import GriffinLimInverter, StreamingInverter
from sktimbre.spectral.geometry import STFTGeometry
from sktimbre.transfer.conversion import Conversion

# Seconds before a step that are converted with it where the latency is limited. More was measured to change nothing.
LIVE_CONTEXT = 0.56


def checked_blocks(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Return an iterator over the blocks of a recording, shape (n_samples,), float32; each is checked when it comes.

    Raises
    ------
    ParameterError
        ``blocks`` is one array, or cannot be iterated over.
    AudioError
        Later, when a block comes that is not finite or of the wrong rank.
    """
    if isinstance(blocks, np.ndarray) or not isinstance(blocks, Iterable):
        raise ParameterError(
            f"blocks={type(blocks).__name__} must be an iterable of blocks of shape (n_samples,); a recording in one array is "
            "[recording]."
        )
    return map(_checked, blocks)


def _checked(given):
    try:
        block = np.asarray(given)
    except ValueError as error:
        raise AudioError(f"A block is no array of shape (n_samples,): {error}") from None
    return check_audio([block], name="blocks")[0] if block.shape != (0,) else np.empty(0, np.float32)


def fade_over(
    predict: Callable[[list[np.ndarray]], Any],
    blocks: Iterable[np.ndarray],
    size: int,
    shared: int,
    context: int,
    hop: int,
) -> Iterator[np.ndarray]:
    """Convert a recording in pieces, each by itself, and cross-fade from one to the next.

    A piece consists of context, of what is kept of it, and of context again; what is kept of two neighbours overlaps by
    ``shared`` samples.

    Parameters
    ----------
    predict : callable
        A list of one note, shape (n_samples,), to one of the same length.
    blocks : iterable of ndarray of shape (n_samples,), float32
        The recording.
    size : int
        Samples of a piece; more where context and cross-fade would leave less than half of it.
    shared : int
        Samples of the cross-fade.
    context : int
        Samples to each side of a sample that its output depends on.
    hop : int
        Pieces begin at multiples of so many samples.

    Yields
    ------
    ndarray of shape (n_samples,), float32
    """
    fade = np.linspace(0, 1, shared, dtype=np.float32)
    context = min(-(-context // hop), size // (4 * hop)) * hop
    step = max(1, (size - 2 * context - shared) // hop) * hop
    # ``known`` samples at the beginning of ``waiting`` are context: they have been given out.
    waiting, known, tail = np.empty(0, np.float32), 0, None
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        while len(waiting) > (stop := known + step + shared) + context:
            converted = _faded_in(predict([waiting[: stop + context]])[0][known:stop], tail, fade)
            yield converted[:step]
            tail = converted[step:]
            drop = max(0, known + step - context)
            waiting, known = waiting[drop:], known + step - drop
    if len(waiting):
        yield _faded_in(predict([waiting])[0][known:], tail, fade)


@dataclass(frozen=True)
class Steps:
    """How a recording is converted step by step, in frames.

    Parameters
    ----------
    step : int
        Frames converted at a time.
    before, after : int
        Frames of context on each side.
    chunk, look_ahead : int
        Parameters of `StreamingInverter`.
    """

    step: int
    before: int
    after: int
    chunk: int = 32
    look_ahead: int = 8

    def latency(self, geometry: STFTGeometry) -> int:
        """Return the largest delay between a sample of the source and that of the output, in samples."""
        # Frames come by steps, so that those of the look-ahead are complete with the last of its steps.
        waited = -(-(self.chunk + self.look_ahead) // self.step) * self.step
        return (self.after + waited - 1) * geometry.hop + geometry.n_fft


def usual_steps(size: int, shared: int, geometry: STFTGeometry, context: int) -> Steps:
    """Return steps for pieces of ``size`` samples, of which at least ``shared`` on each side are context.

    Steps are whole hops, so that the frames of all pieces lie on one grid. The context is cut where it would take half of
    the piece.
    """
    context = max(-(-shared // geometry.hop), geometry.overlap, min(context, size // geometry.hop // 4))
    return Steps(max(1, size // geometry.hop - 2 * context), context, context)


def live_steps(latency: float, sr: float, geometry: STFTGeometry, reach: int) -> Steps:
    """Return steps with at most a given latency, half of it for the context after a step.

    Parameters
    ----------
    latency : float
        Largest delay in seconds.
    sr : float
        Sample rate in Hz.
    geometry : STFTGeometry
        STFT parameters.
    reach : int
        Frames to each side that a network depends on; more context is of no use.

    Raises
    ------
    ParameterError
        The latency is below that of single frames.
    """
    total = int((latency * sr - geometry.n_fft) // geometry.hop) + 1
    least = Steps(1, 0, 0, chunk=1, look_ahead=0).latency(geometry) / sr
    if total < 1:
        raise ParameterError(
            f"latency={latency:g} s is below {least:.4g} s, the least with these STFT parameters. Give more."
        )
    after = min(reach, total // 2)
    step = total - after
    before = max(geometry.overlap, int(LIVE_CONTEXT * sr / geometry.hop))
    return Steps(step, before, after, chunk=step, look_ahead=0)


def run_on(
    conversion: Conversion, inverter: GriffinLimInverter, blocks: Iterable[np.ndarray], steps: Steps
) -> Iterator[np.ndarray]:
    """Convert a recording step by step, with spectra that follow one another through one phase retrieval.

    Parameters
    ----------
    conversion : Conversion
        Audio to spectra, by a centred `LogSTFT`.
    inverter : GriffinLimInverter
        Its settings are those of the phase retrieval.
    blocks : iterable of ndarray of shape (n_samples,), float32
        The recording.
    steps : Steps
        Frames of a step, of its context and of phase retrieval.

    Yields
    ------
    ndarray of shape (n_samples,), float32
        Often empty, for audio comes later than spectra.
    """
    g, given = conversion.stft.geometry, inverter.get_params()
    names = ("n_iter", "algorithm", "init", "momentum", "random_state")
    how = {"chunk": steps.chunk, "look_ahead": steps.look_ahead, **{name: given[name] for name in names}}
    stream = StreamingInverter(g.n_fft, g.hop, g.win, g.window, **how)
    # ``known`` frames at the beginning of ``waiting`` are context: they have been given out.
    waiting, known, total, done = np.empty(0, np.float32), 0, 0, 0
    for block in blocks:
        waiting, total = np.concatenate([waiting, block]), total + len(block)
        # Only frames whose samples have all arrived: one that is cut off looks like the end of a note.
        while len(waiting) >= (needed := (known + steps.step + steps.after - 1) * g.hop + g.n_fft - g.pad):
            S = conversion.spectra([waiting[:needed]])[0][:, : known + steps.step + steps.after]
            (predicted,) = conversion.converted([S])
            audio = stream.push(predicted[:, known : known + steps.step])
            done += len(audio)
            yield audio
            drop = max(0, known + steps.step - steps.before)
            waiting, known = waiting[drop * g.hop :], known + steps.step - drop
    if total:
        (S,) = conversion.predict([waiting])
        audio = stream.push(S[:, known:])[: total - done]
        yield audio
        yield stream.finish(length=total - done - len(audio))


def _faded_in(converted, tail, fade):
    """Cross-fade from the last piece's end to this one's beginning, in place."""
    if tail is not None:
        converted[: len(fade)] = tail * (1 - fade) + converted[: len(fade)] * fade
    return converted
