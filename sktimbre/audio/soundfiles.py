"""Open, check and read sound files through libsndfile; formats and quantisation for writing."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from sktimbre._utils.files import as_path
from sktimbre.audio.chunks import PLACEHOLDER, walk
from sktimbre.exceptions import AudioFileError, ParameterError

BLOCK = 65536
# Lengths from here on are unknown: libsndfile reports the largest integer if the header has no length.
UNKNOWN_LENGTH = 1 << 60

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
}
READABLE_SUFFIXES = frozenset({*FORMATS, ".aifc", ".oga", ".snd"})
DEFAULT_SUBTYPES = {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}
# Beyond these libsndfile is not reliable: FLAC fails with 9 channels, Vorbis crashes the process with 256.
MOST_CHANNELS = {"FLAC": 8, "OGG": 255, "MP3": 2}
RATES = {
    "MPEG_LAYER_III": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    "OPUS": (8000, 12000, 16000, 24000, 48000),
}
PCM_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
BYTES = {**{name: bits // 8 for name, bits in PCM_BITS.items()}, "ULAW": 1, "ALAW": 1, "FLOAT": 4, "DOUBLE": 8}
# In these subtypes libsndfile cannot seek, or returns wrong samples after seeking.
READ_FROM_START = {"MPEG_LAYER_III", "OPUS", "DWVW_12", "DWVW_16", "DWVW_24"}
COMPRESSED = {"VORBIS": "OGG", "OPUS": "OGG", "MPEG_LAYER_III": "MP3"}


class ForwardSoundFile(soundfile.SoundFile):
    """A sound file that python-soundfile reads without seeking.

    For seekable files python-soundfile seeks after every read, which fails at the end of files of unknown length, and
    allocates arrays of the length in the header, which may be wrong.
    """

    def seekable(self) -> bool:
        """Return False."""
        return False

    def go_to(self, start: int) -> None:
        """Seek to a sample from the beginning; where seeking is not reliable, read and drop the samples before it.

        Raises
        ------
        soundfile.LibsndfileError
            The sample lies beyond the end.
        AudioFileError
            The samples before it are damaged or truncated.
        """
        if super().seekable() and self.subtype not in READ_FROM_START:
            self.seek(start)
            return
        for _ in read_blocks(self, start):
            pass


def open_sound(path: str | os.PathLike[str]) -> ForwardSoundFile:
    """Open a sound file for reading.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    ForwardSoundFile
        The caller closes it.

    Raises
    ------
    AudioFileError
        The file is missing, a folder, not readable, empty, not audio, shorter than its header says, or has no samples.
    """
    path = as_path(path, AudioFileError)
    if path.is_dir():
        raise AudioFileError(f"{path} is a folder, not a sound file; sktimbre.datasets.load_notes reads folders.")
    if not path.exists():
        raise AudioFileError(f"{path} does not exist; check the name (the working directory is {Path.cwd()}).")
    if not path.is_file() or not os.access(path, os.R_OK):
        raise AudioFileError(f"{path} cannot be read; check that it is a regular file and that you may read it.")
    try:
        if path.stat().st_size == 0:
            raise AudioFileError(f"{path} is empty (0 bytes); record, export or download it again.")
        missing = missing_bytes(path)
        if missing:
            raise AudioFileError(f"{path} is truncated: {missing}. Copy, export or download it again.")
        sound = ForwardSoundFile(path)
    except AudioFileError:
        raise
    except OSError as error:
        raise AudioFileError(
            f"{path} cannot be read: {error.strerror or error}. Check the disk, and the name."
        ) from error
    except (soundfile.LibsndfileError, TypeError) as error:
        raise AudioFileError(
            f"{path} is not a sound file that can be read ({_reason(error)}). Readable are "
            f"{', '.join(FORMATS)}; convert it first, or leave it out."
        ) from error
    if sound.frames == 0:
        sound.close()
        raise AudioFileError(f"{path} holds no samples; record or export it again.")
    return sound


def read_blocks(
    sound: ForwardSoundFile, n_frames: int | None = None, block: int = BLOCK, *, start: int = 0
) -> Iterator[np.ndarray]:
    """Yield float32 blocks of shape (n, n_channels), `n_frames` samples in all or up to the end.

    `sound` is at sample `start`. Memory is bounded by `block` samples, whatever length the header gives.

    Raises
    ------
    AudioFileError
        The file is damaged or truncated, or holds NaN or infinity.
    """
    # Counted here: sound.tell() works for seekable files only.
    position, left = start, n_frames
    while left is None or left > 0:
        wanted = block if left is None else min(block, left)
        try:
            samples = sound.read(wanted, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioFileError(
                f"{sound.name} is damaged or truncated after sample {position} ({_reason(error)}). Copy, export or "
                "download it again."
            ) from error
        if not len(samples):
            break
        if not np.isfinite(samples).all():
            index = position + int(np.argmin(np.isfinite(samples).all(axis=1)))
            raise AudioFileError(
                f"{sound.name} holds NaN or infinity at sample {index}; export it again, or cut that part out."
            )
        yield samples
        position += len(samples)
        left = None if left is None else left - len(samples)
    if (left is None or left > 0) and position < sound.frames < UNKNOWN_LENGTH and _counts_frames(sound, position):
        raise AudioFileError(
            f"{sound.name} is truncated: its header promises {sound.frames} samples, but the file has {position}. Copy, "
            "export or download it again."
        )


def missing_bytes(path: Path) -> str:
    """Describe what is missing at the end of a WAV, AIFF or Ogg file, '' if nothing; libsndfile reports no error."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"OggS":
            file.seek(max(0, size - (1 << 17)))
            tail = file.read()
            return _missing_of_page(tail[tail.rfind(b"OggS") :])
        samples = next((chunk for chunk in walk(file) if chunk.name in (b"data", b"SSND")), None)
    if samples is None or samples.size >= PLACEHOLDER or samples.start + samples.size <= size:
        return ""
    return f"its header promises {samples.size} bytes of samples, but the file has {size - samples.start}"


def _missing_of_page(page: bytes) -> str:
    """Describe what is missing in the last page of an Ogg file: its end-of-stream flag, or bytes listed in its table."""
    if len(page) > 5 and not page[5] & 4:
        return "its last page does not end the stream"
    table = page[27 : 27 + page[26]] if len(page) > 26 else b""
    complete = len(page) > 26 and len(table) == page[26] and len(page) >= 27 + len(table) + sum(table)
    return "" if complete else "its last page is cut off"


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


def legal_subtypes(kind: str) -> list[str]:
    """Return the subtypes that sktimbre writes in a format, a subset of libsndfile's."""
    available = soundfile.available_subtypes(kind)
    # libsndfile 1.2 reads back one sample too many from 8-bit AIFF files of odd length.
    excluded = {"PCM_S8", "PCM_U8"} if kind == "AIFF" else set()
    return [
        s for s in (*BYTES, *COMPRESSED) if s in available and s not in excluded and COMPRESSED.get(s, kind) == kind
    ]


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


def _counts_frames(sound: ForwardSoundFile, position: int) -> bool:
    """Return True if the length in the header is exact; an MP3 file may have an estimate only."""
    if sound.format != "MP3":
        return True
    with open(sound.name, "rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            size = 0
            for byte in head[6:10]:
                size = size << 7 | byte & 0x7F
            file.seek(10 + size)
        else:
            file.seek(0)
        frame = file.read(256)
    counted = b"Xing" in frame or b"Info" in frame
    # Encoders differ in whether they count encoder delay and padding.
    return counted and sound.frames - position > 2 * 1152


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", str(error)).strip().rstrip(".")
    # libsndfile says "File does not exist" of any file that its MP3 decoder cannot read.
    return "Format not recognised" if text.startswith("File does not exist") else text
