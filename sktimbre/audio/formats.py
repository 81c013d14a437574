"""Formats of sound files that are written: suffixes, sample formats, limits, quantisation."""

import os
from pathlib import Path

import numpy as np
import soundfile

from sktimbre.exceptions import ParameterError

__all__ = ["BYTES", "FORMATS", "legal_subtypes", "nearest_subtype", "quantise", "resolve_format", "too_large"]

# Largest number of bytes of samples: these headers have 32-bit sizes, and 64 KiB are left for the header.
SMALL_HEADERS = {"WAV": (1 << 32) - (1 << 16), "AIFF": (1 << 32) - (1 << 16), "AU": (1 << 32) - (1 << 16)}
# libsndfile's formats by suffix.
FORMATS = {
    ".wav": "WAV",
    ".aif": "AIFF",
    ".aiff": "AIFF",
    ".flac": "FLAC",
    ".ogg": "OGG",
    ".opus": "OGG",
    ".mp3": "MP3",
    ".w64": "W64",
    ".rf64": "RF64",
    ".caf": "CAF",
    ".au": "AU",
    # Other suffixes of these formats.
    ".wave": "WAV",
    ".bwf": "WAV",
    ".aifc": "AIFF",
    ".oga": "OGG",
    ".snd": "AU",
}
DEFAULT_SUBTYPES = {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}
# Beyond these libsndfile is not reliable: FLAC fails with 9 channels, Vorbis crashes the process with 256.
MOST_CHANNELS = {"FLAC": 8, "OGG": 255, "MP3": 2}
RATES = {
    "MPEG_LAYER_III": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    "OPUS": (8000, 12000, 16000, 24000, 48000),
}
PCM_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
BYTES = {**{name: bits // 8 for name, bits in PCM_BITS.items()}, "ULAW": 1, "ALAW": 1, "FLOAT": 4, "DOUBLE": 8}
COMPRESSED = {"VORBIS": "OGG", "OPUS": "OGG", "MPEG_LAYER_III": "MP3"}


def resolve_format(path: Path, subtype: str | None, sr: int, n_channels: int) -> tuple[str, str]:
    """Return libsndfile's names of format and subtype for a file to be written.

    Raises
    ------
    ParameterError
        The suffix is unknown, or its format does not support the subtype, the sampling rate or the number of channels.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ParameterError(
            f"path={os.fspath(path)!r} has the suffix {path.suffix!r}; the format follows the suffix, which must "
            f"be one of {', '.join(FORMATS)}."
        )
    kind = FORMATS[suffix]
    legal = legal_subtypes(kind)
    if subtype is None:
        subtype = "OPUS" if suffix == ".opus" else DEFAULT_SUBTYPES.get(kind, "PCM_16")
    if not isinstance(subtype, str) or subtype.upper() not in legal:
        raise ParameterError(f"subtype={subtype!r} is not a subtype of {kind} files: choose one of {', '.join(legal)}.")
    subtype = subtype.upper()
    most = MOST_CHANNELS.get(kind, 1024)
    if not 1 <= n_channels <= most:
        raise ParameterError(
            f"n_channels={n_channels} must be from 1 to {most} in a {kind} file. Channels come first, (n_channels, "
            "n_samples): transpose audio of soundfile's shape, or choose .wav."
        )
    if sr not in RATES.get(subtype, (sr,)):
        raise ParameterError(
            f"sr={sr} cannot be stored as {subtype}: legal are {', '.join(map(str, RATES[subtype]))} Hz. Resample "
            "first with sktimbre.audio.resample, or choose .flac."
        )
    return kind, subtype


def too_large(kind: str, subtype: str, n_values: float, n_more: int = 0) -> float:
    """Return the size of a file in GiB if it is too large for its format, else 0.

    Parameters
    ----------
    kind, subtype : str
        Format and subtype, as `resolve_format` returns them.
    n_values : float
        Samples of all channels.
    n_more : int
        Bytes beside the samples.
    """
    size = n_values * BYTES.get(subtype, 0) + n_more
    return size / 2**30 if size > SMALL_HEADERS.get(kind, size) else 0.0


def legal_subtypes(kind: str) -> list[str]:
    """Return the subtypes that sktimbre writes in a format, a subset of libsndfile's."""
    available = soundfile.available_subtypes(kind)
    # libsndfile 1.2 reads back one sample too many from 8-bit AIFF files of odd length.
    excluded = {"PCM_S8", "PCM_U8"} if kind == "AIFF" else set()
    return [
        s for s in (*BYTES, *COMPRESSED) if s in available and s not in excluded and COMPRESSED.get(s, kind) == kind
    ]


def nearest_subtype(subtype: str, suffix: str) -> str | None:
    """Return the subtype in files with a suffix that keeps most of another, such as PCM_24 in .flac for FLOAT.

    Parameters
    ----------
    subtype : str
        Subtype of the sound that is read; "DECODED" if ffmpeg decodes it.
    suffix : str
        One of `FORMATS`.

    Returns
    -------
    str or None
        `subtype` if the format has it, else the smallest PCM subtype with as many bits, or the largest there is. Compressed
        sound has 16 bits, but 24 if ffmpeg decodes it, since some formats then have as many. ``None`` for formats without
        PCM.
    """
    legal = legal_subtypes(FORMATS[suffix])
    # In a file named .opus, Vorbis would be odd.
    if subtype in legal and suffix != ".opus":
        return subtype
    if subtype == "DOUBLE" and "FLOAT" in legal:
        return "FLOAT"
    bits = {**PCM_BITS, "FLOAT": 24, "DOUBLE": 24, "DECODED": 24}.get(subtype, 16)
    pcm = sorted((PCM_BITS[name], name) for name in legal if name in PCM_BITS)
    return next((name for n, name in pcm if n >= bits), pcm[-1][1] if pcm else None)


def quantise(samples: np.ndarray, subtype: str) -> np.ndarray:
    """Quantise samples in [-1, 1] to int32 for libsndfile; samples of other subtypes than PCM are returned unchanged.

    libsndfile scales floats by 32767 when it writes and by 1/32768 when it reads. Scaling by 32768 here makes a file that
    is read and written again lossless.
    """
    if subtype not in PCM_BITS:
        return samples
    bits = PCM_BITS[subtype]
    full_scale = float(1 << (bits - 1))
    steps = np.clip(np.rint(samples.astype(np.float64) * full_scale), -full_scale, full_scale - 1)
    return (steps.astype(np.int64) << (32 - bits)).astype(np.int32)
