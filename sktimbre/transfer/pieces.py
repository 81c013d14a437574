"""Recordings of any length in bounded memory: converted in overlapping pieces."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from sktimbre._utils.validation import check_audio
from sktimbre.exceptions import AudioError
from sktimbre.spectral import GriffinLimInverter, StreamingInverter
from sktimbre.transfer.conversion import Conversion


def checked_blocks(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the blocks of a recording, shape (n_samples,), float32, checked one by one; they may be empty."""
    for given in blocks:
        try:
            block = np.asarray(given)
        except ValueError as error:
            raise AudioError(f"A block is no array of shape (n_samples,): {error}") from None
        yield check_audio([block], name="blocks")[0] if block.shape != (0,) else np.empty(0, np.float32)


def fade_over(
    predict: Callable[[np.ndarray], Any], blocks: Iterable[np.ndarray], size: int, shared: int
) -> Iterator[np.ndarray]:
    """Convert blocks in pieces, each by itself, and fade one into the next.

    Parameters
    ----------
    predict : callable
        Audio (1, n_samples) to audio of the same shape.
    blocks : iterable of ndarray of shape (n_samples,), float32
        The recording.
    size, shared : int
        Samples of a piece, and those that it has in common with the next.

    Yields
    ------
    ndarray of shape (n_samples,), float32
    """
    fade = np.linspace(0, 1, shared, dtype=np.float32)
    waiting, tail = np.empty(0, np.float32), None
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        # The last piece is never shorter than the overlap, so that there is something to fade over.
        while len(waiting) > size + shared:
            converted = predict(waiting[np.newaxis, :size])[0]
            _fade_in(converted, tail, fade)
            yield converted[:-shared]
            tail, waiting = converted[-shared:], waiting[size - shared :]
    if len(waiting):
        converted = predict(waiting[np.newaxis])[0]
        _fade_in(converted, tail, fade)
        yield converted


def run_on(
    conversion: Conversion, inverter: GriffinLimInverter, blocks: Iterable[np.ndarray], size: int, shared: int
) -> Iterator[np.ndarray]:
    """Convert blocks with one phase from beginning to end; pieces meet frame by frame.

    Parameters
    ----------
    conversion : Conversion
        Audio to spectra, by a centred `LogSTFT`.
    inverter : GriffinLimInverter
        Whose settings the phase retrieval has.
    blocks, size, shared
        As in `fade_over`.

    Yields
    ------
    ndarray of shape (n_samples,), float32
        Often empty, for audio comes later than spectra.
    """
    g, given = conversion.stft.geometry, inverter.get_params()
    stream = StreamingInverter(
        g.n_fft,
        g.hop,
        g.win,
        g.window,
        **{name: given[name] for name in ("n_iter", "algorithm", "init", "momentum", "random_state")},
    )
    # Whole hops, so that the frames of all pieces lie on one grid; the first frames of a piece see its cut. A network is
    # shown as much around a piece as it looks at, as long as that leaves half of the piece.
    before = max(-(-shared // g.hop), g.overlap, min(conversion.reach, size // g.hop // 4))
    step = max(1, size // g.hop - 2 * before)
    waiting, known, total, done = np.empty(0, np.float32), 0, 0, 0
    for block in blocks:
        waiting, total = np.concatenate([waiting, block]), total + len(block)
        while len(waiting) > (known + step + before) * g.hop:
            (S,) = conversion.predict(waiting[np.newaxis, : (known + step + before) * g.hop])
            audio = stream.push(S[:, known : known + step])
            done += len(audio)
            yield audio
            drop = max(0, known + step - before)
            waiting, known = waiting[drop * g.hop :], known + step - drop
    if total:
        (S,) = conversion.predict(conversion.padded(waiting[np.newaxis]))
        audio = stream.push(S[:, known:])[: total - done]
        yield audio
        yield stream.finish(length=total - done - len(audio))


def _fade_in(converted, tail, fade):
    """Fade from the last piece's end to this one's beginning, in place."""
    if tail is not None:
        converted[: len(fade)] = tail * (1 - fade) + converted[: len(fade)] * fade
