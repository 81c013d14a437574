"""Cut sound files into notes, once: the result is remembered by the content of the file."""

from dataclasses import dataclass
from pathlib import Path

from sktimbre.audio import read_audio
from sktimbre.datasets.cache import digest_of, look_up, remember
from sktimbre.datasets.cutting import Cut, CutNote, LeftOut, cut_recording
from sktimbre.datasets.faults import channel_faults

__all__ = ["CutFile", "cut_file"]

# Version of what is remembered; it changes when `cut_recording` or `channel_faults` would return something else.
VERSION = "cut 1"


@dataclass(frozen=True)
class CutFile:
    """A sound file, cut.

    Parameters
    ----------
    cut : Cut
        Its notes and what is left out; all of a file is "antiphase" whose channels cancel each other.
    duration : float
        Its seconds.
    clipped : bool
        Whether it is clipped.
    """

    cut: Cut
    duration: float
    clipped: bool


def cut_file(file: Path) -> CutFile:
    """Cut the mix of the channels of a sound file into notes.

    Parameters
    ----------
    file : Path
        A recording of one voice.

    Returns
    -------
    CutFile

    Raises
    ------
    AudioFileError
        The file cannot be read.
    """
    digest = digest_of(file)
    known = look_up(VERSION, [digest]).get(digest)
    if known is None:
        channels, sr = read_audio(file, mono=False)
        faults, duration = channel_faults(channels), channels.shape[1] / sr
        cut = cut_recording(channels.mean(axis=0), sr)
        if "antiphase" in faults:
            cut = Cut([], [LeftOut(0.0, duration, "antiphase")])
        known = {"notes": cut.notes, "left_out": cut.left_out, "duration": duration, "clipped": "clipped" in faults}
        remember(VERSION, {digest: known})
    cut = Cut([CutNote(*note) for note in known["notes"]], [LeftOut(*part) for part in known["left_out"]])
    return CutFile(cut, known["duration"], known["clipped"])
