"""Notes cut from recordings of one voice, beside librosa's pitch track and onset detection.

The melodies and the playing of ``gm`` are cut by `cut_notes` and by `librosa.onset.onset_detect`, whose notes have the median
pitch of `librosa.pyin` from an onset to the next, and are left out where no frame is voiced. F-scores are mir_eval's: onsets
within 50 ms, and onsets whose pitch is also right by half a semitone. The truth is the MIDI: an instrument of slow attack
sounds later. Chorales have four voices and should be left out.
"""

import json
import time

import librosa
import numpy as np
from _common import notes_folder, parser, print_table, read_json, versions, write_json

from sktimbre.audio import read_audio
from sktimbre.datasets.cutting import cut_notes, cut_recording

INSTRUMENTS = ("flute", "clarinet", "violin", "trumpet", "guitar", "piano")
TOLERANCE = 0.05
SR, HOP = 22050, 256
NOISE = -50.0  # dB relative to full scale


def by_sktimbre(y, sr):
    return [(note.start, note.midi) for note in cut_notes(y, sr)]


def by_librosa(y, sr):
    """Return onsets and median pitches of the notes that librosa finds."""
    f0, voiced, _ = librosa.pyin(y, fmin=48, fmax=4186, sr=sr, frame_length=2048, hop_length=HOP)
    onsets = librosa.onset.onset_detect(y=y, sr=sr, hop_length=HOP, units="frames")
    found = []
    for a, b in zip(onsets, np.r_[onsets[1:], len(f0)], strict=True):
        known = f0[a:b][voiced[a:b]]
        if len(known):
            found.append((a * HOP / sr, float(librosa.hz_to_midi(np.median(known)))))
    return found


def matches(found, truth):
    """Return the numbers of right onsets, of right onsets of right pitch, of notes that are found and of true ones."""
    import mir_eval

    if not found:
        return np.array([0, 0, 0, len(truth)])
    onsets, midi = np.array(found).T
    true = np.array(truth)
    right = mir_eval.util.match_events(true[:, 0], onsets, TOLERANCE)
    notes = mir_eval.transcription.match_notes(
        true[:, :2],
        librosa.midi_to_hz(true[:, 2]),
        np.c_[onsets, onsets + 0.1],
        librosa.midi_to_hz(midi),
        onset_tolerance=TOLERANCE,
        offset_ratio=None,
    )
    return np.array([len(right), len(notes), len(found), len(truth)])


def performances(gm, scores, instrument, kind):
    """Yield audio and notes of the performances of a kind."""
    for name, notes in scores.items():
        own = name.removeprefix(f"{instrument}/")
        if own.startswith(f"{kind}/"):
            yield read_audio(gm / instrument / f"{own}.flac", SR)[0], [note[:3] for note in notes]


def judge(cut, pieces):
    """Return a row of scores."""
    total, seconds, duration = np.zeros(4), 0.0, 0.0
    for y, notes in pieces:
        start = time.process_time()
        found = cut(y, SR)
        seconds += time.process_time() - start
        duration += len(y) / SR
        total += matches(found, notes)
    onsets, right, found, true = total
    return {
        "notes": int(true),
        "found": int(found),
        "onset F": 2 * onsets / (found + true),
        "onset and pitch F": 2 * right / (found + true),
        "real-time factor": seconds / duration,
    }


def main():
    p = parser(__doc__, "cutting.json")
    p.add_argument("--instruments", nargs="+", default=INSTRUMENTS, choices=INSTRUMENTS)
    p.add_argument(
        "--without-librosa", action="store_true", help="pyin takes about half of the time that the music takes"
    )
    args = p.parse_args()
    gm = notes_folder().parent / "gm"
    scores = json.loads((gm / "scores.json").read_text())
    methods = {"cut_notes": by_sktimbre} | ({} if args.without_librosa else {"librosa": by_librosa})
    # Compile what librosa compiles, and build the combs.
    warm = 0.1 * np.sin(2 * np.pi * 440 * np.arange(SR) / SR)
    for cut in methods.values():
        cut(warm, SR)
    rows, left = [], []
    for instrument in args.instruments:
        melodies = list(performances(gm, scores, instrument, "melody"))
        rng = np.random.default_rng(0)
        noisy = [(y + 10 ** (NOISE / 20) * rng.normal(size=len(y)).astype(np.float32), notes) for y, notes in melodies]
        kinds = {"melody": melodies, f"melody, noise of {NOISE:.0f} dB": noisy}
        playing = list(performances(gm, scores, instrument, "playing"))
        for kind, pieces in (kinds | ({"playing": playing} if playing else {})).items():
            for method, cut in methods.items():
                if method == "cut_notes" or kind == "melody":
                    rows.append({"instrument": instrument, "kind": kind, "method": method, **judge(cut, pieces)})
        for kind in ("melody", "chorale"):
            seconds: dict[str, float] = {}
            for y, _ in performances(gm, scores, instrument, kind):
                notes, left_out = cut_recording(y, SR)
                for start, end, reason in [*((n.start, n.end, "notes") for n in notes), *left_out]:
                    seconds[reason] = seconds.get(reason, 0.0) + end - start
            sounding = sum(s for reason, s in seconds.items() if reason != "silent")
            reasons = ("notes", "polyphonic", "unpitched", "short")
            left.append(
                {"instrument": instrument, "kind": kind, **{r: seconds.get(r, 0.0) / sounding for r in reasons}}
            )
    if args.without_librosa:
        rows += [row for row in read_json(args.output).get("rows", []) if row["method"] == "librosa"]
    rows.sort(key=lambda row: (row["kind"], row["method"]))
    print_table("notes within 50 ms", rows)
    print_table("shares of what sounds", left)
    write_json(args.output, {"versions": versions(), "rows": rows, "shares": left})


if __name__ == "__main__":
    main()
