"""Training and prediction on a GPU, beside the CPU of the same machine, with any of Keras's backends.

    KERAS_BACKEND=torch python benchmarks/gpu.py --minutes 9

Every measurement runs in a process of its own, the most important ones first; what does not fit into the given minutes is
printed as not reached. Measured are:

- an epoch of the default network, of one with 256 filters and of the thesis's best network, on GPU and CPU;
- other sizes of the batch, mixed precision, and a training step that is compiled or not;
- feeding: variations drawn in a thread or in processes (``n_jobs``), beside one batch that stays in memory;
- prediction of a minute of sound by Keras on the GPU, and by ONNX Runtime on the CPU, which `predict` uses;
- memory that is full: with a few hundredths of the memory, the batch is halved, and the model equals one of this batch size;
- agreement: the loss of an epoch on GPU and CPU from equal weights, and predictions of the model that the GPU trained.

The spectra are random harmonic tones with the sizes of `timbre.py`'s notes, so that the script needs no recordings.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from _common import parser, print_table, read_json, versions, write_json

# Notes, frequencies and frames of the training notes of `timbre.py`.
N_NOTES, N_FREQUENCIES, N_FRAMES = 30, 513, 87
MINUTE = 60 * 43  # frames
NETWORKS = {"default": {}, "256 filters": {"filters": 256}, "thesis": "thesis"}
# Names and arguments of all measurements, in the order of their importance.
MEASUREMENTS = (
    ("epoch", {"network": "default", "n_jobs": 8, "batch_size": 16, "n_frequencies": 1025}),
    ("feeding", {}),
    ("epoch", {"network": "thesis"}),
    ("epoch", {"network": "256 filters", "n_jobs": 8}),
    ("epoch", {"network": "default", "cpu": True}),
    ("agreement", {}),
    ("memory", {}),
    ("epoch", {"network": "default", "n_jobs": 8, "batch_size": 32}),
    ("epoch", {"network": "default", "n_jobs": 8, "policy": "mixed_bfloat16"}),
    ("epoch", {"network": "default", "n_jobs": 8, "step": "other"}),
    ("prediction", {}),
    ("epoch", {"network": "256 filters", "n_jobs": 8, "policy": "mixed_bfloat16"}),
    ("epoch", {"network": "thesis", "cpu": True}),
    ("epoch", {"network": "default", "n_jobs": 8, "batch_size": 128}),
)
LONGEST = 150  # seconds of one measurement


def pairs(n_notes=N_NOTES, n_frequencies=N_FREQUENCIES):
    """Return random spectra of two instruments: partials of as many pitches."""
    rng = np.random.default_rng(0)
    S = np.zeros((2, n_notes, n_frequencies, N_FRAMES), np.float32)
    for i in range(n_notes):
        spacing = 10 * 2 ** (i % N_NOTES / 12)
        for side in range(2):
            for partial in range(1, int(n_frequencies / spacing)):
                place = np.arange(n_frequencies) - partial * spacing
                strength = np.exp(-(partial - 1) / (2 + 4 * side)) * 100
                S[side, i] += (strength * np.maximum(1 - (place / 2) ** 2, 0))[:, np.newaxis]
    S *= np.exp(-np.linspace(0, 3, N_FRAMES, dtype=np.float32))
    return np.log1p(S + 0.01 * rng.random(S.shape, dtype=np.float32))


def autoencoder(network="default", **params):
    """Return an estimator with the parameters of a network of `NETWORKS`."""
    from sktimbre import TimbreAutoencoder
    from sktimbre.autoencoder import THESIS

    chosen = NETWORKS[network]
    chosen = THESIS if chosen == "thesis" else chosen
    return TimbreAutoencoder(**{"validation_split": 0, "random_state": 0, **chosen, **params})


def clock():
    """Return a callback that records the seconds of each epoch, without those of the first two."""
    import keras

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.starts = []

        def on_epoch_begin(self, epoch, logs=None):
            self.starts.append(time.perf_counter())

        def on_train_end(self, logs=None):
            self.starts.append(time.perf_counter())

        @property
        def first(self):
            return self.starts[1] - self.starts[0]

        @property
        def median(self):
            return float(np.median(np.diff(self.starts)[2:]))

    return Clock()


def gpu_memory_mb():
    """Return the largest memory that the backend has allocated on the GPU, or None where it does not say."""
    import keras

    if keras.backend.backend() == "torch":
        import torch

        return torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None
    if keras.backend.backend() == "jax":
        import jax

        return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0) / 2**20 or None
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20 if gpus else None


def card():
    """Return the name of the GPU that the backend uses, or None."""
    import keras

    if keras.backend.backend() == "torch":
        import torch

        return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    if keras.backend.backend() == "jax":
        import jax

        device = jax.devices()[0]
        return device.device_kind if device.platform == "gpu" else None
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else None


def set_step(compiled):
    """Make Keras compile the training step, or run it without compilation."""
    import keras

    original = keras.Model.compile
    settings = {"jit_compile": True} if compiled else {"jit_compile": False, "run_eagerly": True}

    def compile_(self, *args, **kwargs):
        original(self, *args, **{**kwargs, **settings})

    keras.Model.compile = compile_


def epoch(
    network="default", batch_size=4, n_frequencies=N_FREQUENCIES, policy="float32", step="usual", n_jobs=None, cpu=False
):
    """Return the seconds of an epoch and the examples per second."""
    import keras

    from sktimbre.autoencoder import PairAugmenter

    keras.config.set_dtype_policy(policy)
    if step == "other":  # Keras compiles the step by JAX and TensorFlow, and not by torch
        set_step(compiled=keras.backend.backend() == "torch")
    # On a CPU few examples suffice for a speed.
    size = max(240, 10 * batch_size) if not cpu else 40
    params = {"augment": PairAugmenter(epoch_size=size)}
    if network == "thesis":  # whole notes
        size = 4 if cpu else N_NOTES
        params = {}
    S, T = pairs(size if network == "thesis" else max(N_NOTES, size // 6 + 1), n_frequencies)
    watch = clock()
    model = autoencoder(network, epochs=3 if cpu else 6, batch_size=batch_size, n_jobs=n_jobs, **params)
    model.fit(S, T, callbacks=[watch])
    return {
        "first epoch s": watch.first,
        "epoch s": watch.median,
        "examples/s": size / watch.median,
        "ms/step": 1e3 * watch.median / -(-size // batch_size),
        "memory MB": gpu_memory_mb(),
    }


def feeding():
    """Return the seconds of an epoch of one batch that stays in memory, and the speed with variations drawn anew."""
    from sktimbre.autoencoder.data.batches import SpectraBatches

    S, T = pairs()
    drawn = SpectraBatches.__getitem__
    first = {}

    def kept(self, index):
        if self not in first:
            first[self] = drawn(self, index)
        return first[self]

    seconds = {}
    for way, n_jobs in {"one batch": None, "thread": None, "4": 4, "8": 8}.items():
        SpectraBatches.__getitem__ = kept if way == "one batch" else drawn
        watch = clock()
        autoencoder(epochs=5, n_jobs=n_jobs).fit(S, T, callbacks=[watch])
        seconds[way] = watch.median
    return {
        "epoch s": seconds["one batch"],
        **{f"speed, {way}": seconds["one batch"] / s for way, s in seconds.items()},
    }


def prediction():
    """Return the seconds for a minute of spectra, by Keras on the device and by ONNX Runtime on the CPU."""
    from sktimbre.autoencoder.backend.running import run

    S, T = pairs()
    network = autoencoder(epochs=1).fit(S, T).network_
    x = np.resize(S[0], (N_FREQUENCIES, MINUTE))[np.newaxis]
    model = network.model
    ways = {"Keras s/min": lambda: run(model, x[..., np.newaxis]), "ONNX Runtime s/min": lambda: network.predict(x)}
    found = {}
    for name, way in ways.items():
        way()
        times = []
        for _ in range(5):
            start = time.perf_counter()
            way()
            times.append(time.perf_counter() - start)
        found[name] = float(np.median(times))
    return found


def memory():
    """Return what happens when a batch does not fit: the warning, and the difference from a model of the batch that fits."""
    import keras

    from sktimbre.exceptions import SmallerBatchWarning

    share = 0.02
    if keras.backend.backend() == "torch":
        import torch

        torch.cuda.set_per_process_memory_fraction(share)
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        limit = tf.config.LogicalDeviceConfiguration(memory_limit=1600)
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("GPU")[0], [limit])
    S, T = pairs(64)
    params = {
        "architecture": "shallow",
        "filters": 256,
        "epochs": 2,
        "augment": False,
        "optimizer__learning_rate": 1e-3,
    }
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = autoencoder(batch_size=64, **params).fit(S, T)
    said = [str(w.message) for w in caught if issubclass(w.category, SmallerBatchWarning)]
    fits = 64 // 2 ** len(said)
    again = autoencoder(batch_size=fits, **params).fit(S, T)
    weights = zip(model.network_.weights, again.network_.weights, strict=True)
    return {
        "warnings": len(said),
        "batch that fits": fits,
        "largest difference of weights": float(max(np.abs(a - b).max() for a, b in weights)),
        "seconds": time.perf_counter() - start,
        "message": said[-1] if said else None,
    }


def agreement(folder=None, cpu=False):
    """Train for two epochs from equal weights and compare losses and predictions with those of the CPU."""
    S, T = pairs(8)
    if cpu:
        import sktimbre

        loaded = sktimbre.load(Path(folder) / "model.sktimbre")
        expected = np.load(Path(folder) / "predicted.npy")
        difference = float(np.abs(loaded.predict(S) - expected).max())
        return {"losses": losses(S, T)[0], "difference of predictions": difference}
    import sktimbre
    from sktimbre.autoencoder.backend.running import run

    found, model = losses(S, T)
    with tempfile.TemporaryDirectory() as folder:
        sktimbre.save(model, Path(folder) / "model.sktimbre")
        # What the GPU computes: by Keras, at the original level.
        network = model.network_
        network._run = lambda x: run(network.model, x)
        np.save(Path(folder) / "predicted.npy", network.predict(S))
        there = measured("agreement", {"folder": folder, "cpu": True}, LONGEST)
    ours, theirs = (list(f.values()) for f in (found, there["losses"]))
    return {
        "largest difference of losses": float(
            max(np.abs(np.subtract(a, b)).max() for a, b in zip(ours, theirs, strict=True))
        ),
        "difference of predictions": there["difference of predictions"],
        "losses": found,
    }


def losses(S, T):
    """Return the losses of two epochs of two networks from weights that do not depend on the backend, and a fitted model."""
    from sktimbre.autoencoder.training.incremental import _Resume

    found = {}
    for name in ("default", "thesis"):
        small = {"filters": 8} if name == "thesis" else {}
        params = {"epochs": 2, "normalize_level": True, "schedule": "constant", "warmup": 0.0, **small}
        initial = autoencoder(name, **params)
        shapes = [w.shape for w in _built(initial, S)]
        rng = np.random.default_rng(1)
        weights = [(rng.normal(size=s) / max(1, np.prod(s[:-1])) ** 0.5).astype(np.float32) for s in shapes]
        model = initial.fit(S, T, callbacks=[_Resume(weights, None)])
        found[name] = model.history_["loss"]
        if name == "default":
            fitted = model
    return found, fitted


def _built(model, S):
    from sktimbre.autoencoder.network import Network
    from sktimbre.autoencoder.training.settings import network_options

    options = network_options(model, 0, (list(S), list(S)))
    return Network(model._architecture(), S.shape[1], options).build().get_weights()


def measured(name, arguments, seconds):
    """Run one measurement in a process of its own and return its numbers, or why there are none."""
    environment = dict(os.environ, TF_FORCE_GPU_ALLOW_GROWTH="true")
    if arguments.get("cpu"):
        environment |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    if name == "memory":
        environment["XLA_PYTHON_CLIENT_MEM_FRACTION"] = "0.02"
    command = [sys.executable, __file__, "--measure", name, json.dumps(arguments)]
    start = time.perf_counter()
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"failed": f"not ended after {seconds:.0f} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {"failed": " ".join(done.stderr.split())[-600:] or f"exit {done.returncode}"}
    return {**json.loads(lines[-1]), "process s": time.perf_counter() - start}


def main():
    p = parser(__doc__, "gpu.json")
    p.add_argument("--minutes", type=float, default=9.0, help="end within so many minutes")
    p.add_argument("--only", nargs="+", help="names of measurements, cpu or gpu; others stay as they were run earlier")
    p.add_argument("--measure", nargs=2, metavar=("NAME", "JSON"), help="measure in this process, print JSON")
    args = p.parse_args()
    if args.measure:
        name, arguments = args.measure
        print(json.dumps(globals()[name](**json.loads(arguments)), default=float), flush=True)
        return
    end = time.monotonic() + 60 * args.minutes
    rows = read_json(args.output).get("rows", [])
    machine = {"versions": versions(), "device": measured("device", {}, LONGEST)}
    for name, arguments in MEASUREMENTS:
        if args.only and not {name, "cpu" if "cpu" in arguments else "gpu"} & set(args.only):
            continue
        left = end - time.monotonic()
        found = measured(name, arguments, min(left, LONGEST)) if left > 10 else {"failed": "not reached"}
        rows = [row for row in rows if (row["measured"], row["how"]) != (name, arguments)]
        rows.append({"measured": name, "how": arguments, **found})
        print(json.dumps(rows[-1], default=float), flush=True)
        write_json(args.output, {**machine, "rows": rows})
    columns = ("first epoch s", "epoch s", "examples/s", "ms/step", "memory MB", "failed")
    told = [
        {"epoch": " ".join(f"{k}={v}" for k, v in row["how"].items()), **{c: row.get(c) for c in columns}}
        for row in rows
        if row["measured"] == "epoch"
    ]
    if told:
        print_table(str(machine["device"]), told)


def device():
    """Return the backend and the name of its GPU."""
    import keras

    return {"backend": keras.backend.backend(), "card": card()}


if __name__ == "__main__":
    main()
