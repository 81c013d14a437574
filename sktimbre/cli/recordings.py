"""Convert a recording of any length, sample rate and number of channels, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sktimbre.cli.pitches import HeardPitches

if TYPE_CHECKING:
    from sktimbre.cli.modelfiles import Converter

__all__ = ["Recording", "convert_recording"]


@dataclass(frozen=True)
class Recording:
    """A file to convert.

    Parameters
    ----------
    source, target : Path
        File to read and file to write.
    sr : int
        Sample rate of the target in Hz.
    n_samples : int or None
        Samples in each channel of the source at the model's sample rate; None if the header lacks the length.
    subtype : str or None
        Sample format of the target, as in `sktimbre.audio.AudioWriter`.
    """

    source: Path
    target: Path
    sr: int
    n_samples: int | None
    subtype: str | None = None


def convert_recording(
    model: "Converter",
    recording: Recording,
    *,
    gain: float = 0.0,
    overwrite: bool = False,
    advance: Callable[[int], None] = lambda n_samples: None,
) -> float:
    """Convert a file and copy its metadata; the target appears only when it is complete.

    Parameters
    ----------
    model : TimbreTransfer
        Fitted model.
    recording : Recording
        Source and target.
    gain : float
        Gain of the output in dB.
    overwrite : bool
        Whether an existing target may be replaced.
    advance : callable
        Called with the number of samples, at the model's sample rate, of each converted block.

    Returns
    -------
    float
        Duration of the target in seconds.

    Raises
    ------
    AudioFileError
        The source cannot be read, or the target cannot be written.

    Warns
    -----
    PitchRangeWarning
        The source has pitches outside of the range of the notes that `sktimbre fit` trained the model on.
    """
    from sktimbre.audio import AudioReader, AudioWriter, read_metadata
    from sktimbre.audio.metadata import of_converted
    from sktimbre.cli.comparison import trained_on

    with AudioReader(recording.source, sr=model.sr) as reader:
        writer = AudioWriter(
            recording.target,
            recording.sr,
            n_channels=reader.n_channels,
            subtype=recording.subtype,
            overwrite=overwrite,
            metadata=of_converted(read_metadata(recording.source), model.transpose),
            gain=gain,
        )
        heard, known = HeardPitches(reader.sr), (trained_on(model) or {}).get("pitches")
        read = heard.listen(reader) if known else reader
        blocks = _reporting(_converted(model, read, reader.n_channels), advance)
        if recording.sr != reader.sr:
            header = AudioReader(recording.source).n_frames if recording.sr == reader.file_sr else None
            blocks = _resampled(blocks, reader.sr, recording.sr, reader.n_channels, header)
        with writer:
            for block in blocks:
                writer.write(block)
    if known:
        heard.warn_outside(known, recording.source, model.transpose)
    return writer.n_frames / writer.sr


def _converted(model: "Converter", blocks: Iterable[np.ndarray], n_channels: int) -> Iterator[np.ndarray]:
    """Convert blocks of shape (n_channels, n_samples), a block of each channel in turn.

    All channels are read in the same blocks, so their outputs have equal lengths.
    """
    for parts in zip(*(model.predict_blocks(channel) for channel in _channels(blocks, n_channels)), strict=True):
        yield np.stack(parts)


def _channels(blocks: Iterable[np.ndarray], n_channels: int) -> list[Iterator[np.ndarray]]:
    """Return an iterator over the blocks of each channel.

    Blocks that one channel has read and the others have not are queued: at most one piece if the channels take turns, while
    `itertools.tee` keeps 57 blocks.
    """
    queues: list[deque[np.ndarray]] = [deque() for _ in range(n_channels)]
    source = iter(blocks)

    def channel(c: int) -> Iterator[np.ndarray]:
        while True:
            if not queues[c]:
                block = next(source, None)
                if block is None:
                    return
                for queue, row in zip(queues, block, strict=True):
                    queue.append(row)
            yield queues[c].popleft()

    return [channel(c) for c in range(n_channels)]


def _reporting(blocks: Iterable[np.ndarray], advance: Callable[[int], None]) -> Iterator[np.ndarray]:
    for block in blocks:
        advance(block.shape[1])
        yield block


def _resampled(
    blocks: Iterable[np.ndarray], sr_in: int, sr_out: int, n_channels: int, n_wanted: int | None
) -> Iterator[np.ndarray]:
    """Resample blocks; if they were read from a file of ``n_wanted`` samples at ``sr_out``, return exactly that many."""
    import soxr

    from sktimbre.audio.blockwise import resampled_length, resampling_tail

    resampler = soxr.ResampleStream(sr_in, sr_out, n_channels, dtype="float32", quality="HQ")
    n_in = n_out = 0
    for block in blocks:
        resampled = resampler.resample_chunk(np.ascontiguousarray(block.T)).reshape(-1, n_channels)
        n_in += block.shape[1]
        n_out += len(resampled)
        yield resampled.T
    # A header that does not give the length that was read was an estimate.
    fits = n_wanted is not None and resampled_length(n_wanted, sr_out, sr_in) == n_in
    n_wanted = n_wanted if fits and n_wanted is not None else resampled_length(n_in, sr_in, sr_out)
    tail = np.zeros((len(resampling_tail(sr_in, sr_out)), n_channels), np.float32)
    yield resampler.resample_chunk(tail, last=True).reshape(-1, n_channels)[: n_wanted - n_out].T
