"""Convert recordings of any length in overlapping pieces, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sktimbre._utils.validation import check_audio
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.spectral.geometry import STFTGeometry, geometry_of
from sktimbre.spectral.streaming import StreamingInverter
from sktimbre.transfer.conversion import Conversion

# Seconds before a step by which its level is judged where the latency is limited. More was measured to change nothing.
LIVE_CONTEXT = 1.2
# Parameters of a `GriffinLimInverter` that a `StreamingInverter` has, too.
STREAMED = ("n_iter", "algorithm", "init", "momentum", "random_state")


def streams(inverter: Any) -> bool:
    """Return True if a `StreamingInverter` can do what an inverter does: if it has the parameters of one."""
    return all(hasattr(inverter, name) for name in STREAMED)


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


def by_pieces(
    conversion: Conversion,
    inverter: Any,
    convert: Callable[[list[np.ndarray]], Any],
    size: int,
    shared: int,
    latency: float | None,
    from_source: bool,
) -> Callable[[Iterable[np.ndarray]], Iterator[np.ndarray]]:
    """Return a function from the blocks of a recording to those of its conversion.

    Parameters
    ----------
    conversion : Conversion
        Audio to spectra.
    inverter : transformer
        Spectra to audio.
    convert : callable
        A list of one note, shape (n_samples,), to one of the same length; used where pieces are cross-faded.
    size, shared : int
        Samples of a piece, and those that neighbouring pieces share at least.
    latency : float or None
        Largest delay in seconds; pieces are then as long as it allows.
    from_source : bool
        Whether phase retrieval starts from the phase of the source.

    Raises
    ------
    ParameterError
        The latency is too small, or is given where pieces are cross-faded.
    """
    geometry = geometry_of(conversion.stft)
    if streams(inverter) and geometry and geometry.center:
        steps = usual_steps(size, shared, geometry, conversion.context)
        if latency is not None:
            steps = live_steps(latency, conversion.sr, geometry, conversion.reach, conversion.margin)
        return partial(run_on, conversion, inverter, steps=steps, from_source=from_source)
    if latency is not None:
        raise ParameterError(
            f"latency={latency} needs a LogSTFT with center=True and a GriffinLimInverter. Set latency=None."
        )
    context, hop = 0, 1
    if geometry:
        context, hop = conversion.context * geometry.hop + geometry.n_fft, geometry.hop
    return partial(fade_over, convert, size=size, shared=shared, context=context, hop=hop)


def fade_over(
    predict: Callable[[list[np.ndarray]], Any],
    blocks: Iterable[np.ndarray],
    *,
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


def live_steps(latency: float, sr: float, geometry: STFTGeometry, reach: int, margin: int = 0) -> Steps:
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
    margin : int
        Samples on each side of a frame that are needed besides it.

    Raises
    ------
    ParameterError
        The latency is below that of single frames.
    """
    total = int((latency * sr - margin - geometry.n_fft) // geometry.hop) + 1
    least = (Steps(1, 0, 0, chunk=1, look_ahead=0).latency(geometry) + margin) / sr
    if total < 1:
        raise ParameterError(
            f"latency={latency:g} s is below {least:.4g} s, the least with these STFT parameters"
            f"{' and this transposition' if margin else ''}. Give more."
        )
    after = min(reach, total // 2)
    step = total - after
    before = max(geometry.overlap - (-margin // geometry.hop), int(LIVE_CONTEXT * sr / geometry.hop))
    return Steps(step, before, after, chunk=step, look_ahead=0)


def run_on(
    conversion: Conversion,
    inverter: Any,
    blocks: Iterable[np.ndarray],
    steps: Steps,
    from_source: bool = False,
) -> Iterator[np.ndarray]:
    """Convert a recording step by step, with spectra that follow one another through one phase retrieval.

    Parameters
    ----------
    conversion : Conversion
        Audio to spectra, by a centred `LogSTFT`.
    inverter : object
        Its attributes `STREAMED` are the settings of the phase retrieval.
    blocks : iterable of ndarray of shape (n_samples,), float32
        The recording.
    steps : Steps
        Frames of a step, of its context and of phase retrieval.
    from_source : bool
        Whether phase retrieval starts from the phase of the source.

    Yields
    ------
    ndarray of shape (n_samples,), float32
        Often empty, for audio comes later than spectra.
    """
    g = conversion.stft.geometry
    how = {"chunk": steps.chunk, "look_ahead": steps.look_ahead, **{name: getattr(inverter, name) for name in STREAMED}}
    stream = StreamingInverter(g.n_fft, g.hop, g.win, g.window, **how)

    def phase(y, frames):
        return conversion.stft.complex_transform([y])[0][:, frames] if from_source else None

    # ``known`` frames at the beginning of ``waiting`` are context: they have been given out.
    waiting, known, total, done = np.empty(0, np.float32), 0, 0, 0
    # What the regressor has predicted for them, and for some after them.
    past = np.empty((g.n_frequencies, 0), np.float32)
    for block in blocks:
        waiting, total = np.concatenate([waiting, block]), total + len(block)
        # Only frames whose samples have all arrived: one that is cut off looks like the end of a note.
        while len(waiting) >= (
            needed := (known + steps.step + steps.after - 1) * g.hop + g.n_fft - g.pad + conversion.margin
        ):
            S = conversion.spectra([waiting[:needed]])[0][:, : known + steps.step + steps.after]
            predicted, regressed = conversion.continued(S, past)
            new = slice(known, known + steps.step)
            audio = stream.push(predicted[:, new], phase(waiting[:needed], new))
            done += len(audio)
            yield audio
            drop = max(0, known + steps.step - steps.before)
            # What is predicted after the step is certain where all that it depends on has arrived.
            certain = known + steps.step + max(0, steps.after - conversion.regressor_context)
            past = regressed[:, drop:certain]
            waiting, known = waiting[drop * g.hop :], known + steps.step - drop
    if total:
        S, _ = conversion.continued(conversion.spectra([waiting])[0], past)
        audio = stream.push(S[:, known:], phase(waiting, slice(known, None)))[: total - done]
        yield audio
        yield stream.finish(length=total - done - len(audio))


def with_dry(
    convert: Callable[[Iterable[np.ndarray]], Iterator[np.ndarray]], blocks: Iterable[np.ndarray], mix: float
) -> Iterator[np.ndarray]:
    """Convert a recording and mix the output with it.

    Parameters
    ----------
    convert : callable
        Blocks of a recording to those of its conversion, of any size, together as long.
    blocks : iterable of ndarray of shape (n_samples,), float32
        The recording.
    mix : float in [0, 1]
        Share of the conversion.

    Yields
    ------
    ndarray of shape (n_samples,), float32
    """
    dry: deque[np.ndarray] = deque()

    def heard() -> Iterator[np.ndarray]:
        for block in blocks:
            dry.append(block)
            yield block

    for audio in convert(heard()):
        mixed, done = np.float32(mix) * audio, 0
        while done < len(mixed):
            block = dry.popleft()
            n = min(len(block), len(mixed) - done)
            mixed[done : done + n] += np.float32(1 - mix) * block[:n]
            done += n
            if n < len(block):
                dry.appendleft(block[n:])
        yield mixed


def _faded_in(converted, tail, fade):
    """Cross-fade from the last piece's end to this one's beginning, in place."""
    if tail is not None:
        converted[: len(fade)] = tail * (1 - fade) + converted[: len(fade)] * fade
    return converted
