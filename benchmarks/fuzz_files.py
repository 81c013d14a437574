"""Read damaged sound files with the loaders and the command; count crashes, hangs and foreign errors, and measure memory.

Files of five formats are mutated with a fixed seed: bits flipped in headers and bodies, numbers replaced by extreme ones,
ends cut off, parts repeated, zeroed, or replaced by parts of another format. Each is read by `read_audio` (with and without
resampling), by `AudioReader` and by `datasets.load_notes`, and converted by `sktimbre convert`, in a supervised process.
"""

import contextlib
import io
import json
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from _common import parser, peak_memory_mb, print_table, versions, write_json

SUFFIXES = (".wav", ".aiff", ".flac", ".ogg", ".mp3")
EXTREMES = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFF0000, 44100, 3)
PATIENCE = 60.0
SR = 22050


def main():
    p = parser(__doc__, "fuzz_files.json")
    p.add_argument("--files", type=int, default=2000)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--work", type=Path, help=argparse_hidden)
    args = p.parse_args()
    if args.work:
        return work(args.work)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        make_files(folder, args.files, args.seed)
        outcomes, memory = supervise(folder, args.files)
    rows = []
    for suffix in SUFFIXES:
        counted = Counter(o for (name, _), o in outcomes.items() if name.endswith(suffix))
        rows.append({"format": suffix, "attempts": sum(counted.values()), **group(counted)})
    print_table("mutated sound files", rows)
    foreign = {f"{name} {way}": o for (name, way), o in outcomes.items() if group({o: 1})["other"]}
    for name, outcome in list(foreign.items())[:20]:
        print(name, outcome)
    print(
        f"peak memory {memory['peak']:.0f} MB, {memory['peak'] - memory['start']:.0f} MB above that before the first file"
    )
    results = {"versions": versions(), "files": args.files, "seed": args.seed, "memory_mb": memory}
    write_json(args.output, {**results, "rows": rows, "other": foreign})
    return 1 if foreign else 0


argparse_hidden = "used by the script itself: read the files of this folder and report"


def group(counted):
    """Count outcomes by kind: read, errors of the package, and all others, which are faults."""
    kinds = {"read": 0, "our error": 0, "other": 0}
    for outcome, n in counted.items():
        kinds[outcome if outcome in kinds else "other"] += n
    return kinds


def make_files(folder, n_files, seed):
    """Write mutated files, ``00000.wav`` and so on."""
    from sktimbre.audio import write_audio

    rng = np.random.default_rng(seed)
    y = (0.5 * np.sin(np.arange(SR // 2) / 9) + 0.05 * rng.standard_normal(SR // 2)).astype(np.float32)
    originals = []
    for suffix in SUFFIXES:
        for channels in (1, 2):
            path = folder / f"original{channels}{suffix}"
            write_audio(path, np.stack([y] * channels), SR)
            originals.append((suffix, path.read_bytes()))
            path.unlink()
    for i in range(n_files):
        suffix, data = originals[i % len(originals)]
        other = originals[rng.integers(len(originals))][1]
        (folder / f"{i:05d}{suffix}").write_bytes(mutated(bytearray(data), other, rng))


def mutated(data, other, rng):
    """Return a file with one to four changes, half of them in its first bytes."""
    for _ in range(rng.integers(1, 5)):
        if len(data) < 16:
            break
        place = int(rng.integers(min(len(data), 128) if rng.random() < 0.5 else len(data)))
        length = int(rng.integers(1, 400))
        kind = rng.integers(7)
        if kind == 0:
            data[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            order = "little" if rng.random() < 0.5 else "big"
            data[place : place + 4] = int(rng.choice(EXTREMES)).to_bytes(4, order)
        elif kind == 2:
            del data[max(place, 12) :]
        elif kind == 3:
            data[place:place] = data[place : place + length]
        elif kind == 4:
            data[place : place + length] = bytes(min(length, len(data) - place))
        elif kind == 5:
            data[place : place + length] = rng.bytes(length)
        else:
            data[place : place + length] = other[place : place + length]
    return bytes(data)


def supervise(folder, n_files):
    """Read all files in a process, with a new one after each death; return outcomes and memory."""
    outcomes, memory = {}, {"start": 0.0, "peak": 0.0}
    names = sorted(path.name for path in folder.iterdir())
    while names:
        command = [sys.executable, __file__, "--work", str(folder)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        process.stdin.write("\n".join(names) + "\n")
        process.stdin.close()
        last, way = names[0], "start"
        while True:
            ready = select.select([process.stdout], [], [], PATIENCE)[0]
            line = process.stdout.readline() if ready else ""
            if not line:
                break
            report = json.loads(line)
            memory["peak"] = max(memory["peak"], report["memory"])
            memory["start"] = memory["start"] or report["memory"]
            last, way = report.get("name", last), report.get("way", way)
            if "outcome" in report:
                outcomes[last, way] = report["outcome"]
        if process.poll() is None and not ready:
            process.kill()
        code = process.wait()
        if code == 0:
            break
        outcomes[last, way] = "hang" if not ready else f"killed by signal {-code}" if code < 0 else f"exit {code}"
        names = names[names.index(last) + 1 :]
    return outcomes, memory


def work(folder):
    """Read the files named on standard input; report before and after each attempt."""
    import sktimbre
    from sktimbre import GriffinLimInverter, LogSTFT, TimbreTransfer
    from sktimbre.baselines import IdentityBaseline
    from sktimbre.datasets import make_paired_notes
    from sktimbre.exceptions import SktimbreError

    pairs = make_paired_notes(2, duration=0.3)
    inverter = GriffinLimInverter(n_iter=0)
    model = TimbreTransfer(LogSTFT(n_fft=256), IdentityBaseline(), inverter, phase="source").fit(
        pairs.source, pairs.target
    )
    out, names = sys.stdout, sys.stdin.read().split()
    with tempfile.TemporaryDirectory() as scratch:
        sktimbre.save(model, Path(scratch) / "m.sktimbre")
        for name in names:
            for way, attempt in ways(folder / name, Path(scratch)).items():
                report = {"name": name, "way": way, "memory": peak_memory_mb()}
                print(json.dumps(report), file=out, flush=True)
                started = time.perf_counter()
                try:
                    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                        attempt()
                    outcome = "read"
                except SktimbreError:
                    outcome = "our error"
                except BaseException as error:
                    outcome = f"{type(error).__name__}: {str(error)[:200]}"
                if time.perf_counter() - started > PATIENCE / 2:
                    outcome = "slow"
                print(json.dumps({**report, "outcome": outcome, "memory": peak_memory_mb()}), file=out, flush=True)


def ways(path, scratch):
    """Return the attempts to read a file, by name."""
    import typer

    from sktimbre.audio import AudioReader, read_audio
    from sktimbre.cli import app
    from sktimbre.datasets import load_notes
    from sktimbre.exceptions import SktimbreError

    def finite(y):
        if not np.isfinite(y).all():
            raise ValueError("not finite")

    def load():
        # load_notes takes the pitch from the name.
        named = scratch / f"A4{path.suffix}"
        named.write_bytes(path.read_bytes())
        load_notes([named], sr=SR, duration=1.0)

    def convert():
        arguments = ["convert", scratch / "m.sktimbre", path, "-o", scratch / "out", "--overwrite", "--json"]
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                code = app([*map(str, arguments)], standalone_mode=False)
        except typer.Exit as end:
            code = end.exit_code
        if code == 1:
            # The command adds "--debug shows" to the message of an unexpected error.
            raise (RuntimeError if "--debug shows" in said.getvalue() else SktimbreError)(said.getvalue()[-300:])
        if code:
            raise RuntimeError(f"exit code {code}: {said.getvalue()[-300:]}")

    return {
        "read_audio": lambda: finite(read_audio(path, mono=False)[0]),
        "read_audio, resampled": lambda: finite(read_audio(path, sr=8000)[0]),
        "AudioReader": lambda: [finite(block) for block in AudioReader(path, sr=16000)],
        "load_notes": load,
        "convert": convert,
    }


if __name__ == "__main__":
    sys.exit(main())
