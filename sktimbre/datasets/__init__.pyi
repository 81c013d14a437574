from .cutting import cut_notes, cut_recording
from .iowa import fetch_iowa_notes
from .loading import load_notes, load_paired_notes
from .material import load_pairs
from .names import name_of_pitch, pitch_from_name
from .pairing import pair_files
from .phrase import load_phrase
from .recordings import load_recordings
from .segments import overlap_add, segment
from .synthesis import INSTRUMENTS, Instrument, make_paired_notes

__all__ = [
    "INSTRUMENTS",
    "Instrument",
    "cut_notes",
    "cut_recording",
    "fetch_iowa_notes",
    "load_notes",
    "load_paired_notes",
    "load_pairs",
    "load_phrase",
    "load_recordings",
    "make_paired_notes",
    "name_of_pitch",
    "overlap_add",
    "pair_files",
    "pitch_from_name",
    "segment",
]
