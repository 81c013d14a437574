"""Time and memory of whole processes, interleaved with `import sklearn`: imports, loading a model, converting 12 s.

The model is a default network, trained for one step; "to-clarinet" comes with the package. "by Keras" is the same model in a
file without its graph, as earlier versions wrote it: TensorFlow is imported and builds the network. Memory is the largest
resident set.
"""

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _common import parser, print_table, versions, write_json

STATEMENTS = {
    "pass": "pass",
    "import sklearn": "import sklearn",
    "import numpy": "import numpy",
    "import scipy.ndimage": "import scipy.ndimage",
    "import numba": "import numba",
    "import onnxruntime, onnx": "import onnxruntime, onnx",
    "import sktimbre": "import sktimbre",
    "from sktimbre import LogSTFT, TimbreTransfer": "from sktimbre import LogSTFT, TimbreTransfer",
    "import keras": "import keras",
}
LOAD = "import numpy as np, sktimbre; sktimbre.load({!r}).predict(np.load({!r}))"
SR = 22050
SECONDS = 12
SLOW = 3  # repetitions of what imports Keras
# As in an installed package, modules are not compiled each time.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def prepared(folder):
    """Write models, a recording and two seconds of it."""
    import sktimbre
    from sktimbre import TimbreAutoencoder, TimbreTransfer
    from sktimbre.audio import resample, write_audio
    from sktimbre.autoencoder import PairAugmenter
    from sktimbre.datasets import make_paired_notes

    notes = make_paired_notes(8, duration=2.0, random_state=0)
    network = TimbreAutoencoder(augment=PairAugmenter(epoch_size=4), epochs=1, random_state=0)
    model = TimbreTransfer(autoencoder=network).fit(notes.source, notes.target)
    sktimbre.save(model, folder / "model")
    # Networks without a graph are exported when they first run; this one is not.
    model.autoencoder_.network_.graph = None
    model.autoencoder_.network_.not_exported = "for this benchmark"
    sktimbre.save(model, folder / "by_keras")
    played = np.concatenate(notes.source)[: SECONDS * SR]
    write_audio(folder / "in.wav", played, SR)
    write_audio(folder / "in44.wav", resample(played, SR, 2 * SR), 2 * SR)
    np.save(folder / "in.npy", played[np.newaxis, : 2 * SR])


def run(command):
    """Return the seconds and megabytes of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{command} failed")
    return seconds, usage.ru_maxrss / 1024


def main():
    p = parser(__doc__, "startup.json")
    p.add_argument("--repeats", type=int, default=9)
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In another process: the memory of processes starts with that of the one that starts them.
        preparing = multiprocessing.get_context("spawn").Process(target=prepared, args=(folder,))
        preparing.start()
        preparing.join()
        commands = {name: [sys.executable, "-c", code] for name, code in STATEMENTS.items()}
        sktimbre = [sys.executable, "-m", "sktimbre"]
        commands["sktimbre --help"] = [*sktimbre, "--help"]
        for suffix, file in (("", "model"), (" by Keras", "by_keras")):
            model = str(folder / file)
            commands[f"load and predict 2 s{suffix}"] = [
                sys.executable, "-c", LOAD.format(model, str(folder / "in.npy")),
            ]  # fmt: skip
            out = ["-o", str(folder / "out"), "--overwrite"]
            commands[f"sktimbre convert, 12 s{suffix}"] = [*sktimbre, "convert", model, str(folder / "in.wav"), *out]
        wide = str(folder / "in44.wav")
        commands["sktimbre convert to-clarinet, 12 s at 44100 Hz"] = [*sktimbre, "convert", "to-clarinet", wide, *out]
        found = {name: [] for name in commands}
        for turn in range(args.repeats + 1):
            for name, command in commands.items():
                if "eras" in name and turn > SLOW:
                    continue
                result = run(command)
                if turn:
                    found[name].append(result)
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in found.items()}
    beside = medians["import sklearn"][0]
    rows = [{"process": n, "s": s, "beside import sklearn": s / beside, "MB": mb} for n, (s, mb) in medians.items()]
    print_table("whole processes, medians", rows)
    write_json(args.output, {"versions": versions(), "rows": rows})


if __name__ == "__main__":
    main()
