from .arrays import atomic_path, read_audio, resample, to_mono, write_audio
from .blockwise import AudioReader, AudioWriter
from .metadata import Metadata, read_metadata, root_note

__all__ = [
    "AudioReader",
    "AudioWriter",
    "Metadata",
    "atomic_path",
    "read_audio",
    "read_metadata",
    "resample",
    "root_note",
    "to_mono",
    "write_audio",
]
