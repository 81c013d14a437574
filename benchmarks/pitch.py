"""Pitch of single notes: errors on all real and rendered notes, and milliseconds a note, beside librosa.

An error is a pitch that is not within half a semitone of the one in the name, after the tuning of its folder (the median
deviation) is taken out. librosa's trackers give the median of their voiced frames; pYIN, which is slow, is tried on every n-th
note. Clarity is that of notes and of noise.
"""

import tempfile
import time
from pathlib import Path

import librosa
import numpy as np
from _common import interleaved, notes_folder, parser, print_table, versions, write_json

from sktimbre.audio import read_audio, write_audio
from sktimbre.datasets import pitch_from_name
from sktimbre.datasets.listening import Sound, listen
from sktimbre.datasets.pitch import LEAST_CLARITY, hear_pitch

LOWEST, HIGHEST = librosa.midi_to_hz(20), librosa.midi_to_hz(109)
SR = 22050


def by_yin(y, sr):
    f0 = librosa.yin(y, fmin=LOWEST, fmax=HIGHEST, sr=sr, frame_length=4096)
    return float(librosa.hz_to_midi(np.median(f0)))


def by_pyin(y, sr):
    f0, voiced, _ = librosa.pyin(y, fmin=LOWEST, fmax=HIGHEST, sr=sr, frame_length=4096)
    return float(librosa.hz_to_midi(np.median(f0[voiced]))) if voiced.any() else np.nan


def by_ear(y, sr):
    return hear_pitch(y, sr).midi


METHODS = {"hear_pitch": by_ear, "librosa.yin": by_yin, "librosa.pyin": by_pyin}


def noises(n, sr):
    """Yield white, pink and band-limited noise."""
    rng = np.random.default_rng(0)
    frequencies = np.fft.rfftfreq(n, 1 / sr)
    for _ in range(50):
        spectrum = np.fft.rfft(rng.normal(size=n))
        for shape in (
            1,
            1 / np.sqrt(frequencies + 20),
            1 / (1 + (frequencies / 1000) ** 4),
            1 / (1 + (frequencies / 300) ** 2),
        ):
            yield np.fft.irfft(spectrum * shape, n)


def main():
    p = parser(__doc__, "pitch.json")
    p.add_argument("--every", type=int, default=8, help="librosa.pyin is tried on every n-th note")
    args = p.parse_args()
    data = notes_folder().parent
    folders = [data / "notes" / name for name in ("flute", "clarinet", "piano")] + sorted(data.glob("gm/*/notes"))
    rows, clarity = [], []
    for folder in folders:
        files = sorted(folder.iterdir())
        found = {name: [] for name in METHODS}
        for i, file in enumerate(files):
            y, sr = read_audio(file, SR, duration=2.0)
            if np.abs(y).max() < 1e-4:
                continue
            clarity.append(hear_pitch(y, sr).clarity)
            for name, method in METHODS.items():
                if name != "librosa.pyin" or i % args.every == 0:
                    found[name].append(method(y, sr) - pitch_from_name(file))
        for name, off in found.items():
            off = np.array(off)
            tuned = np.abs(off - np.nanmedian(off))
            rows.append(
                {
                    "notes": str(folder.relative_to(data)),
                    "method": name,
                    "of": len(off),
                    "wrong": int(np.sum(~(tuned < 0.5))),
                    "wrong by an octave": int(np.sum(np.abs(tuned - 12) < 0.5)),
                    "median, cents": float(100 * np.nanmedian(off)),
                }
            )
    for name in METHODS:
        own = [row for row in rows if row["method"] == name]
        sums = {key: sum(row[key] for row in own) for key in ("of", "wrong", "wrong by an octave")}
        rows.append({"notes": "all", "method": name, **sums, "median, cents": None})
    print_table("pitch", rows)
    noise = [hear_pitch(y, SR).clarity for y in noises(2 * SR, SR)]
    seen = {
        "least clarity of a reliable pitch": LEAST_CLARITY,
        "notes": len(clarity),
        "lowest percent": float(np.percentile(clarity, 1)),
        "notes below": int(np.sum(np.array(clarity) < LEAST_CLARITY)),
        "noises": len(noise),
        "highest of noise": float(np.max(noise)),
    }
    print_table("clarity", [seen])
    y, sr = read_audio(next(folders[0].iterdir()), SR, duration=2.0)
    timed = interleaved({name: lambda f=f: f(y, sr) for name, f in METHODS.items()}, repeats=5)
    print_table("ms a note of 2 s", [{name: 1000 * value for name, value in timed.items()}])
    with tempfile.TemporaryDirectory() as folder:
        sounds = []
        for i in range(1000):
            gain = np.float32(0.5 + 0.0005 * i)
            sounds.append(Sound(Path(folder) / f"{i}.wav"))
            write_audio(sounds[-1].file, gain * np.resize(y, 2 * sr), sr)
        start = time.perf_counter()
        listen(sounds)
        first = time.perf_counter() - start
        start = time.perf_counter()
        listen(sounds)
        again = time.perf_counter() - start
    print_table("1,000 notes of 2 s: pitch, onset, level and faults, in seconds", [{"first": first, "cached": again}])
    write_json(
        args.output,
        {"versions": versions(), "rows": rows, "clarity": seen, "seconds a note": timed, "1000 notes": [first, again]},
    )


if __name__ == "__main__":
    main()
