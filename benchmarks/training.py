"""Cost of training: `TimbreAutoencoder.fit` compared with Keras's `fit` of the same network, interleaved in one process.

Measures the median time of an epoch, without the first two of each run, which trace; and the peak memory of fresh processes
that train a network for two epochs, above that of a process that only loads the data.
"""

import statistics
import subprocess
import sys
import time

import keras
from _common import parser, peak_memory_mb, print_table, real_pairs, versions, write_json

from sktimbre import LogSTFT, TimbreAutoencoder
from sktimbre.autoencoder import ARCHITECTURES, THESIS, NetworkOptions


class Clock(keras.callbacks.Callback):
    """Record when each epoch ends."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(time.perf_counter())

    def epochs(self):
        """Return the seconds of all epochs but the first two."""
        return [b - a for a, b in zip(self.ends[1:], self.ends[2:], strict=False)]


def data():
    notes, held_out = real_pairs()
    stft = LogSTFT().fit(notes.source)
    return stft.transform(notes.source[~held_out]), stft.transform(notes.target[~held_out])


def ours(S, T, architecture, filters, epochs, clock):
    chosen = {"architecture": architecture, "filters": filters, "epochs": epochs, "optimizer__learning_rate": 1e-3}
    model = TimbreAutoencoder(**{**THESIS, **chosen}, validation_split=0, random_state=0)
    model.fit(S, T, callbacks=[clock])


def bare(S, T, architecture, filters, epochs, clock):
    network = ARCHITECTURES[architecture](S.shape[1], NetworkOptions(filters=filters, l2=THESIS["l2"]))
    pad = -S.shape[2] % 2
    S, T = (keras.ops.pad(a[..., None], ((0, 0), (0, 0), (0, pad), (0, 0))) for a in (S, T))
    network.compile(keras.optimizers.Adam(1e-3), loss="mse", metrics=["mse"])
    network.fit(S, T, batch_size=THESIS["batch_size"], epochs=epochs, verbose=0, callbacks=[clock])


WAYS = {"TimbreAutoencoder": ours, "bare Keras": bare}


def main():
    p = parser(__doc__, "training.json")
    p.add_argument("--filters", type=int, default=32)
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--turns", type=int, default=3)
    p.add_argument(
        "--memory-of", nargs=2, metavar=("WAY", "ARCHITECTURE"), help="train in this process, print its peak in MB"
    )
    args = p.parse_args()
    S, T = data()
    if args.memory_of:
        way, architecture = args.memory_of
        if way in WAYS:
            WAYS[way](S, T, architecture, args.filters, 2, Clock())
        print(peak_memory_mb())
        return
    rows = []
    for architecture in ("shallow", "dilated_residual"):
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(args.turns):
            for way, train in WAYS.items():
                clock = Clock()
                train(S, T, architecture, args.filters, args.epochs, clock)
                seconds[way] += clock.epochs()
        memory = {}
        for way in ("nothing", *WAYS):
            command = [sys.executable, __file__, "--memory-of", way, architecture, "--filters", str(args.filters)]
            memory[way] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for way in WAYS:
            rows.append(
                {
                    "network": f"{architecture}, {args.filters} filters",
                    "way": way,
                    "s an epoch": statistics.median(seconds[way]),
                    "beside bare": statistics.median(seconds[way]) / statistics.median(seconds["bare Keras"]),
                    "peak MB above data": memory[way] - memory["nothing"],
                }
            )
    print_table("training, 30 notes of 2 s, batch 4", rows)
    write_json(args.output, {"versions": versions(), "rows": rows})


if __name__ == "__main__":
    main()
