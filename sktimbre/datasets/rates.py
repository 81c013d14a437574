"""The sample rate that recordings have, for `sr=None`."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sktimbre._utils.checks import check_whole
from sktimbre.audio.blockwise import AudioReader
from sktimbre.exceptions import AudioFileError

__all__ = ["HIGHEST_RATE", "resolve_rate"]

# Nothing above its half is heard.
HIGHEST_RATE = 48000


def resolve_rate(sr: Any, *sides: Iterable[Path]) -> int:
    """Return a sample rate as given; for None that of the recordings.

    Parameters
    ----------
    sr : int or None
        Sample rate in Hz.
    *sides : iterable of Path
        Sound files of the source and of the target.

    Returns
    -------
    int
        In Hz. For None, the rate that most files of a side have, the lower one of both sides, at most 48000.

    Raises
    ------
    ParameterError
        ``sr`` is not a rate.
    AudioFileError
        No file of a side can be read.
    """
    if sr is not None:
        return check_whole(sr, "sr", 1, fix="It is in Hz.")
    return min(HIGHEST_RATE, *map(_usual_rate, sides))


def _usual_rate(files):
    counts: Counter[int] = Counter()
    failed = None
    for file in dict.fromkeys(files):
        try:
            counts[AudioReader(file).file_sr] += 1
        except AudioFileError as error:
            failed = failed or error
    if not counts and failed:
        raise failed
    most = max(counts.values(), default=0)
    return max((rate for rate, count in counts.items() if count == most), default=HIGHEST_RATE)
