from .arrays import atomic_path, read_audio, resample, to_mono, write_audio
from .blockwise import AudioReader, AudioWriter
from .metadata import root_note

__all__ = ["AudioReader", "AudioWriter", "atomic_path", "read_audio", "resample", "root_note", "to_mono", "write_audio"]
