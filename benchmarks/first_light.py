"""Flute to clarinet on real notes, thesis features: two networks of the thesis beside the four controls.

Held-out pitches; reconstruction error and log-spectral distance of spectra, f0 error of the audio that comes out, real-time
factor of conversion, peak memory. About forty minutes on two cores.
"""

import time

import numpy as np
from _common import interleaved, parser, peak_memory_mb, print_table, real_pairs, versions, write_json

from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.metrics import (
    IdentityControl,
    PerBinLinearControl,
    TransposedNeighboursControl,
    f0_error,
    log_spectral_distance,
    loudness_correlation,
    reconstruction_error,
)

NETWORKS = {
    "shallow, 256 filters": {"architecture": "shallow", "filters": 256},
    "dilated_residual, 32 filters": {"architecture": "dilated_residual", "filters": 32},
    "dilated_residual, 64 filters": {"architecture": "dilated_residual", "filters": 64},
}


def judge(name, S, audio, notes, held_out, **more):
    """Return a row of the table for predicted spectra and audio of the held-out notes."""
    X, y = notes.source[held_out], notes.target[held_out]
    T = LogSTFT().fit_transform(y)
    return {
        "model": name,
        "error": reconstruction_error(T, S),
        "LSD dB": log_spectral_distance(T, S),
        "LSD dB of audio": log_spectral_distance(y, audio),
        "f0 cents": f0_error(X, audio, sr=notes.sr),
        "loudness corr.": loudness_correlation(X, audio, sr=notes.sr),
        "peak": float(np.abs(audio).max()),
        **{key: more.get(key) for key in ("last 10 epochs", "train error", "train s", "real-time factor")},
    }


def real_time_factor(model, X, sr):
    """Return seconds of work for each second of sound, audio to audio."""
    seconds = interleaved({"predict": lambda: model.predict(X)}, repeats=3)["predict"]
    return seconds / (X.size / sr)


def controls(notes, held_out, phase):
    """Return the rows of the four controls."""
    X, y, sr = notes.source, notes.target, notes.sr
    rows = []
    for name, control in (("identity", IdentityControl()), ("per-bin linear", PerBinLinearControl())):
        model = TimbreTransfer(autoencoder=control, phase=phase).fit(X[~held_out], y[~held_out])
        S, audio = model.predict_spectra(X[held_out]), model.predict(X[held_out])
        rows.append(judge(name, S, audio, notes, held_out))
    inverter = GriffinLimInverter(random_state=0, length=X.shape[1])
    for n in (2, 4):
        neighbours = TransposedNeighboursControl(sr=sr, n_neighbors=n)
        neighbours.fit(X[~held_out], y[~held_out], pitches=notes.pitches[~held_out])
        S = neighbours.predict(X[held_out], pitches=notes.pitches[held_out])
        rows.append(judge(f"transposed neighbours, {n}", S, inverter.fit_transform(S), notes, held_out))
    T = LogSTFT().fit_transform(y[held_out])
    rows.append(judge("phase oracle", T, inverter.fit_transform(T), notes, held_out))
    return rows


def main():
    p = parser(__doc__, "first_light.json")
    p.add_argument("--epochs", type=int, default=100)
    p.add_argument("--phase", choices=("estimate", "source"), default=TimbreTransfer().phase)
    args = p.parse_args()
    notes, held_out = real_pairs()
    X, y = notes.source, notes.target
    rows = controls(notes, held_out, args.phase)
    print_table("controls", rows)
    histories = {}
    for name, parameters in NETWORKS.items():
        autoencoder = TimbreAutoencoder(**parameters, epochs=args.epochs, random_state=0)
        start = time.perf_counter()
        model = TimbreTransfer(autoencoder=autoencoder, phase=args.phase).fit(
            X[~held_out], y[~held_out], validation_data=(X[held_out], y[held_out])
        )
        seconds = time.perf_counter() - start
        history = histories[name] = model.autoencoder_.history_
        extra = {
            "last 10 epochs": float(np.mean(history["val_reconstruction_error"][-10:])),
            "train error": history["reconstruction_error"][-1],
            "train s": seconds,
            "real-time factor": real_time_factor(model, X[held_out], notes.sr),
        }
        rows.append(
            judge(name, model.predict_spectra(X[held_out]), model.predict(X[held_out]), notes, held_out, **extra)
        )
        print_table(name, rows[-1:])
    print_table(
        f"flute to clarinet, held-out pitches, {args.epochs} epochs; peak memory {peak_memory_mb():.0f} MB", rows
    )
    results = {"versions": versions(), "epochs": args.epochs, "phase": args.phase, "rows": rows, "histories": histories}
    write_json(args.output, {**results, "peak_memory_mb": peak_memory_mb()})


if __name__ == "__main__":
    main()
