from ._iowa import fetch_iowa_notes
from ._loading import load_notes, load_paired_notes
from ._names import pitch_from_name
from ._segments import overlap_add, segment
from ._synthesis import INSTRUMENTS, Instrument, make_paired_notes

__all__ = [
    "INSTRUMENTS",
    "Instrument",
    "fetch_iowa_notes",
    "load_notes",
    "load_paired_notes",
    "make_paired_notes",
    "overlap_add",
    "pitch_from_name",
    "segment",
]
