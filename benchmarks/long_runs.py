"""Long runs: memory while a two-hour recording is converted, and over 500 conversions in one process.

Each run is a process of its own. The model is a small network; the recording is written in blocks before.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _common import parser, peak_memory_mb, print_table, versions, write_json

SR = 22050


def main():
    p = parser(__doc__, "long_runs.json")
    p.add_argument("--hours", type=float, default=2.0)
    p.add_argument("--conversions", type=int, default=500)
    p.add_argument("--work", nargs=2, help="used by the script itself")
    args = p.parse_args()
    if args.work:
        what, folder = args.work
        print(json.dumps({"recording": recording, "conversions": conversions}[what](Path(folder), args)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), args.hours)
        for what in ("recording", "conversions"):
            command = [sys.executable, __file__, "--work", what, folder]
            command += [f"--hours={args.hours}", f"--conversions={args.conversions}"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
    print_table("long runs, memory in MB", rows)
    write_json(args.output, {"versions": versions(), "rows": rows})


def prepare(folder, hours):
    """Write a fitted model, a short recording and a long one."""
    import sktimbre
    from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
    from sktimbre.audio import AudioWriter, write_audio
    from sktimbre.datasets import make_paired_notes

    notes = make_paired_notes(6, duration=1.0, random_state=0)
    model = TimbreTransfer(LogSTFT(), TimbreAutoencoder("shallow", filters=4, epochs=2, random_state=0))
    sktimbre.save(model.fit(notes.source, notes.target), folder / "m.sktimbre")
    write_audio(folder / "short.wav", np.concatenate(notes.source), SR)
    minute = np.tile(notes.source.ravel(), 10)
    with AudioWriter(folder / "long.wav", SR) as writer:
        for _ in range(round(hours * 60)):
            writer.write(minute)


def recording(folder, args):
    """Convert the long recording."""
    convert = converter(folder)
    convert("short.wav")
    before, started = resident_mb(), time.perf_counter()
    seconds = convert("long.wav")
    elapsed = time.perf_counter() - started
    return row(f"{args.hours:g} hours, one recording", before, seconds, elapsed)


def conversions(folder, args):
    """Convert the short recording again and again; growth counts from the tenth conversion on."""
    convert = converter(folder)
    for _ in range(10):
        convert("short.wav")
    before, started = resident_mb(), time.perf_counter()
    seconds = sum(convert("short.wav") for _ in range(args.conversions))
    return row(f"{args.conversions} conversions of 6 s", before, seconds, time.perf_counter() - started)


def converter(folder):
    """Return a function that converts a file of the folder and gives its duration."""
    import sktimbre
    from sktimbre.cli.recordings import Recording, convert_recording

    model = sktimbre.load(folder / "m.sktimbre")

    def convert(name):
        return convert_recording(model, Recording(folder / name, folder / "out.wav", SR, None), overwrite=True)

    return convert


def row(what, before, seconds, elapsed):
    return {
        "run": what,
        "peak": peak_memory_mb(),
        "before": before,
        "growth": resident_mb() - before,
        "real-time factor": elapsed / seconds,
    }


def resident_mb():
    """Return the resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
