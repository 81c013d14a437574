"""Sound files of notes with a pitch that can be heard."""

import numpy as np
import pytest

from sktimbre.audio import write_audio

SR = 22050


@pytest.fixture(scope="session")
def sound():
    """Return a note of 20 partials, shape (n_samples,)."""

    def make(midi, duration=0.4, level=-12.0, sr=SR):
        time = np.arange(round(duration * sr)) / sr
        frequency = 440 * 2 ** ((midi - 69) / 12)
        numbers = [k for k in range(1, 21) if k * frequency < 0.45 * sr]
        y = sum(np.sin(2 * np.pi * k * frequency * time + k * k) / k for k in numbers)
        y = y * np.minimum(1, np.minimum(time, time[::-1]) / 0.01)
        return (10 ** (level / 20) * y / np.abs(y).max()).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def library(sound):
    """Write notes into a folder: file names with MIDI numbers, or with arguments of `sound`."""

    def write(folder, notes):
        for name, note in notes.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            arguments = note if isinstance(note, dict) else {"midi": note}
            write_audio(file, sound(**arguments), SR)
        return folder

    return write
