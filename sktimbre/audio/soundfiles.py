"""Open, check and read sound files through libsndfile, and through ffmpeg those that libsndfile does not know."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from sktimbre._utils.files import as_path
from sktimbre.audio.chunks import PLACEHOLDER, walk
from sktimbre.audio.decoding import DECODED_SUFFIXES, Decoder, find_ffmpeg
from sktimbre.audio.formats import FORMATS
from sktimbre.exceptions import AudioFileError

BLOCK = 65536
# Lengths from here on are unknown: libsndfile reports the largest integer if the header has no length.
UNKNOWN_LENGTH = 1 << 60

# Suffixes of sound files that libsndfile reads.
READABLE_SUFFIXES = frozenset(
    {
        *FORMATS,
        ".8svx",
        ".avr",
        ".htk",
        ".ircam",
        ".mp2",
        ".nist",
        ".paf",
        ".pvf",
        ".sds",
        ".sf",
        ".sph",
        ".svx",
        ".voc",
    }
)
# Suffixes of all sound files, of which some are read through ffmpeg.
SOUND_SUFFIXES = READABLE_SUFFIXES | DECODED_SUFFIXES
# In these subtypes libsndfile cannot seek, or returns wrong samples after seeking.
READ_FROM_START = {"MPEG_LAYER_III", "OPUS", "DWVW_12", "DWVW_16", "DWVW_24"}


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


class DecodedSoundFile(ForwardSoundFile):
    """Sound that ffmpeg decodes while it is read: float samples, of a length that is not known beforehand.

    Parameters
    ----------
    decoder : Decoder
        The running ffmpeg.

    Raises
    ------
    AudioFileError
        ffmpeg cannot read the file.
    """

    def __init__(self, decoder: Decoder):
        self._decoder = decoder
        try:
            # A copy of the descriptor: libsndfile 1.2.0 closes it when it cannot open the file.
            super().__init__(os.dup(self._decoder.fileno()), closefd=True)
        except soundfile.LibsndfileError as error:
            reason = self._decoder.finish() or _reason(error)
            self._decoder.close()
            raise AudioFileError(
                f"{self.name} cannot be read through ffmpeg ({reason}). Check that it holds sound; copy, export or "
                "download it again, or leave it out."
            ) from error

    @property
    def name(self) -> str:
        """Name of the file."""
        return str(self._decoder.path)

    @property
    def frames(self) -> int:
        """Unknown length."""
        return UNKNOWN_LENGTH

    @property
    def format(self) -> str:
        """Suffix of the file in capitals, such as M4A."""
        return self._decoder.path.suffix[1:].upper()

    @property
    def subtype(self) -> str:
        """Not a subtype of libsndfile: "DECODED"."""
        return "DECODED"

    def read(self, frames: int = -1, *arguments: Any, **options: Any) -> np.ndarray:
        """Read samples; raise `AudioFileError` where ffmpeg stopped because of an error."""
        samples = super().read(frames, *arguments, **options)
        if len(samples) < frames and (reason := self._decoder.finish()):
            raise AudioFileError(f"{self.name} is damaged or truncated ({reason}). Copy, export or download it again.")
        return samples

    def close(self) -> None:
        """Close the sound and stop ffmpeg."""
        super().close()
        self._decoder.close()


def open_sound(path: str | os.PathLike[str], container: str = "w64") -> ForwardSoundFile:
    """Open a sound file for reading.

    Parameters
    ----------
    path : path-like
        The file.
    container : {"w64", "wav"}
        Format that ffmpeg decodes to, if it is needed.

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
        raise AudioFileError(
            f"{path} is a folder, not a sound file; `sktimbre pairs` and sktimbre.datasets.load_notes read folders."
        )
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
        sound = _open_known(path, container)
    except AudioFileError:
        raise
    except OSError as error:
        raise AudioFileError(
            f"{path} cannot be read: {error.strerror or error}. Check the disk, and the name."
        ) from error
    except (soundfile.LibsndfileError, TypeError) as error:
        if needs_decoder(path):
            raise AudioFileError(
                f"{path} is read through ffmpeg, which is not installed: install ffmpeg so that it is found on PATH, "
                "convert the file to .wav or .flac, or leave it out."
            ) from error
        raise AudioFileError(
            f"{path} is not a sound file that can be read ({_reason(error)}). Readable are "
            f"{', '.join(FORMATS)}, and with ffmpeg {', '.join(sorted(DECODED_SUFFIXES))}; convert it first, or leave it out."
        ) from error
    if sound.frames == 0:
        sound.close()
        raise AudioFileError(f"{path} holds no samples; record or export it again.")
    return sound


def is_readable(path: str | os.PathLike[str]) -> bool:
    """Return True if the suffix is one of a sound file that can be read here; some need ffmpeg on PATH."""
    suffix = Path(path).suffix.lower()
    return suffix in READABLE_SUFFIXES or (suffix in DECODED_SUFFIXES and find_ffmpeg() is not None)


def needs_decoder(path: str | os.PathLike[str]) -> bool:
    """Return True if the suffix is one of a sound file that cannot be read here because ffmpeg is not on PATH."""
    return Path(path).suffix.lower() in DECODED_SUFFIXES and find_ffmpeg() is None


def name_of(path: Path) -> str | bytes:
    """Return the name by which python-soundfile opens a file: as bytes if it is not in UTF-8, as from old archives."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return str(path)


def _open_known(path: Path, container: str) -> ForwardSoundFile:
    """Open a file with libsndfile, else with ffmpeg if it is there and the suffix is one of its."""
    try:
        return ForwardSoundFile(name_of(path))
    except soundfile.LibsndfileError:
        if path.suffix.lower() not in DECODED_SUFFIXES or find_ffmpeg() is None:
            raise
        return DecodedSoundFile(Decoder(path, container))


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
