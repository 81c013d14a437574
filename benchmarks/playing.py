"""Learning from recordings of music beside learning from single notes: errors on single notes and on melodies.

Studies, each of which trains the default network several times for about as many steps:

- playing: on single notes, and on recordings of *different* tunes on both instruments (`load_recordings`), with and without
  transitions.
- takes: on melodies that both instruments play, aligned, and paired by likeness as if they were different music; each judged
  on melodies left out.
- sources: on single notes of flute, violin, guitar and piano to the clarinet; judged on the trumpet.
- seconds: on parts of the playing.

Converted are single notes of held-out pitches (all; those in the range of the playing; the first half second of these), and
melodies that are the same on both instruments. The error is the reconstruction error, beside that of identity. Trained models
are stored beside the results and reused.
"""

import math
import time
import warnings

import joblib
import numpy as np
from _common import VALIDATION_PITCHES, notes_folder, parser, print_table, read_json, versions, write_json
from _models import checkpoints_in

import sktimbre
from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.audio import read_audio
from sktimbre.autoencoder import PairAugmenter
from sktimbre.datasets import load_paired_notes, load_recordings
from sktimbre.metrics import reconstruction_error

SR = 22050
SOURCE, TARGET = "flute", "clarinet"
SEVERAL, LEFT_OUT = ("flute", "violin", "guitar", "piano"), "trumpet"
SECONDS = (30, 60, 120, None)
# Melodies that are left out in turn.
TURNS = ("GreenSleevesJig.flac", "ScotchPatriotsReel.flac", "MonogramHornpipe.flac", "WeelMayTheKeelRowReel.flac")
# Seconds of a note that playing has, too: its notes are shorter.
BEGINNING = 0.5


def notes_of(gm, source):
    """Return pairs of single notes, and a mask of held-out ones."""
    notes = load_paired_notes(gm / source / "notes", gm / TARGET / "notes", duration=2.0)
    return notes, np.isin(notes.pitches, VALIDATION_PITCHES)


def judged_notes(gm, source, pitches=range(128)):
    """Return held-out single notes of these pitches."""
    notes, held_out = notes_of(gm, source)
    chosen = held_out & np.isin(notes.pitches, pitches)
    return list(zip(notes.source[chosen], notes.target[chosen], strict=True))


def melodies(gm, source, names=None):
    """Return melodies of both instruments."""
    pairs = []
    for file in sorted((gm / source / "melody").iterdir()):
        if names is None or file.name in names:
            x, y = (read_audio(gm / side / "melody" / file.name, SR)[0] for side in (source, TARGET))
            n = min(len(x), len(y))
            pairs.append((x[:n], y[:n]))
    return pairs


def errors(model, pairs):
    """Return the mean errors of the model and of identity."""
    stft = LogSTFT()
    found = []
    for x, y in pairs:
        S, T = stft.transform(x[np.newaxis]), stft.transform(y[np.newaxis])
        found.append([reconstruction_error(T, spectra) for spectra in (model.predict_spectra(x[np.newaxis]), S)])
    return np.mean(found, axis=0)


def steps_of_an_epoch(X):
    """Return the number of training steps of an epoch: the variations that pairs of these lengths are cut into, by four."""
    augmenter, hop = PairAugmenter(), LogSTFT().n_fft // 2
    frames = [len(x) // hop + 1 for x in X]
    pieces = sum(math.ceil(n / min(augmenter.n_frames, max(frames))) for n in frames)
    return math.ceil(min(pieces, augmenter.epoch_size) / 4)


def trained(X, y, args):
    """Return a model trained for about as many steps as asked, and the seconds of its training."""
    epochs = math.ceil(args.steps / steps_of_an_epoch(X))
    key = joblib.hash((args.steps, args.seed, [len(x) for x in X], float(sum(np.abs(t).sum() for t in y))))
    path = checkpoints_in(args.output.parent) / f"playing_{key}.sktimbre"
    seconds = path.with_suffix(".json")
    if not path.exists():
        # The instruments are tuned alike but for 5 cents, so that the target's own tuning can be the truth.
        network = TimbreAutoencoder(epochs=epochs, tuning="target", validation_split=0, random_state=args.seed)
        start = time.perf_counter()
        model = TimbreTransfer(autoencoder=network).fit(X, y)
        write_json(seconds, {"seconds": time.perf_counter() - start})
        sktimbre.save(model, path)
    return sktimbre.load(path), read_json(seconds)["seconds"]


def row(name, X, y, judged, args):
    """Return the errors of a model on what is judged, by kind."""
    model, seconds = trained(X, y, args)
    found = {"trained on": name, "pairs": len(X), "seconds of pairs": sum(map(len, X)) / SR, "training, s": seconds}
    for kind, pairs in judged.items():
        error, identity = errors(model, pairs)
        found |= {kind: error, f"{kind} / identity": error / identity}
    print(found, flush=True)
    return found


def without_transitions(pairs):
    chosen = np.flatnonzero(~pairs.transitions)
    return [pairs.source[i] for i in chosen], [pairs.target[i] for i in chosen]


def study_playing(gm, args):
    notes, held_out = notes_of(gm, SOURCE)
    playing = load_recordings(gm / SOURCE / "playing", gm / TARGET / "playing", same_piece=False)
    inside = judged_notes(gm, SOURCE, range(min(playing.pitches), max(playing.pitches) + 1))
    n = round(BEGINNING * SR)
    judged = {
        "notes": judged_notes(gm, SOURCE),
        "in range": inside,
        f"{BEGINNING} s": [(x[:n], y[:n]) for x, y in inside],
        "melodies": melodies(gm, SOURCE),
    }
    return [
        row("notes", notes.source[~held_out], notes.target[~held_out], judged, args),
        row("playing", playing.source, playing.target, judged, args),
        row("playing without transitions", *without_transitions(playing), judged, args),
    ]


def study_takes(gm, args):
    rows = []
    for left_out in TURNS:
        sides = [
            [file for file in (gm / side / "melody").iterdir() if file.name != left_out] for side in (SOURCE, TARGET)
        ]
        judged = {"melody left out": melodies(gm, SOURCE, [left_out])}
        for name, same_piece in (("takes, aligned", True), ("paired by likeness", False)):
            pairs = load_recordings(sorted(sides[0]), sorted(sides[1]), same_piece=same_piece)
            rows.append(row(f"{name}, without {left_out}", pairs.source, pairs.target, judged, args))
    return rows


def study_sources(gm, args):
    judged = {"notes of the trumpet": judged_notes(gm, LEFT_OUT), "its melodies": melodies(gm, LEFT_OUT)}
    notes = load_paired_notes([gm / source / "notes" for source in SEVERAL], gm / TARGET / "notes", duration=2.0)
    chosen = ~np.isin(notes.pitches, VALIDATION_PITCHES)
    return [row(f"notes of {', '.join(SEVERAL)}", notes.source[chosen], notes.target[chosen], judged, args)]


def study_seconds(gm, args):
    rows = []
    judged = {"notes": judged_notes(gm, SOURCE), "melodies": melodies(gm, SOURCE)}
    for seconds in SECONDS:
        sides = [parts(gm / side / "playing", seconds, args) for side in (SOURCE, TARGET)]
        pairs = load_recordings(*sides, same_piece=False)
        name = f"{pairs.seconds['source']:.0f} s of {SOURCE}, {pairs.seconds['target']:.0f} s of {TARGET}"
        rows.append(row(name, pairs.source, pairs.target, judged, args) | {"pitches": len(set(pairs.pitches.tolist()))})
    return rows


def parts(folder, seconds, args):
    """Return files of at most these seconds of playing in all, the first half a minute of each recording."""
    from sktimbre.audio import write_audio

    files = []
    for file in sorted(folder.iterdir()):
        if seconds is None:
            files.append(file)
        elif seconds > 0:
            part = checkpoints_in(args.output.parent) / f"part_{folder.parent.name}_{seconds}_{file.stem}.wav"
            y, sr = read_audio(file, duration=min(30, seconds))
            write_audio(part, y, sr, overwrite=True)
            files.append(part)
            seconds -= 30
    return files


STUDIES = {"playing": study_playing, "takes": study_takes, "sources": study_sources, "seconds": study_seconds}


def main():
    p = parser(__doc__, "playing.json")
    p.add_argument("--study", choices=STUDIES, action="append", help="default: all")
    p.add_argument("--steps", type=int, default=3000, help="training steps of each model, of four variations each")
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    warnings.simplefilter("ignore", sktimbre.exceptions.DatasetWarning)
    gm = notes_folder().parent / "gm"
    results = read_json(args.output)
    for study in args.study or STUDIES:
        rows = STUDIES[study](gm, args)
        print_table(study, rows)
        results[study] = {"rows": rows, "steps": args.steps, "seed": args.seed, "versions": versions()}
        write_json(args.output, results)


if __name__ == "__main__":
    main()
