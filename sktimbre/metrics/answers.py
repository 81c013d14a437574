"""Answers of blind listening tests."""

import csv
import os
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from sktimbre._utils.checks import check_real
from sktimbre._utils.files import as_path
from sktimbre.exceptions import DatasetError, ParameterError

__all__ = ["analyse_answers"]

COLUMNS = ("participant", "part", "note", "system", "value")
# A last column, which earlier versions did not write: what tells pages apart.
PAGE = "page"
REFERENCE = "target"
# Who rates the hidden reference below RECOGNISED in more than this share of the notes is left out (ITU-R BS.1534-3).
RECOGNISED, MOST_MISSED = 90, 0.15


def analyse_answers(
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], *, confidence: float = 0.95, screen: bool = True
) -> dict[str, Any]:
    r"""Summarise the answers of a blind listening test, as ``sktimbre report --blind`` makes one.

    Parameters
    ----------
    files : path-like or iterable of path-like
        CSV files with the columns participant, part, note, system, value and, if the page wrote it, page. Files without names
        of participants are one participant each. Of two files that a participant saved of one page, the later one counts.
    confidence : float in (0, 0.9999]
        Confidence level of the intervals.
    screen : bool
        Whether to leave out the ratings of participants who did not recognise the hidden reference: below 90 in more than
        15 % of the notes.

    Returns
    -------
    dict
        ``ratings``: by system ``mean``, ``low`` and ``high`` (the interval of Student's t over the means of participants; None
        for one participant) and ``participants``. ``abx``: ``correct``, ``total`` and ``p_value``, the probability of as many
        right answers by guessing. ``left_out``: participants who were screened.

    Raises
    ------
    DatasetError
        A file cannot be read or has other columns or values, or there are no answers.
    ParameterError
        The confidence level is out of range, or ``files`` are no paths.

    References
    ----------
    .. [1] ITU-R Recommendation BS.1534-3, "Method for the subjective assessment of intermediate quality level of audio
       systems" (MUSHRA), 2015. The page differs from it: sounds are not looped, and anchors are baselines.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sktimbre.metrics import analyse_answers
    >>> text = "participant,part,note,system,value\nA,rating,C4,model,60\nA,rating,C4,target,100\nA,abx,C4,model,1\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "answers.csv"
    ...     _ = file.write_text(text)
    ...     analyse_answers(file)["ratings"]["model"]["mean"]
    60.0
    """
    from scipy import stats

    confidence = check_real(confidence, "confidence", 0, 0.9999, open_low=True, fix="0.95 is usual.")
    if isinstance(files, str | os.PathLike):
        files = [files]
    try:
        files = list(files)
    except TypeError:
        raise ParameterError(f"files={files!r} must be the path of a CSV file, or several paths.") from None
    rows = [row for i, file in enumerate(files) for row in _answers(file, i)]
    if not rows:
        raise DatasetError("There are no answers in the files.")
    ratings: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    right = []
    # Who saves a page twice answers once: of two files the later one counts.
    last = {(participant, page): number for participant, page, number, *_ in rows if page}
    for participant, page, number, part, system, value in rows:
        if number != last.get((participant, page), number):
            continue
        if part == "rating":
            ratings[participant][system].append(value)
        else:
            right.append(value)
    left_out = sorted(who for who, given in ratings.items() if screen and _misses(given[REFERENCE]))
    means: dict[str, list[float]] = defaultdict(list)
    for who, given in ratings.items():
        if who not in left_out:
            for system, values in given.items():
                if values:
                    means[system].append(float(np.mean(values)))
    summary = {}
    for system, of in means.items():
        mean, low, high = float(np.mean(of)), None, None
        if len(of) > 1:
            half = stats.t.ppf(0.5 + confidence / 2, len(of) - 1) * np.std(of, ddof=1) / np.sqrt(len(of))
            low, high = float(mean - half), float(mean + half)
        summary[system] = {"mean": mean, "low": low, "high": high, "participants": len(of)}
    correct = int(sum(right))
    p_value = float(stats.binomtest(correct, len(right), 0.5, "greater").pvalue) if right else None
    return {
        "ratings": summary,
        "abx": {"correct": correct, "total": len(right), "p_value": p_value},
        "left_out": left_out,
    }


def _answers(file, number):
    """Return participant, page, number of the file, part, system and value of each row of a file."""
    path = as_path(file, ParameterError)
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.DictReader(opened)
            if tuple(reader.fieldnames or ()) not in (COLUMNS, (*COLUMNS, PAGE)):
                raise DatasetError(f"{path} has the columns {reader.fieldnames}; answers have {', '.join(COLUMNS)}.")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read: {error}.") from None
    found = []
    for line, row in enumerate(rows, 2):
        try:
            value = float(row["value"])
        except (TypeError, ValueError):
            value = np.nan
        limits = {"rating": (0, 100), "abx": (0, 1)}.get(row["part"])
        if limits is None or not limits[0] <= value <= limits[1] or not row["system"]:
            raise DatasetError(f"{path}, line {line}: {list(row.values())} is no answer of a listening test.")
        who = row["participant"] or f"file {number + 1}"
        found.append((who, row.get(PAGE), number, row["part"], row["system"], value))
    return found


def _misses(ratings):
    return bool(ratings) and np.mean(np.array(ratings) < RECOGNISED) > MOST_MISSED
