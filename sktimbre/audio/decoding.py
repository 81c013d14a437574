"""Decode sound files with the ffmpeg executable."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sktimbre.exceptions import AudioFileError

__all__ = ["DECODED_SUFFIXES", "Decoder", "find_ffmpeg"]

# Suffixes of files that hold sound and that libsndfile does not read.
DECODED_SUFFIXES = frozenset(
    {
        *(
            ".3gp",
            ".aac",
            ".ac3",
            ".alac",
            ".amr",
            ".ape",
            ".dff",
            ".dsf",
            ".dts",
            ".eac3",
            ".m4a",
            ".m4b",
            ".m4r",
            ".mka",
        ),
        *(".mkv", ".mov", ".mp4", ".mpc", ".ra", ".spx", ".tak", ".tta", ".weba", ".webm", ".wma", ".wv"),
    }
)


def find_ffmpeg() -> str | None:
    """Return the path of the ffmpeg executable, None if there is none on PATH."""
    return shutil.which("ffmpeg")


class Decoder:
    """ffmpeg, which decodes the first audio stream of a file to 32-bit floats and writes them to a pipe.

    Parameters
    ----------
    path : Path
        The file.
    container : {"w64", "wav"}
        Format of what is written to the pipe: a WAV file holds at most 4 GiB, but has the file's tags.

    Raises
    ------
    AudioFileError
        ffmpeg cannot be started.
    """

    def __init__(self, path: Path, container: str = "w64"):
        self.path = path
        # Protocols other than these would let a playlist in disguise open network addresses.
        options = ["-nostdin", "-v", "error", "-xerror", "-protocol_whitelist", "file,pipe"]
        chosen = ["-map", "0:a:0", "-c:a", "pcm_f32le", "-f", container, "pipe:1"]
        # In a file, since a full pipe of messages would stop ffmpeg.
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [find_ffmpeg() or "ffmpeg", *options, "-i", f"file:{os.path.abspath(path)}", *chosen],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._messages,
            )
        except OSError as error:
            self._messages.close()
            raise AudioFileError(
                f"{path} is read through ffmpeg, which cannot be started ({error.strerror or error}); check the ffmpeg on "
                "PATH, or convert the file to .wav first."
            ) from error

    def fileno(self) -> int:
        """Return the file descriptor to read from."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def finish(self) -> str:
        """Read the rest, wait for ffmpeg and return what it says about an error, '' if there was none."""
        if self._messages.closed:
            return ""
        assert self._process.stdout is not None
        while self._process.stdout.read(1 << 16):
            pass
        code = self._process.wait()
        self._messages.seek(0)
        said = self._messages.read(1 << 20).decode(errors="replace").strip()
        # ffmpeg counts some truncated files as read.
        if code == 0 and "ended prematurely" not in said:
            return ""
        first = re.sub(r"^(\[[^]]* @ [^]]*\] *)+", "", said.partition("\n")[0]).strip().rstrip(".")
        return f"ffmpeg: {first}" if first else f"ffmpeg ended with code {code}"

    def close(self) -> None:
        """Stop ffmpeg."""
        if self._messages.closed:
            return
        assert self._process.stdout is not None
        self._process.kill()
        self._process.stdout.close()
        self._process.wait()
        self._messages.close()
