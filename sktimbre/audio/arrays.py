"""Read and write sound files as arrays, resample, mix to mono."""

import os
from typing import Any

import numpy as np
import soundfile
import soxr

from sktimbre._utils.checks import check_real, check_whole
from sktimbre._utils.files import atomic_path
from sktimbre._utils.validation import check_layout, check_numbers
from sktimbre.audio.blockwise import (
    AudioReader,
    AudioWriter,
    as_channels,
    check_channels_first,
    check_rates,
    mix_frames,
    resampled_length,
    resampling_tail,
)
from sktimbre.audio.metadata import Metadata
from sktimbre.audio.soundfiles import UNKNOWN_LENGTH, open_sound, read_blocks
from sktimbre.exceptions import AudioError, AudioFileError, ParameterError

__all__ = ["AudioReader", "AudioWriter", "atomic_path", "read_audio", "resample", "to_mono", "write_audio"]


def read_audio(
    path: str | os.PathLike[str],
    sr: int | None = None,
    *,
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
) -> tuple[np.ndarray, int]:
    """Read a sound file, or a part of one.

    Parameters
    ----------
    path : path-like
        WAV, AIFF, FLAC, Ogg (Vorbis, Opus), MP3 or any other format of libsndfile, recognised by its content, not its
        suffix. With ffmpeg on PATH also .m4a, .aac, .wma, .wv, .ape, .webm, .mp4 and others, of which the first audio
        stream is read.
    sr : int or None
        Sampling rate in Hz to resample to (soxr, quality HQ). ``None`` keeps the file's.
    mono : bool
        Average the channels.
    offset : float
        Start of the part, in seconds from the beginning.
    duration : float or None
        Length of the part in seconds; the result is shorter if the file ends earlier. ``None`` reads to the end.

    Returns
    -------
    y : ndarray, float32
        Shape (n_samples,) with ``mono=True``, else (n_channels, n_samples). Integer samples are scaled to [-1, 1];
        floating-point samples are not scaled.
    sr : int
        Sampling rate of `y` in Hz.

    Raises
    ------
    AudioFileError
        The file is missing, a folder, empty, not audio, truncated or damaged; it has no samples, or NaN or infinity; or
        `offset` lies beyond its end.
    ParameterError
        `sr`, `offset` or `duration` is out of range.

    See Also
    --------
    AudioReader : Read a recording in blocks, in bounded memory.
    write_audio : Write a sound file.

    Notes
    -----
    Memory is allocated for the samples that are read, not for the length in the header, which may be wrong.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sktimbre.audio import read_audio, write_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/note.wav", np.zeros((2, 44100)), 44100)
    ...     y, sr = read_audio(f"{folder}/note.wav", sr=22050)
    >>> y.shape, y.dtype, sr
    ((22050,), dtype('float32'), 22050)
    """
    offset = check_real(offset, "offset", 0.0, fix="It is in seconds from the beginning.")
    if sr is not None:
        sr = check_whole(sr, "sr", 1, fix="It is in Hz; None keeps the file's rate.")
    if duration is not None:
        duration = check_real(duration, "duration", 0.0, open_low=True, fix="It is in seconds; None reads to the end.")
    with open_sound(path) as sound:
        rate = sound.samplerate
        if sr is not None:
            check_rates(rate, sr, os.fspath(path))
        n_frames = None if duration is None else round(duration * rate)
        if n_frames == 0:
            raise ParameterError(f"duration={duration} s is shorter than one sample of {path} ({rate} Hz); read more.")
        start = round(offset * rate)
        _go_to(sound, start, offset)
        blocks = [mix_frames(block) if mono else block for block in read_blocks(sound, n_frames, start=start)]
    if not blocks:
        raise _beyond_end(path, offset)
    y = np.ascontiguousarray(np.concatenate(blocks).T)
    del blocks
    if mono:
        y = y[0]
    return (y, rate) if sr is None or sr == rate else (resample(y, rate, sr), sr)


def write_audio(
    path: str | os.PathLike[str],
    y: Any,
    sr: int,
    *,
    subtype: str | None = None,
    overwrite: bool = False,
    metadata: Metadata | None = None,
    gain: float = 0.0,
) -> None:
    """Write a sound file, which gets its name only when it is complete.

    Parameters
    ----------
    path : path-like
        The suffix decides the format: .wav (.wave, .bwf), .aiff (.aif, .aifc), .flac, .ogg (.oga), .opus, .mp3, .w64,
        .rf64, .caf or .au (.snd).
    y : array-like of shape (n_samples,) or (n_channels, n_samples)
        Audio in [-1, 1].
    sr : int
        Sampling rate in Hz.
    subtype : str or None
        Encoding of the samples, as libsndfile names it ("PCM_16", "PCM_24", "FLOAT", ...). ``None`` is "PCM_16", for .ogg
        "VORBIS", for .opus "OPUS", for .mp3 "MPEG_LAYER_III".
    overwrite : bool
        Whether an existing file may be replaced.
    metadata : Metadata or None
        What `read_metadata` read from another file. Positions are rescaled to `sr`. Between formats of one kind (WAV and RF64;
        AIFF) all of it is kept; from WAV to AIFF and back, root note, loops (two in AIFF), markers and texts; in other formats
        the texts. Formats differ in which texts they have: CAF, AU and W64 have few or none.
    gain : float
        Gain in dB of what is written; below 0 it is quieter.

    Raises
    ------
    AudioError
        `y` is empty, of the wrong rank, not finite, raw integers, has more channels than samples, or is too long for the
        format.
    AudioFileError
        The file exists and ``overwrite=False``, its folder is missing or cannot be written to, or the disk is full.
    ParameterError
        The suffix is unknown, or its format does not support `subtype`, `sr` or the number of channels.

    Warns
    -----
    ClippingWarning
        Samples beyond full scale were clipped. The subtypes "FLOAT" and "DOUBLE" do not clip.

    See Also
    --------
    AudioWriter : Write a recording in blocks.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sktimbre.audio import read_audio, write_audio
    >>> y = 0.5 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/a4.flac", y, 22050, subtype="PCM_24")
    ...     read, sr = read_audio(f"{folder}/a4.flac")
    >>> bool(np.abs(read - y).max() < 2 ** -23)
    True
    """
    channels = as_channels(y)
    check_channels_first(channels)
    how: dict[str, Any] = {"subtype": subtype, "overwrite": overwrite, "metadata": metadata, "gain": gain}
    writer = AudioWriter(path, sr, n_channels=len(channels), **how)
    writer.stacklevel += 1
    with writer:
        writer.write(channels)


def resample(y: Any, sr_in: int, sr_out: int) -> np.ndarray:
    """Change the sampling rate (soxr, quality HQ).

    Parameters
    ----------
    y : array-like of shape (..., n_samples)
        Audio; the last axis is time.
    sr_in, sr_out : int
        Sampling rates of `y` and of the result, in Hz; they may differ by a factor of at most 256.

    Returns
    -------
    ndarray of shape (..., ceil(n_samples * sr_out / sr_in)), float32

    Raises
    ------
    AudioError
        `y` is empty, not numeric or not finite, or has the shape (n_samples, n_channels) of soundfile.
    ParameterError
        A rate is not a positive whole number, or the rates differ by more than a factor of 256.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.audio import resample
    >>> resample(np.zeros((3, 44101)), 44100, 22050).shape
    (3, 22051)
    """
    sr_in, sr_out = check_rates(sr_in, sr_out)
    y = _as_audio(y)
    check_layout(y.shape, "y")
    if sr_in == sr_out:
        return y.copy()
    length = resampled_length(y.shape[-1], sr_in, sr_out)
    tail = resampling_tail(sr_in, sr_out)
    result = np.empty((*y.shape[:-1], length), np.float32)
    for index in np.ndindex(y.shape[:-1]):
        result[index] = soxr.resample(np.concatenate([y[index], tail]), sr_in, sr_out, quality="HQ")[:length]
    return result


def to_mono(y: Any) -> np.ndarray:
    """Average the channels.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_channels, n_samples)
        Audio.

    Returns
    -------
    ndarray of shape (n_samples,), float32

    Raises
    ------
    AudioError
        `y` is empty, of the wrong rank, not numeric or not finite, or has more channels than samples.

    Examples
    --------
    >>> import numpy as np
    >>> from sktimbre.audio import to_mono
    >>> to_mono([[1.0, 0.0], [0.0, 0.0]])
    array([0.5, 0. ], dtype=float32)
    """
    y = _as_audio(y)
    if y.ndim > 2:
        raise AudioError(
            f"y has shape {y.shape}; it must be (n_samples,) or (n_channels, n_samples). Mix recordings one by one."
        )
    check_channels_first(y)
    return y.copy() if y.ndim == 1 else mix_frames(y.T)[:, 0]


def _as_audio(y: Any) -> np.ndarray:
    y = check_numbers(y, "y", np.float32)
    if y.ndim == 0 or y.size == 0:
        raise AudioError(f"y has shape {y.shape}; it must hold at least one sample.")
    return y


def _go_to(sound: Any, start: int, offset: float) -> None:
    if start == 0:
        return
    if start >= min(sound.frames, UNKNOWN_LENGTH):
        raise _beyond_end(sound.name, offset)
    try:
        sound.go_to(start)
    except soundfile.LibsndfileError as error:
        raise _beyond_end(sound.name, offset) from error


def _beyond_end(path: Any, offset: float) -> AudioFileError:
    return AudioFileError(f"offset={offset} s lies beyond the end of {os.fspath(path)}; use a smaller offset.")
