"""Read and write recordings of any length in blocks, in bounded memory."""

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import soundfile
import soxr

from sktimbre._utils.checks import check_real, check_whole
from sktimbre._utils.files import atomic_path, check_target
from sktimbre._utils.validation import MOST_CHANNELS, check_numbers
from sktimbre.audio.chunks import append_chunks
from sktimbre.audio.formats import BYTES, quantise, resolve_format, too_large
from sktimbre.audio.metadata import Metadata, chunks_for, texts_for
from sktimbre.audio.soundfiles import BLOCK, UNKNOWN_LENGTH, name_of, open_sound, read_blocks
from sktimbre.exceptions import AudioError, AudioFileError, ClippingWarning, ParameterError

# Limits the memory that resampling a file with a wrong rate in its header can take.
LARGEST_RATIO = 256
# libsndfile's code of an error of the operating system, such as a full disk.
SYSTEM_ERROR = 2


class AudioReader:
    """Read a recording of any length in blocks, resampled to `sr`.

    The concatenated blocks equal the result of `read_audio` for the whole file.

    Parameters
    ----------
    path : path-like
        The sound file.
    sr : int or None
        Sampling rate in Hz of the blocks; ``None`` keeps the file's.
    mono : bool
        Average the channels, so that blocks have one channel.
    block_size : int
        Samples in each block, at the rate `sr`; the last one may be shorter.

    Attributes
    ----------
    sr : int
        Sampling rate of the blocks in Hz.
    n_channels : int
        Channels of the blocks.
    n_frames : int or None
        Samples of all blocks according to the header, which may be wrong; None if the header has no length.
    file_sr : int
        Sampling rate of the file in Hz.
    subtype : str
        Encoding of the samples in the file, as libsndfile names it; "DECODED" if ffmpeg decodes them.

    Raises
    ------
    AudioFileError
        As in `read_audio`; iteration raises it where it reaches a damaged part.
    ParameterError
        `sr` or `block_size` is out of range.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sktimbre.audio import AudioReader, write_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/long.wav", np.zeros((2, 44100)), 44100)
    ...     with AudioReader(f"{folder}/long.wav", sr=22050, block_size=10000) as reader:
    ...         [block.shape for block in reader]
    [(2, 10000), (2, 10000), (2, 2050)]
    """

    def __init__(
        self, path: str | os.PathLike[str], sr: int | None = None, *, mono: bool = False, block_size: int = BLOCK
    ):
        self.block_size = check_whole(block_size, "block_size", 1, fix=f"It is in samples; the default is {BLOCK}.")
        self.path, self.mono = path, mono
        if sr is not None:
            sr = check_whole(sr, "sr", 1, fix="It is in Hz; None keeps the file's rate.")
        with open_sound(path) as sound:
            self.file_sr: int = sound.samplerate
            self.subtype: str = sound.subtype
            channels, frames = sound.channels, sound.frames
        self.sr: int = self.file_sr if sr is None else sr
        check_rates(self.file_sr, self.sr, os.fspath(path))
        self.n_channels: int = 1 if mono else channels
        known = frames < UNKNOWN_LENGTH
        self.n_frames: int | None = resampled_length(frames, self.file_sr, self.sr) if known else None
        self._open = ExitStack()

    def __enter__(self) -> "AudioReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, which stays open if iteration stops early."""
        self._open.close()

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield float32 blocks of shape (n_channels, block_size), from the beginning each time."""
        self._open.close()
        sound = self._open.enter_context(open_sound(self.path))
        kept: list[np.ndarray] = []
        n_kept = 0
        for piece in self._pieces(sound):
            kept.append(piece)
            n_kept += len(piece)
            if n_kept < self.block_size:
                continue
            joined = np.concatenate(kept)
            whole = n_kept - n_kept % self.block_size
            for start in range(0, whole, self.block_size):
                yield np.ascontiguousarray(joined[start : start + self.block_size].T)
            kept, n_kept = [joined[whole:]], n_kept - whole
        self._open.close()
        if n_kept:
            yield np.ascontiguousarray(np.concatenate(kept).T)

    def _pieces(self, sound: Any) -> Iterator[np.ndarray]:
        blocks = (mix_frames(block) if self.mono else block for block in read_blocks(sound))
        if self.sr == self.file_sr:
            yield from blocks
            return
        stream = soxr.ResampleStream(self.file_sr, self.sr, self.n_channels, dtype="float32", quality="HQ")
        n_in = n_out = 0
        for block in blocks:
            n_in += len(block)
            piece = stream.resample_chunk(np.ascontiguousarray(block)).reshape(-1, self.n_channels)
            n_out += len(piece)
            yield piece
        tail = np.repeat(resampling_tail(self.file_sr, self.sr)[:, np.newaxis], self.n_channels, axis=1)
        piece = stream.resample_chunk(tail, last=True).reshape(-1, self.n_channels)
        yield piece[: resampled_length(n_in, self.file_sr, self.sr) - n_out]


class AudioWriter:
    """Write a recording in blocks; the file gets its name when the ``with`` statement ends without error.

    Parameters
    ----------
    path : path-like
        The suffix decides the format, as in `write_audio`.
    sr : int
        Sampling rate in Hz.
    n_channels : int
        Channels of every block.
    subtype : str or None
        Encoding of the samples, as in `write_audio`.
    overwrite : bool
        Whether an existing file may be replaced.
    metadata : Metadata or None
        Metadata to write, as in `write_audio`.
    gain : float
        Gain in dB of what is written; below 0 it is quieter.

    Raises
    ------
    AudioError, AudioFileError, ParameterError
        As in `write_audio`; the constructor raises those that do not depend on the blocks.

    Warns
    -----
    ClippingWarning
        Samples beyond full scale were clipped; one warning at the end gives their number.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sktimbre.audio import AudioWriter, read_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with AudioWriter(f"{folder}/long.flac", 22050, n_channels=2) as writer:
    ...         for _ in range(3):
    ...             writer.write(np.zeros((2, 1000)))
    ...     read_audio(f"{folder}/long.flac", mono=False)[0].shape
    (2, 3000)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sr: int,
        *,
        n_channels: int = 1,
        subtype: str | None = None,
        overwrite: bool = False,
        metadata: Metadata | None = None,
        gain: float = 0.0,
    ):
        self.path, self.overwrite, self.metadata = path, overwrite, metadata
        self.gain = check_real(gain, "gain", -200, 200, fix="It is in dB.")
        self.sr = check_whole(sr, "sr", 1, (1 << 31) - 1, fix="It is in Hz.")
        self.n_channels = check_whole(n_channels, "n_channels", 1)
        target = check_target(path, overwrite)
        # If the name is a link, its own suffix gives the format, not that of the file it points to.
        self.format, self.subtype = resolve_format(type(target)(path), subtype, self.sr, self.n_channels)
        self._chunks = [] if metadata is None else chunks_for(metadata, self.format, self.sr)
        self.n_frames = self.n_clipped = 0
        self.peak = 0.0
        self.stacklevel = 2
        self._sound: soundfile.SoundFile | None = None
        self._open = ExitStack()

    def __enter__(self) -> "AudioWriter":
        stack = ExitStack()
        temporary = stack.enter_context(atomic_path(self.path, self.overwrite))
        if self.subtype not in BYTES or self.format == "FLAC":
            stack.push(partial(self._read_back, temporary))
        if self._chunks:
            stack.push(partial(self._append_chunks, temporary))
        # The form of WAV that says which loudspeaker a channel is for.
        extended = self.format == "WAV" and self.n_channels > 2 and soundfile.check_format("WAVEX", self.subtype)
        container = "WAVEX" if extended else self.format
        try:
            self._sound = stack.enter_context(
                soundfile.SoundFile(name_of(temporary), "w", self.sr, self.n_channels, self.subtype, format=container)
            )
            self._write_texts(self._sound)
        except soundfile.LibsndfileError as error:
            stack.__exit__(type(error), error, None)
            if error.code == SYSTEM_ERROR:
                raise self._full(error) from error
            raise ParameterError(
                f"{os.fspath(self.path)} cannot be written as {self.format}, {self.subtype}, sr={self.sr}, "
                f"n_channels={self.n_channels}: {error.error_string} Choose .wav or resample."
            ) from error
        except BaseException as error:
            stack.__exit__(type(error), error, None)
            raise
        self._open = stack
        self.n_frames = self.n_clipped = 0
        self.peak = 0.0
        return self

    def write(self, block: Any) -> None:
        """Append a block.

        Parameters
        ----------
        block : array-like of shape (n_channels, n) or, with one channel, (n,)
            Audio in [-1, 1]; n may be 0.

        Raises
        ------
        AudioError
            The block has another number of channels, is not finite or holds raw integers, or would make the file too
            large for its format. Nothing of the block is written.
        AudioFileError
            The disk is full.
        """
        if self._sound is None:
            raise AudioError("AudioWriter is not open: write inside a `with AudioWriter(...) as writer:` block.")
        channels = as_channels(block, "block", empty=True)
        if len(channels) != self.n_channels:
            raise AudioError(
                f"block has {len(channels)} channels (shape {channels.shape}), the file has {self.n_channels}; pass "
                f"n_channels={len(channels)} to AudioWriter, or mix with sktimbre.audio.to_mono."
            )
        n = channels.shape[1]
        beside = sum(len(content) for _, content in self._chunks)
        if size := too_large(self.format, self.subtype, (self.n_frames + n) * self.n_channels, beside):
            raise AudioError(
                f"{os.fspath(self.path)} would hold {size:.1f} GiB, {self.format} holds 4; choose .w64, .rf64, "
                ".flac, or several files."
            )
        factor = 10 ** (self.gain / 20)
        for start in range(0, n, BLOCK):
            block = channels[:, start : start + BLOCK]
            self._write(block * factor if self.gain else block)

    def _write(self, channels: np.ndarray) -> None:
        assert self._sound is not None
        if self.subtype not in ("FLOAT", "DOUBLE"):
            magnitude = np.abs(channels)
            self.n_clipped += int(np.count_nonzero(magnitude > 1))
            self.peak = max(self.peak, float(magnitude.max()))
            channels = np.clip(channels, -1, 1)
        try:
            self._sound.write(np.ascontiguousarray(quantise(channels, self.subtype).T))
        except soundfile.LibsndfileError as error:
            raise self._full(error) from error
        self.n_frames += channels.shape[1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sound = None
        stack, self._open = self._open, ExitStack()
        if error is None and self.n_frames == 0:
            error = AudioError(f"{os.fspath(self.path)} was not written: it got no samples. Write at least one block.")
            stack.__exit__(type(error), error, None)
            raise error
        try:
            stack.__exit__(kind, error, traceback)
        except soundfile.LibsndfileError as reason:
            raise self._full(reason) from reason
        if error is None and self.n_clipped:
            peak = 20 * math.log10(self.peak)
            needed = math.ceil(10 * peak) / 10
            warnings.warn(
                f"{os.fspath(self.path)}: {self.n_clipped} samples were beyond full scale and clipped; the peak was "
                f"{peak:+.1f} dB. Lower the level by {needed} dB first (gain={self.gain - needed:.1f}, on the command line "
                f"--gain {self.gain - needed:.1f}), or store floats, which keep them: subtype FLOAT in a .wav file.",
                ClippingWarning,
                stacklevel=self.stacklevel,
            )

    def _write_texts(self, sound: soundfile.SoundFile) -> None:
        for name, text in ({} if self.metadata is None else texts_for(self.metadata, self.format)).items():
            # Formats differ in which texts they have.
            with suppress(soundfile.LibsndfileError):
                setattr(sound, name, text)

    def _append_chunks(self, temporary: Path, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            append_chunks(temporary, self._chunks)

    def _full(self, error: Exception) -> AudioFileError:
        reason = getattr(error, "error_string", str(error))
        return AudioFileError(f"{os.fspath(self.path)} cannot be written: {reason} Check that the disk has room.")

    def _read_back(self, temporary: Path, kind: type[BaseException] | None, *_: object) -> None:
        """Count the samples of a compressed file: libsndfile reports no error if the disk gets full while closing one."""
        if kind is not None or not self.n_frames:
            return
        try:
            with open_sound(temporary) as sound:
                read = sum(len(block) for block in read_blocks(sound))
        except AudioFileError:
            read = 0
        if read < self.n_frames:
            raise self._full(AudioFileError(f"of {self.n_frames} samples only {read} can be read back."))


def as_channels(y: Any, name: str = "y", *, empty: bool = False) -> np.ndarray:
    """Return audio as a float array (n_channels, n_samples), or raise `AudioError`."""
    channels = check_numbers(y, name)
    if channels.ndim not in (1, 2):
        raise AudioError(f"{name} has shape {channels.shape}; it must be (n_samples,) or (n_channels, n_samples).")
    if channels.size == 0 and not empty:
        raise AudioError(f"{name} is empty (shape {channels.shape}); pass at least one sample.")
    dtype = np.asarray(y).dtype
    if dtype.kind not in "fiu" or (dtype.kind != "f" and channels.size and np.abs(channels).max() > 1):
        raise AudioError(
            f"{name} has dtype {dtype}; audio is float in [-1, 1]. Divide integers by their full scale "
            "(32768 for 16 bits)."
        )
    return channels[np.newaxis] if channels.ndim == 1 else channels


def check_channels_first(y: np.ndarray) -> None:
    """Raise `AudioError` for 2-D audio that has more channels than samples and more than `MOST_CHANNELS`.

    Audio with fewer channels may be the short last block of a recording.
    """
    if y.ndim == 2 and len(y) > max(y.shape[1], MOST_CHANNELS):
        raise AudioError(
            f"y has shape {y.shape}: {len(y)} channels of {y.shape[1]} samples. The shape is (n_channels, n_samples), and "
            "soundfile's is (n_samples, n_channels): pass y.T."
        )


def mix_frames(block: np.ndarray) -> np.ndarray:
    """Average the channels of (n, n_channels) float32 frames; the result has shape (n, 1)."""
    return block.mean(axis=1, keepdims=True, dtype=np.float32)


def check_rates(sr_in: Any, sr_out: Any, path: str = "") -> tuple[int, int]:
    """Return two sampling rates as int, or raise unless they are whole, positive and within a factor of 256."""
    sr_in, sr_out = (
        check_whole(sr_in, "sr_in", 1, fix="It is in Hz."),
        check_whole(sr_out, "sr_out", 1, fix="It is in Hz."),
    )
    if max(sr_in, sr_out) > LARGEST_RATIO * min(sr_in, sr_out):
        text = f"{sr_in} Hz cannot be resampled to {sr_out} Hz: the rates must be within a factor of {LARGEST_RATIO}."
        if path:
            raise AudioFileError(f"{path}: {text} Check the file's header, or pass another sr.")
        raise ParameterError(f"sr_in={sr_in}, sr_out={sr_out}: {text} Check the units.")
    return sr_in, sr_out


def resampled_length(n: int, sr_in: int, sr_out: int) -> int:
    """Return ceil(n * sr_out / sr_in), exactly."""
    return -(-n * sr_out // sr_in)


def resampling_tail(sr_in: int, sr_out: int) -> np.ndarray:
    """Return zeros to append to a signal before soxr resamples it: soxr rounds lengths, and could return one too few."""
    return np.zeros(1 - (-2 * sr_in // sr_out), np.float32)
