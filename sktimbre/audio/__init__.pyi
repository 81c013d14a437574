from .arrays import atomic_path, read_audio, resample, to_mono, write_audio
from .blockwise import AudioReader, AudioWriter

__all__ = ["AudioReader", "AudioWriter", "atomic_path", "read_audio", "resample", "to_mono", "write_audio"]
