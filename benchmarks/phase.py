"""Phase retrieval and the STFT compared with librosa: speed, quality, compile time, and the time of each part of a conversion.

Times are interleaved medians in one process. All parts take about a quarter of an hour, with --quick about two minutes. The
networks are small; they only provide imperfect spectra.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import librosa
import numpy as np
from _common import interleaved, notes_folder, parser, print_table, real_pairs, versions, write_json
from packaging.version import Version
from scipy.ndimage import uniform_filter

from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.baselines import PerBinLinearBaseline, TransposedNeighboursBaseline
from sktimbre.datasets import load_notes
from sktimbre.metrics import f0_error, log_spectral_distance
from sktimbre.spectral import stft

SR = 22050
LIBROSA_SEED = "rng" if Version(librosa.__version__) >= Version("1.0") else "random_state"
# By name: (momentum, iterations) of librosa, or parameters of the inverter.
RECIPES = {
    "librosa 0, 100": (0.0, 100),
    "librosa 0.99, 32": (0.99, 32),
    "librosa 0.99, 100": (0.99, 100),
    "thesis: gla, random, 100": {"algorithm": "gla", "init": "random", "n_iter": 100},
    "agla, random, 30": {"init": "random"},
    "admm, random, 30": {"algorithm": "admm", "init": "random"},
    "agla, spsi, 30": {"init": "spsi"},
    "pghi alone": {"n_iter": 0},
    "gla, pghi, 30": {"algorithm": "gla"},
    "fgla, pghi, 30": {"algorithm": "fgla"},
    "admm, pghi, 30": {"algorithm": "admm"},
    "agla, pghi, 5": {"n_iter": 5},
    "agla, pghi, 10": {"n_iter": 10},
    "default: agla, pghi, 30": {},
    "agla, pghi, 100": {"n_iter": 100},
}


def spread(audio, n):
    """Return n notes, evenly spread from first to last."""
    return np.stack([audio[i] for i in np.linspace(0, len(audio) - 1, n).astype(int)])


def note_classes(n):
    """Return n real notes of 2 s for each class."""
    folder = notes_folder()
    flute, clarinet, piano = (
        load_notes(folder / name, sr=SR, duration=2.0, trim=False) for name in ("flute", "clarinet", "piano")
    )
    return {
        "flute": spread(flute.audio, n),
        "clarinet": spread(clarinet.audio, n),
        "low piano": spread(piano.audio[piano.pitches < 45], n),
        "high piano": spread(piano.audio[piano.pitches >= 69], n),
    }


def decibels(x):
    return 20 * np.log10(np.maximum(x, 1e-9))


def relative_error(found, wanted):
    axes = (1, 2)
    return decibels(np.linalg.norm(found - wanted, axis=axes) / np.linalg.norm(wanted, axis=axes))


def imperfect(S, noise=0.1):
    """Return log-magnitudes smoothed over 3 x 3 bins, with noise, similar to the output of a network."""
    noise = noise * np.random.default_rng(0).standard_normal(S.shape, np.float32)
    return np.maximum(uniform_filter(S, (0, 3, 3)) + noise, 0)


def with_librosa(S, length, momentum, n_iter, hop=None):
    magnitudes = np.expm1(S)
    return librosa.griffinlim(
        magnitudes,
        n_iter=n_iter,
        momentum=momentum,
        hop_length=hop or magnitudes.shape[1] - 1,
        length=length,
        **{LIBROSA_SEED: np.random.RandomState(0)},
    )


def retrieve(recipe, S, length):
    if isinstance(recipe, tuple):
        return with_librosa(S, length, *recipe)
    return GriffinLimInverter(**recipe, length=length, random_state=0).fit_transform(S)


def judge(audio, S, truth):
    """Return mean convergence to S, mean convergence to the true spectra at a hop of 128, and LSD to the truth, in dB."""
    return {
        "convergence": float(np.mean(relative_error(np.abs(stft(audio)), np.expm1(S)))),
        "off grid": float(np.mean(relative_error(np.abs(stft(audio, 1024, 128)), np.abs(stft(truth, 1024, 128))))),
        "LSD": float(log_spectral_distance(truth, audio)),
    }


def quality(quick):
    """Return the quality of all recipes on clean, imperfect and predicted magnitudes."""
    classes = note_classes(4 if quick else 16)
    network = predicted_spectra(quick)
    tables = {}
    for kind in ("clean", "smoothed and noisy", "network"):
        rows = []
        for name, recipe in RECIPES.items():
            row = {"recipe": name}
            batches = {c: (LogSTFT().fit_transform(y), y) for c, y in classes.items()}
            if kind != "clean":
                batches = {c: (imperfect(S), y) for c, (S, y) in batches.items()}
            if kind == "network":
                batches = {"flute to clarinet": network}
            for c, (S, truth) in batches.items():
                found = judge(retrieve(recipe, S, truth.shape[1]), S, truth)
                row[c] = " / ".join(f"{v:.1f}" for v in found.values())
                row |= {f"{c}: {k}": v for k, v in found.items()}
            rows.append(row)
        tables[kind] = rows
        shown = [{k: v for k, v in row.items() if ":" not in k} for row in rows]
        print_table(f"{kind} magnitudes: convergence / off-grid convergence / log-spectral distance, dB", shown)
    return tables


def small_transfer(quick, **parameters):
    notes, held_out = real_pairs()
    autoencoder = TimbreAutoencoder("shallow", filters=32, epochs=3 if quick else 30, random_state=0)
    model = TimbreTransfer(autoencoder=autoencoder, **parameters)
    return model.fit(notes.source[~held_out], notes.target[~held_out]), notes.source[held_out], notes.target[held_out]


def predicted_spectra(quick):
    model, X, y = small_transfer(quick)
    return model.predict_spectra(X), y


def phases_of_a_transfer():
    """Return the quality of phase retrieval from the source's phase and from an estimated phase, for several spectra."""
    notes, held_out = real_pairs()
    X, y = notes.source, notes.target
    S, T, D = LogSTFT().fit_transform(X), LogSTFT().fit_transform(y), LogSTFT().fit(X).complex_transform(X[held_out])
    neighbours = TransposedNeighboursBaseline(sr=notes.sr, n_neighbors=4)
    neighbours.fit(X[~held_out], y[~held_out], pitches=notes.pitches[~held_out])
    spectra = {
        "the target's own": T[held_out],
        "transposed neighbours": neighbours.predict(X[held_out], pitches=notes.pitches[held_out]),
        "per-bin linear": PerBinLinearBaseline().fit(S[~held_out], T[~held_out]).predict(S[held_out]),
        "the source's, tilted": S[held_out] * np.linspace(1.0, 0.7, S.shape[1], dtype=np.float32)[:, np.newaxis],
    }
    rows = []
    for kind, magnitudes in spectra.items():
        truth = y[held_out] if "source" not in kind else X[held_out]
        for start, phase in (("source", D), ("pghi", None)):
            for n_iter in (0, 10, 30, 100):
                inverter = GriffinLimInverter(n_iter).fit(magnitudes)
                audio = inverter.invert(magnitudes, phase=phase, length=X.shape[1])
                found = {"f0 cents": float(f0_error(truth, audio, sr=notes.sr))}
                rows.append(
                    {"spectra": kind, "start": start, "n_iter": n_iter, **judge(audio, magnitudes, truth), **found}
                )
    print_table("start of phase retrieval for held-out clarinet notes from flute, dB", rows)
    return rows


def speed(quick):
    """Return seconds and speed relative to librosa at equal iterations, with one and two threads."""
    piano = load_notes(notes_folder() / "piano", sr=SR, duration=3.0, trim=False).audio
    batch, n_iter = spread(piano, 6 if quick else 37), 20 if quick else 100
    clip = np.concatenate(list(spread(piano, 4)))[np.newaxis, : 10 * SR]
    rows = []
    for n_fft, hop in ((512, 256), (1024, 512), (1024, 256), (2048, 1024)):
        for sound, X in (("batch", batch), ("clip", clip)):
            S = LogSTFT(n_fft, hop).fit_transform(X)
            options = {"hop_length": hop, "random_state": 0, "init": "random", "n_iter": n_iter}
            inverters = {
                f"{algorithm}, {n}": GriffinLimInverter(algorithm=algorithm, n_jobs=n, **options).fit(S)
                for algorithm in ("fgla", "agla", "admm")
                for n in (1, 2)
                if (n == 1 or sound == "batch") and (algorithm == "fgla" or (n_fft, hop) == (1024, 512))
            }
            functions = {"librosa": lambda S=S, hop=hop: with_librosa(S, None, 0.99, n_iter, hop)}
            if (n_fft, hop) == (1024, 512):
                loop = [note[np.newaxis] for note in S]
                functions["librosa, note by note"] = lambda loop=loop: [
                    with_librosa(s, None, 0.99, n_iter) for s in loop
                ]
            functions |= {name: lambda i=inverter, S=S: i.transform(S) for name, inverter in inverters.items()}
            seconds = interleaved(functions, repeats=3)
            rows += [
                {"n_fft / hop": f"{n_fft} / {hop}", "sound": sound, "algorithm, threads": name, "seconds": s,
                 "times librosa": seconds["librosa"] / s}
                for name, s in seconds.items()
            ]  # fmt: skip
    print_table(f"{n_iter} iterations; batch: {len(batch)} notes of 3 s, clip: one of 10 s", rows)
    return rows


def equal_quality(quick):
    """Return the time of the default relative to librosa's 100 iterations, the reference of quality."""
    X = np.concatenate(list(note_classes(2 if quick else 9).values()))
    S = LogSTFT().fit_transform(X)
    functions = {"librosa 0.99, 100": lambda: with_librosa(S, None, 0.99, 100)}
    for name, parameters in (("default", {}), ("10 iterations", {"n_iter": 10})):
        for n in (1, 2):
            inverter = GriffinLimInverter(n_jobs=n, **parameters).fit(S)
            functions[f"{name}, {n} thread{'s' * (n - 1)}"] = lambda inverter=inverter: inverter.transform(S)
    seconds = interleaved(functions, repeats=3)
    rows = [
        {"what": name, "seconds": s, "times librosa": seconds["librosa 0.99, 100"] / s} for name, s in seconds.items()
    ]
    print_table(f"equal quality: {len(X)} real notes of 2 s, start included", rows)
    return rows


def analysis(quick):
    """Return the time of LogSTFT relative to librosa's STFT and logarithm, with one thread."""
    piano = load_notes(notes_folder() / "piano", sr=SR, duration=3.0, trim=False).audio
    batch = spread(piano, 37)
    clip = np.concatenate(list(spread(piano, 4)))[np.newaxis, : 10 * SR]
    rows = []
    for n_fft, hop in ((512, 256), (1024, 512), (1024, 256), (2048, 1024)):
        for sound, X in (("batch", batch), ("clip", clip)):
            transformer = LogSTFT(n_fft, hop).fit(X)
            options = {"n_fft": n_fft, "hop_length": hop}
            functions = {
                "LogSTFT": lambda t=transformer, X=X: t.transform(X),
                "librosa": lambda X=X, o=options: np.log1p(np.abs(librosa.stft(X, **o))),
                "librosa, note by note": lambda X=X, o=options: [np.log1p(np.abs(librosa.stft(x, **o))) for x in X],
                "librosa.stft alone": lambda X=X, o=options: librosa.stft(X, **o),
            }
            error = np.abs(functions["LogSTFT"]() - functions["librosa"]()).max() / functions["librosa"]().max()
            seconds = interleaved(functions, repeats=5 if quick else 21)
            rows.append(
                {"n_fft / hop": f"{n_fft} / {hop}", "sound": sound, "ms": 1000 * seconds.pop("LogSTFT")}
                | {f"{name}: times": 1000 * s for name, s in seconds.items()}
                | {"relative error": float(error)}
            )
            for name in seconds:
                rows[-1][f"{name}: times"] /= rows[-1]["ms"]
    print_table("LogSTFT, one thread", rows)
    return rows


def threads(quick):
    """Return the time with two threads beside one, of batches from small to large."""
    piano = load_notes(notes_folder() / "piano", sr=SR, duration=3.0, trim=False).audio
    rows = []
    for n_notes in (6, 37, 74, 150):
        X = spread(piano, n_notes)
        S = LogSTFT().fit_transform(X[:37])
        functions = {("LogSTFT", n): lambda n=n, X=X: LogSTFT(n_jobs=n).transform(X) for n in (1, 2)}
        if n_notes <= len(S):
            functions |= {
                ("GriffinLimInverter", n): lambda n=n, S=S: GriffinLimInverter(n_jobs=n).fit_transform(S)
                for n in (1, 2)
            }
        seconds = interleaved(functions, repeats=5 if quick else 21)
        rows += [
            {"what": what, "notes of 3 s": n_notes, "1 thread ms": 1000 * s, "2 threads ms": 1000 * seconds[what, 2]}
            for (what, n), s in seconds.items()
            if n == 1
        ]
    print_table("two threads beside one", rows)
    return rows


def other_loops(quick):
    """Return the time of an iteration on a clip, also for loops with other libraries that are installed."""
    n_iter = 5 if quick else 30
    y = np.random.default_rng(0).standard_normal((1, 10 * SR)).astype(np.float32)
    S = LogSTFT().fit_transform(y)
    inverter = GriffinLimInverter(n_iter, "gla", "random", random_state=0).fit(S)
    functions = {
        "librosa": lambda: with_librosa(S, None, 0.0, n_iter),
        "sktimbre": lambda: inverter.transform(S),
        "sktimbre, scipy.fft path": lambda: GriffinLimInverter(n_iter, "gla", "random").fit_transform(uneven),
    }
    uneven = LogSTFT(1022, 511).fit_transform(y)
    functions |= tensorflow_loop(np.expm1(S[0]).T, n_iter) | torch_loop(np.expm1(S[0]), n_iter)
    seconds = interleaved(functions, repeats=3)
    rows = [
        {"loop": n, "ms per iteration": 1000 * s / n_iter, "times librosa": seconds["librosa"] / s}
        for n, s in seconds.items()
    ]
    print_table("plain Griffin-Lim on one clip of 10 s; libraries use the threads they like", rows)
    return rows


def tensorflow_loop(S, n_iter):
    try:
        import tensorflow as tf
    except ImportError:
        return {}
    window = tf.signal.inverse_stft_window_fn(512)

    @tf.function
    def loop(S):
        spectra = tf.cast(S, tf.complex64)
        for _ in tf.range(n_iter):
            y = tf.signal.inverse_stft(spectra, 1024, 512, 1024, window)
            spectra = tf.signal.stft(y, 1024, 512, 1024)
            spectra = tf.cast(S, tf.complex64) * tf.math.sign(spectra)
        return tf.signal.inverse_stft(spectra, 1024, 512, 1024, window)

    wanted = tf.constant(S)
    return {"tf.signal in tf.function": lambda: loop(wanted)}


def torch_loop(S, n_iter):
    try:
        import torch
    except ImportError:
        return {}
    window, wanted = torch.hann_window(1024), torch.from_numpy(S)

    def loop():
        spectra = wanted.to(torch.complex64)
        for _ in range(n_iter):
            y = torch.istft(spectra, 1024, 512, window=window)
            spectra = wanted * torch.sgn(torch.stft(y, 1024, 512, window=window, return_complex=True))
        return torch.istft(spectra, 1024, 512, window=window)

    return {"torch.stft": loop}


def conversion(quick):
    """Return the real-time factors of a conversion and of its parts."""
    model, X, _ = small_transfer(quick, phase="estimate", inverter=GriffinLimInverter(n_jobs=2))
    X = np.concatenate([X, X])
    S = model.stft_.transform(X)
    predicted = model.predict_spectra(X)
    parts = {
        "predict, audio to audio": lambda: model.predict(X),
        "of it STFT": lambda: model.stft_.transform(X),
        "of it network": lambda: model.autoencoder_.predict(S),
        "of it phase retrieval": lambda: model.inverter_.invert(predicted, length=X.shape[1]),
        "of it phase: start alone": lambda: model.inverter_.__class__(0, n_jobs=2).fit(predicted).transform(predicted),
    }
    seconds = interleaved(parts, repeats=5)
    rows = [{"part": n, "ms": 1000 * s, "real-time factor": s / (X.size / SR)} for n, s in seconds.items()]
    print_table(f"TimbreTransfer.predict, shallow network of 32 filters, {len(X)} notes of 2 s, two cores", rows)
    return rows


FIRST = """
import time, numpy as np
X = np.random.default_rng(0).standard_normal((2, 44100)).astype(np.float32)
start = time.perf_counter()
from sktimbre import GriffinLimInverter, LogSTFT
imported = time.perf_counter()
S = LogSTFT().fit_transform(X)
analysed = time.perf_counter()
GriffinLimInverter().fit_transform(S)
print(imported - start, analysed - imported, time.perf_counter() - analysed)
"""


def first_calls():
    """Return the seconds of the first calls in a fresh process, without and with compiled code cached on disk."""
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for name in ("the first ever", "later, cache on disk"):
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", FIRST],
                env={**os.environ, "NUMBA_CACHE_DIR": cache},
                capture_output=True,
                text=True,
                check=True,
            )
            parts = dict(zip(("import s", "LogSTFT s", "inverter s"), map(float, done.stdout.split()), strict=True))
            rows.append({"process": name, **parts, "process s": time.perf_counter() - start})
    print_table("first calls in a fresh process, compiling included", rows)
    return rows


def main():
    p = parser(__doc__, "phase.json")
    p.add_argument("--quick", action="store_true", help="fewer notes, iterations and epochs")
    p.add_argument("--only", nargs="*", help="run these parts only")
    args = p.parse_args()
    parts = {
        "first_calls": lambda quick: first_calls(),
        "analysis": analysis,
        "equal_quality": equal_quality,
        "speed": speed,
        "threads": threads,
        "conversion": conversion,
        "other_loops": other_loops,
        "quality": quality,
        "phases_of_a_transfer": lambda quick: phases_of_a_transfer(),
    }
    # With --only, keep the results of the other parts from an earlier run.
    earlier = json.loads(args.output.read_text()) if args.only and args.output.exists() else {}
    results = {name: part(args.quick) for name, part in parts.items() if not args.only or name in args.only}
    write_json(args.output, {**earlier, "versions": versions(), "quick": args.quick, **results})


if __name__ == "__main__":
    main()
