"""Onsets of real notes after nine kinds of beginnings, beside librosa's onset detection and a level below the peak.

Each note gets each beginning. The deviation is the onset that is found, less the length of the beginning and the onset that
the same method finds in the note alone. The last kind, louder breath, is beyond what `find_onset` is made for.
"""

import librosa
import numpy as np
import scipy.signal
from _common import interleaved, notes_folder, parser, print_table, versions, write_json

from sktimbre.audio import read_audio
from sktimbre.datasets.onset import find_onset

HOP = 128  # of librosa; its default of 512 is 12 ms


def white(rng, n):
    return rng.normal(size=n)


def pink(rng, n):
    spectrum = np.fft.rfft(rng.normal(size=n)) / np.sqrt(np.maximum(np.arange(n // 2 + 1), n / 2000))
    y = np.fft.irfft(spectrum, n)
    return y / y.std()


def room(kind, decibels):
    """Return three seconds of noise, which goes on under the note."""
    return lambda rng, n_note, sr: (3 * sr, 10 ** (decibels / 20) * kind(rng, 3 * sr + n_note))


def silence(rng, n_note, sr):
    n = int(rng.uniform(0.05, 3) * sr)
    return n, np.zeros(n + n_note)


def offset(rng, n_note, sr):
    n, added = silence(rng, n_note, sr)
    return n, added + rng.choice([-1, 1]) * rng.uniform(0.01, 0.1)


def hum(rng, n_note, sr):
    t, f0 = np.arange(3 * sr + n_note) / sr, rng.choice([50, 60])
    added = sum(np.sin(2 * np.pi * (f0 * n * t + rng.random())) / n for n in range(1, 9))
    return 3 * sr, added / added.std() * 10 ** (rng.uniform(-50, -40) / 20)


def click(rng, n_note, sr):
    n, length = int(2.6 * sr), int(rng.uniform(0.001, 0.005) * sr)
    added = 1e-4 * white(rng, n + n_note)
    start = n - int(rng.uniform(0.1, 2.5) * sr)
    shapes = 1.0, rng.uniform(-1, 1, length), np.exp(-3 * np.arange(length) / length)
    added[start : start + length] += rng.choice([-1, 1]) * shapes[rng.integers(3)]
    return n, added


def breath(lowest, highest):
    """Return a band of noise of 0.2 to 0.4 s that ends at the note or up to 0.2 s before it, in quiet noise."""

    def beginning(rng, n_note, sr):
        n, length = int(1.5 * sr), int(rng.uniform(0.2, 0.4) * sr)
        band = [rng.uniform(200, 800), min(rng.uniform(2000, 6000), 0.45 * sr)]
        sections = scipy.signal.butter(2, band, "band", fs=sr, output="sos")
        burst = scipy.signal.sosfilt(sections, white(rng, length + 999))[999:]
        added = 1e-3 * white(rng, n + n_note)
        end = n - int(rng.choice([0, rng.uniform(0.02, 0.2)]) * sr)
        level = 10 ** (rng.uniform(lowest, highest) / 20)
        added[end - length : end] += burst / burst.std() * np.hanning(length) ** 0.3 * level
        return n, added

    return beginning


BEGINNINGS = {
    "silence, 0.05-3 s": silence,
    "white noise, -45 dB": room(white, -45),
    "white noise, -60 dB": room(white, -60),
    "pink noise, -45 dB": room(pink, -45),
    "pink noise, -60 dB": room(pink, -60),
    "click, 0 dB": click,
    "offset": offset,
    "hum, -40 to -50 dB": hum,
    "breath, -30 to -35 dB": breath(-35, -30),
    "breath, -25 to -30 dB": breath(-30, -25),
}


def by_level(y, sr):
    return int(np.argmax(np.abs(y) >= np.abs(y).max() * 1e-3))


def by_librosa(y, sr):
    """Return the first onset that librosa detects, or the beginning where it detects none."""
    onsets = librosa.onset.onset_detect(y=y, sr=sr, hop_length=HOP, backtrack=True, units="samples")
    return int(onsets[0]) if len(onsets) else 0


METHODS = {"find_onset": find_onset, "librosa": by_librosa, "60 dB below the peak": by_level}


def real_notes():
    """Return name, samples and rate of the real and rendered notes, all but silent ones."""
    folder = notes_folder()
    folders = [folder / name for name in ("flute", "clarinet", "piano")] + sorted(folder.parent.glob("gm/*/notes"))
    for path in (path for folder in folders for path in sorted(folder.iterdir())):
        y, sr = read_audio(path, duration=2.0)
        if np.abs(y).max() > 0:
            yield str(path.relative_to(notes_folder().parent)), y, sr


def main():
    p = parser(__doc__, "onsets.json")
    p.add_argument("--every", type=int, default=8, help="librosa, which is slow, is tried on every n-th note")
    args = p.parse_args()
    moved = {(name, method): [] for name in BEGINNINGS for method in METHODS}
    beyond = {name: [] for name in BEGINNINGS}
    notes = 0
    for i, (note, y, sr) in enumerate(real_notes()):
        notes += 1
        methods = {m: f for m, f in METHODS.items() if m != "librosa" or i % args.every == 0}
        alone = {method: find(y, sr) for method, find in methods.items()}
        for k, (name, beginning) in enumerate(BEGINNINGS.items()):
            n, added = beginning(np.random.default_rng([i, k]), len(y), sr)
            # All but the offset are relative to the peak of the note.
            added = added if name == "offset" else added * np.abs(y).max()
            added[n:] += y
            added = added.astype(np.float32)
            for method, find in methods.items():
                milliseconds = 1000 * (find(added, sr) - n - alone[method]) / sr
                moved[name, method].append(milliseconds)
                if method == "find_onset" and abs(milliseconds) > 30:
                    beyond[name].append({"note": note, "ms": milliseconds})
    rows = [
        {
            "beginning": name,
            "method": method,
            "notes": len(of),
            "median, ms": float(np.median(np.abs(of))),
            "95 %": float(np.percentile(np.abs(of), 95)),
            "largest": float(np.abs(of).max()),
            "over 30 ms": int(np.sum(np.abs(of) > 30)),
        }
        for (name, method), of in moved.items()
    ]
    print_table("deviation of the onset from that of the note alone", rows)
    _, y, sr = next(real_notes())
    timed = {}
    for seconds, note in (("2 s", y[: 2 * sr]), ("5 s", np.pad(y, (3 * sr, 0)))):
        seen = interleaved({method: lambda f=f, note=note: f(note, sr) for method, f in METHODS.items()}, repeats=25)
        timed[seconds] = {method: 1000 * value for method, value in seen.items()}
    print_table(f"ms a note at {sr} Hz", [{"note": seconds, **values} for seconds, values in timed.items()])
    write_json(
        args.output,
        {"versions": versions(), "notes": notes, "rows": rows, "over 30 ms": beyond, "ms a note": timed},
    )


if __name__ == "__main__":
    main()
