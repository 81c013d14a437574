"""Cost of page faults in training: epochs with `keep_freed_memory`, and with glibc as TensorFlow leaves it.

Fresh processes, in turns, train the default network on 32 synthetic notes of 2 s. The first epoch, which traces, is left out.
"""

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time

from _common import parser, peak_memory_mb, print_table, versions, write_json

WAYS = ("kept", "as TensorFlow leaves it")


def train(way, epochs):
    """Train in this process, and print the costs of each epoch as JSON."""
    import keras

    from sktimbre import LogSTFT, TimbreAutoencoder
    from sktimbre.autoencoder.training import adapter
    from sktimbre.datasets import make_paired_notes

    if way != WAYS[0]:
        adapter.keep_freed_memory = lambda: None
    notes = make_paired_notes(32, duration=2.0, random_state=0)
    S, T = (LogSTFT().transform(side) for side in (notes.source, notes.target))
    seen = []

    class Usage(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            used = resource.getrusage(resource.RUSAGE_SELF)
            seen.append((time.perf_counter(), used.ru_utime, used.ru_stime, used.ru_minflt))

    TimbreAutoencoder(epochs=epochs, random_state=0, validation_split=0).fit(S, T, callbacks=[Usage()])
    costs = [[b - a for a, b in zip(one, two, strict=True)] for one, two in itertools.pairwise(seen)]
    print(json.dumps({"costs": costs, "peak": peak_memory_mb()}))


def main():
    p = parser(__doc__, "freed_memory.json")
    p.add_argument("--epochs", type=int, default=5)
    p.add_argument("--turns", type=int, default=3)
    p.add_argument("--train", choices=WAYS)
    args = p.parse_args()
    if args.train:
        train(args.train, args.epochs)
        return
    found: dict[str, list] = {way: [] for way in WAYS}
    peaks: dict[str, list] = {way: [] for way in WAYS}
    for _ in range(args.turns):
        for way in WAYS:
            command = [sys.executable, __file__, "--train", way, "--epochs", str(args.epochs)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
            told = json.loads(done.stdout.splitlines()[-1])
            found[way] += told["costs"]
            peaks[way].append(told["peak"])
    rows = []
    for way, costs in found.items():
        names = ("s an epoch", "user s", "system s", "page faults")
        row = dict(zip(names, map(statistics.median, zip(*costs, strict=True)), strict=True))
        rows.append({"freed memory": way, **row, "peak MB": statistics.median(peaks[way])})
    rows.append({"freed memory": "ratio", **{k: rows[1][k] / rows[0][k] for k in rows[0] if k != "freed memory"}})
    print_table("8 steps an epoch", rows)
    write_json(args.output, {"rows": rows, "versions": versions()})


if __name__ == "__main__":
    main()
