"""Pairs from other people's folders: right, missed and wrong, for the names of real libraries and for real notes.

The libraries are names with true pitches and dynamics; tones of these stand for the sounds. A pair is wrong if a pitch is
wrong, or if the dynamics differ although both folders have both. Beside it stands what names alone would do: the reader of
names without the ear, and pairs by pitch and sort order, as version 0.1 did.
"""

import json
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from _common import notes_folder, parser, print_table, versions, write_json

from sktimbre.audio import write_audio
from sktimbre.datasets import pair_files, pitch_from_name
from sktimbre.datasets.names import pitch_part
from sktimbre.exceptions import SktimbreError

LEVELS = {"pp": -36, "p": -30, "mp": -24, "mf": -18, "f": -12, "ff": -6}
SR = 44100


def tone(midi, level, seed):
    """Return a second of a note with 30 partials, at most, a random spectral slope and soft ends."""
    rng = np.random.default_rng(seed)
    t = np.arange(SR) / SR
    frequency = 440 * 2 ** ((midi - 69) / 12)
    slope = rng.uniform(0.8, 1.6)
    numbers = [k for k in range(1, 31) if k * frequency < 0.45 * SR]
    y = sum(np.sin(2 * np.pi * k * frequency * t + rng.uniform(0, 6)) / k**slope for k in numbers)
    return 10 ** (level / 20) * y / np.abs(y).max() * np.minimum(1, np.minimum(t / 0.01, t[::-1] / 0.05))


def truth_of_library(library, root):
    """Write the tones of a library; return the true pitch and dynamic of each file."""
    truth = {}
    for side in ("a", "b"):
        (root / side).mkdir(parents=True)
        for i, (name, (midi, dynamic)) in enumerate(library[side].items()):
            write_audio(root / side / name, tone(midi, LEVELS[dynamic], i), SR)
            truth[root / side / name] = midi, dynamic
    return truth


def by_ear(a, b, **how):
    pairs = pair_files(a, b, **how)
    return list(zip(pairs.source_files, pairs.target_files, strict=True))


def by_names(a, b):
    """Pair by the pitches in names and by sort order."""
    sides = []
    for folder in (a, b):
        files = sorted(folder.iterdir())
        part, _ = pitch_part([file.name for file in files])
        if part is None:
            raise SktimbreError("no pitches in names")
        groups: dict[int, list] = {}
        for i, midi in part.values.items():
            groups.setdefault(midi, []).append(files[i])
        sides.append(groups)
    return [pair for midi in sides[0] for pair in zip(sides[0][midi], sides[1].get(midi, []), strict=False)]


def judge(pairs, truth):
    """Count right and wrong pairs, and those that would be possible; copies of one take in several formats count once."""
    sides = {}
    for file, (midi, dynamic) in {file.with_suffix(""): note for file, note in truth.items()}.items():
        sides.setdefault(file.parent, []).append((midi, dynamic))
    a, b = sides.values()
    shared = {d for _, d in a} & {d for _, d in b}
    if shared:
        possible = sum((Counter(n for n in a if n[1] in shared) & Counter(n for n in b if n[1] in shared)).values())
    else:
        possible = sum((Counter(m for m, _ in a) & Counter(m for m, _ in b)).values())
    wrong = 0
    for one, other in pairs:
        (midi, dynamic), (other_midi, other_dynamic) = truth[one], truth[other]
        wrong += midi != other_midi or (dynamic != other_dynamic and {dynamic, other_dynamic} <= shared)
    return {"possible": possible, "right": len(pairs) - wrong, "wrong": wrong}


def rows_of(name, a, b, truth):
    rows = []
    for way, pair in (
        ("names and ear", by_ear),
        ("ear alone", lambda a, b: by_ear(a, b, source_pitches="heard", target_pitches="heard")),
        ("names alone", by_names),
    ):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pairs, refused = pair(a, b), ""
        except SktimbreError as error:
            pairs, refused = [], str(error)
        rows.append(
            {"folders": name, "way": way, **judge(pairs, truth), "refused": bool(refused), "error": refused[:200]}
        )
    return rows


def main():
    args = parser(__doc__, "libraries.json").parse_args()
    data = notes_folder().parent
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for library in json.loads((data / "libraries.json").read_text()):
            root = Path(folder) / library["library"]
            truth = truth_of_library(library, root)
            rows += rows_of(library["library"], root / "a", root / "b", truth)
    real = {name: data / name for name in ("notes/flute", "notes/clarinet")}
    real |= {
        f"gm/{name}": data / "gm" / name / "notes"
        for name in ("flute", "clarinet", "violin", "trumpet", "guitar", "piano")
    }
    for name, folder in real.items():
        other = real["gm/flute" if name == "notes/clarinet" else "notes/clarinet"]
        truth = {file: (pitch_from_name(file), "ff") for one in (folder, other) for file in one.iterdir()}
        rows += rows_of(f"{name} to {other.relative_to(data)}", folder, other, truth)
    total = []
    for way in dict.fromkeys(row["way"] for row in rows):
        own = [row for row in rows if row["way"] == way]
        counts = {key: sum(row[key] for row in own) for key in ("possible", "right", "wrong", "refused")}
        total.append({"folders": "all", "way": way, **counts, "error": ""})
    print_table("Pairs", [{key: value for key, value in row.items() if key != "error"} for row in [*rows, *total]])
    write_json(args.output, {"rows": rows, "total": total, "versions": versions()})


if __name__ == "__main__":
    main()
