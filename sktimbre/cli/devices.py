"""Sound devices, or files in their place: blocks of mono sound in and out."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from sktimbre.cli.session import check_readable
from sktimbre.exceptions import SktimbreError

__all__ = ["Sound", "check_devices"]

# Blocks of silence that a device plays first: a step may come later than the one before it ends, because the first step is
# shorter, and because computing takes a time that varies.
SILENCE = 2


def check_devices(source: str | None, target: str | None) -> None:
    """Raise an error if a file to read is missing, or if devices are needed that cannot be reached."""
    if source is not None and _is_file(source):
        check_readable(Path(source))
    if not (_is_file(source) and _is_file(target)):
        _sounddevice()


class Sound:
    """Sound that comes from a device or a file and goes to a device or a file, as a context manager.

    Parameters
    ----------
    source, target : str or None
        A sound file, the number or a part of the name of a device, or None for the default device.
    sr : int
        Sample rate in Hz.
    block : int
        Samples of a block.
    overwrite : bool
        Whether the file of the target may be replaced.
    gain : float
        Gain in dB of what is played or written.
    """

    def __init__(self, source: str | None, target: str | None, sr: int, block: int, overwrite: bool, gain: float = 0.0):
        self.source, self.target = source, target
        self.sr, self.block, self.overwrite, self.gain = sr, block, overwrite, gain
        self.missed = 0  # blocks that were lost, or came too late to be played
        self._playing = False
        self._open = ExitStack()

    @property
    def from_file(self) -> bool:
        """Whether the sound comes from a file."""
        return _is_file(self.source)

    @property
    def to_file(self) -> bool:
        """Whether the sound goes to a file."""
        return _is_file(self.target)

    def __enter__(self) -> "Sound":
        if not self.from_file:
            self._input = self._open.enter_context(self._stream("InputStream", self.source))
        if self.to_file:
            from sktimbre.audio import AudioWriter

            self._output: Any = self._open.enter_context(
                AudioWriter(str(self.target), self.sr, overwrite=self.overwrite, gain=self.gain)
            )
        else:
            self._output = self._open.enter_context(self._stream("OutputStream", self.target))
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)

    @property
    def latency(self) -> float:
        """Delay of the devices in seconds, as they state it, and that of the silence before the first sound."""
        delay = 0.0 if self.from_file else self._input.latency
        return delay + (0.0 if self.to_file else self._output.latency + SILENCE * self.block / self.sr)

    def blocks(self, seconds: float | None) -> Iterator[np.ndarray]:
        """Yield blocks of shape (n_samples,), float32, until the file or so many seconds end."""
        left = np.inf if seconds is None else round(seconds * self.sr)
        for block in self._from_file() if self.from_file else self._from_device():
            yield block[: int(min(left, len(block)))]
            left -= len(block)
            if left <= 0:
                break

    def play(self, audio: np.ndarray) -> None:
        """Write samples, shape (n_samples,), to the target; those to a device after some silence."""
        if not len(audio):
            return
        if self.to_file:
            self._output.write(audio)
            return
        if not self._playing:
            self._output.write(np.zeros((SILENCE * self.block, 1), np.float32))
            self._playing = True
        audio = audio[:, np.newaxis] * np.float32(10 ** (self.gain / 20))
        self.missed += bool(self._output.write(np.ascontiguousarray(audio)))

    def _from_file(self):
        from sktimbre.audio import AudioReader

        with AudioReader(str(self.source), self.sr, mono=True, block_size=self.block) as reader:
            yield from (block[0] for block in reader)

    def _from_device(self):
        while True:
            block, overflowed = self._input.read(self.block)
            self.missed += bool(overflowed)
            yield block[:, 0].copy()

    def _stream(self, kind, device):
        sounddevice = _sounddevice()
        device = int(device) if device is not None and device.isdigit() else device
        try:
            return getattr(sounddevice, kind)(
                samplerate=self.sr, blocksize=self.block, device=device, channels=1, dtype="float32", latency="low"
            )
        except (ValueError, sounddevice.PortAudioError) as error:
            name = "The default device" if device is None else f"Device {device!r}"
            raise SktimbreError(f"{name}: {error}. Devices:\n{sounddevice.query_devices()}") from None


def _sounddevice():
    """Return the module of sounddevice; raise an error if it cannot be imported."""
    try:
        import sounddevice
    except ImportError:
        raise SktimbreError(
            "Sound devices need sounddevice: pip install 'sktimbre[live]', or name files as --input and --output."
        ) from None
    except OSError as error:
        raise SktimbreError(
            f"{error}: install PortAudio, which sounddevice plays through (Debian: libportaudio2)."
        ) from None
    return sounddevice


def _is_file(name):
    """Return True if a name is that of a sound file, and not a part of the name of a device, in which dots may be."""
    from sktimbre.audio.soundfiles import SOUND_SUFFIXES

    return name is not None and (Path(name).is_file() or Path(name).suffix.lower() in SOUND_SUFFIXES)
