"""More notes than memory: speed and peak resident memory of training from sound files and from arrays.

Some hundred pairs are synthesised and written to disk in many variations of loudness and onset, one second each. Each run
trains a network for one epoch in a fresh process: in turns from arrays and from files, on the number of notes given by
`--in-memory`, and from files on all notes. Speed is measured after the first steps, which include tracing; the processor
time of a note is comparable even on a busy machine.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import soundfile
from _common import parser, peak_memory_mb, print_table, versions, write_json

from sktimbre import TimbreAutoencoder, TimbreTransfer
from sktimbre.audio import read_audio
from sktimbre.datasets import make_paired_notes

SR = 22050
# Bytes of one pair on disk: 16 bits a sample, and its spectra at the default STFT in float32.
PAIR_BYTES = 2 * (2 * SR + 4 * 513 * 44)
WARM = 20  # steps before speed is measured


class Clock(keras.callbacks.Callback):
    """Record when training began, and the wall-clock time and the processor time at the end of each step."""

    def on_train_begin(self, logs=None):
        self.began, self.ends = time.perf_counter(), []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append((time.perf_counter(), time.process_time()))


def synthesise(folder: Path, n_notes: int) -> None:
    """Write pairs of notes, source and target, into two folders."""
    notes = make_paired_notes(pitches=np.arange(48, 97).repeat(4), duration=1.0, sr=SR, random_state=0)
    rng = np.random.default_rng(0)
    for side in ("source", "target"):
        (folder / side).mkdir()
    for i in range(n_notes):
        gain, onset = rng.uniform(0.3, 1.0), int(rng.integers(2000))
        for side in ("source", "target"):
            note = gain * np.roll(getattr(notes, side)[i % len(notes.source)], onset)
            soundfile.write(folder / side / f"{i:06}.wav", note, SR, subtype="PCM_16")


def train(folder: Path, way: str, n_notes: int, filters: int, batch_size: int) -> dict:
    """Train for one epoch in this process and return speed and peak memory."""
    sides = [sorted((folder / side).iterdir())[:n_notes] for side in ("source", "target")]
    start = time.perf_counter()
    if way == "arrays":
        sides = [np.stack([read_audio(path)[0] for path in paths]) for paths in sides]
    network = TimbreAutoencoder(filters=filters, batch_size=batch_size, epochs=1, validation_split=0, random_state=0)
    clock = Clock()
    TimbreTransfer(autoencoder=network).fit(*sides, callbacks=[clock])
    seconds, of_processor = np.subtract(clock.ends[-1], clock.ends[WARM - 1])
    notes = (len(clock.ends) - WARM) * batch_size
    return {
        "notes": n_notes,
        "from": way,
        "min before training": (clock.began - start) / 60,
        "notes per s": notes / seconds,
        "CPU ms per note": 1000 * of_processor / notes,
        "peak MB": peak_memory_mb(),
    }


def main():
    p = parser(__doc__, "large_data.json")
    p.add_argument("--notes", type=int, default=50_000)
    p.add_argument("--in-memory", type=int, default=2_000, help="notes for the comparison with arrays")
    p.add_argument("--turns", type=int, default=2)
    p.add_argument("--filters", type=int, default=4)
    p.add_argument("--batch-size", type=int, default=16)
    p.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="for notes and their spectra")
    p.add_argument("--train", nargs=3, metavar=("FOLDER", "WAY", "NOTES"), help="train in this process, print JSON")
    args = p.parse_args()
    if args.train:
        folder, way, n_notes = args.train
        print(json.dumps(train(Path(folder), way, int(n_notes), args.filters, args.batch_size)))
        return
    needed, free = args.notes * PAIR_BYTES, shutil.disk_usage(args.folder).free
    print(
        f"{args.notes} pairs and their spectra take {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free in {args.folder}."
    )
    if needed > 0.9 * free:
        sys.exit("That is not enough: use fewer --notes, or another --folder.")
    runs = [(way, args.in_memory) for _ in range(args.turns) for way in ("arrays", "files")] + [("files", args.notes)]
    rows = []
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        synthesise(Path(folder), args.notes)
        for way, n_notes in runs:
            command = [sys.executable, __file__, "--train", folder, way, str(n_notes)]
            command += ["--filters", str(args.filters), "--batch-size", str(args.batch_size)]
            done = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(args.folder)}
            )
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            print(rows[-1], flush=True)
    arrays = statistics.median(row["notes per s"] for row in rows if row["from"] == "arrays")
    for row in rows:
        row["beside arrays"] = row["notes per s"] / arrays
    print_table(f"one epoch, U-Net with {args.filters} filters, batches of {args.batch_size}", rows)
    write_json(
        args.output, {"versions": versions(), "filters": args.filters, "batch_size": args.batch_size, "rows": rows}
    )


if __name__ == "__main__":
    main()
