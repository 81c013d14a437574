"""Takes of one piece, aligned: how many are recognised, and how far each note is from its true place.

The melodies of ``gm`` are the same performance on six instruments. Each is aligned with those of the other instruments
(`match_takes`), as it is and with the other take stretched by `librosa.effects.time_stretch`, in pieces of random tempos (0.6
to 1.2 of the original) after a second of silence. Beside it stands dynamic time warping of chroma (`librosa.sequence.dtw` of
`librosa.feature.chroma_cqt`, every 23 ms). A deviation is the time from where a note of the score should be in the other take
to where the alignment puts it.
"""

import itertools
import json

import librosa
import numpy as np
from _common import notes_folder, parser, print_table, versions, write_json

from sktimbre.audio import read_audio
from sktimbre.datasets.alignment import align_notes, match_takes
from sktimbre.datasets.cutting import cut_notes

INSTRUMENTS = ("flute", "clarinet", "violin", "trumpet", "guitar", "piano")
SR, HOP = 22050, 512
# A note of the score is found if an onset is this near to it, in seconds.
NEAR = 0.06
LATE = 0.1


def stretched(y, rng, pieces=6):
    """Return a take in which each piece has another tempo, and the times of edges before and after."""
    parts = np.array_split(y, pieces)
    slow = [librosa.effects.time_stretch(part, rate=rng.uniform(0.6, 1.2)) for part in parts]
    before, after = (np.cumsum([0, *map(len, each)]) / SR for each in (parts, slow))
    return np.concatenate([np.zeros(SR, np.float32), *slow]), before, after + 1.0


def by_notes(cuts):
    """Return onsets of both takes, by `align_notes`."""
    pairs = align_notes(*cuts).pairs
    return np.array([(cuts[0][i].start, cuts[1][j].start) for i, j in pairs])


def by_chroma(takes):
    """Return times of both takes on the path of dynamic time warping of chroma."""
    # Silence has no chroma, and the cosine of zeros is none.
    chroma = [librosa.feature.chroma_cqt(y=y, sr=SR, hop_length=HOP) + 1e-3 for y in takes]
    path = librosa.sequence.dtw(*chroma, metric="cosine")[1][::-1]
    return path * (HOP / SR)


def deviations(times, onsets, expected):
    """Return the deviations of the notes of a score; NaN for those that are not found."""
    found = []
    for onset, place in zip(onsets, expected, strict=True):
        i = int(np.abs(times[:, 0] - onset).argmin())
        near = abs(times[i, 0] - onset) <= NEAR
        found.append(times[i, 1] - times[i, 0] + onset - place if near else np.nan)
    return np.abs(found)


def main():
    args = parser(__doc__, "alignment.json").parse_args()
    gm = notes_folder().parent / "gm"
    scores = json.loads((gm / "scores.json").read_text())
    rng = np.random.default_rng(0)
    names = sorted(name.removeprefix("melody/") for name in scores if name.startswith("melody/"))
    audio = {i: [read_audio(gm / i / "melody" / f"{name}.flac", SR)[0] for name in names] for i in INSTRUMENTS}
    cuts = {i: [cut_notes(y, SR) for y in takes] for i, takes in audio.items()}
    same, other, right, wrong = [], [], 0, 0
    for a, b in itertools.combinations(INSTRUMENTS, 2):
        for i, j in itertools.product(range(len(names)), repeat=2):
            (same if i == j else other).append(align_notes(cuts[a][i], cuts[b][j]).agreement)
        found = match_takes(cuts[a], cuts[b])
        right += sum(i == j for i, j, _ in found)
        wrong += sum(i != j for i, j, _ in found)
    recognised = {
        "renditions of one tune": len(same),
        "recognised": right,
        "wrong": wrong,
        "least agreement of one tune": min(same),
        "greatest of two tunes": max(other),
    }
    print_table("Takes", [recognised])
    rows = []
    for kind in ("as they are", "stretched"):
        judged = {"notes": [], "librosa, chroma": []}
        for a, b in itertools.combinations(INSTRUMENTS, 2):
            for i, name in enumerate(names):
                onsets = np.array(sorted({note[0] for note in scores[f"melody/{name}"]}))
                take, expected = audio[b][i], onsets
                if kind == "stretched":
                    take, before, after = stretched(take, rng)
                    expected = np.interp(onsets, before, after)
                notes = (cuts[a][i], cut_notes(take, SR))
                judged["notes"].append(deviations(by_notes(notes), onsets, expected))
                judged["librosa, chroma"].append(deviations(by_chroma((audio[a][i], take)), onsets, expected))
        for how, found in judged.items():
            every = np.concatenate(found)
            known = every[np.isfinite(every)]
            rows.append(
                {
                    "takes": kind,
                    "aligned by": how,
                    "notes": len(every),
                    "found": len(known) / len(every),
                    "median, ms": 1000 * float(np.median(known)),
                    "95th percentile, ms": 1000 * float(np.percentile(known, 95)),
                    f"over {LATE} s": float(np.mean(known > LATE)),
                }
            )
    print_table("Deviations", rows)
    write_json(args.output, {"recognised": recognised, "deviations": rows, "versions": versions()})


if __name__ == "__main__":
    main()
