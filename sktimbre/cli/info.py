"""`sktimbre info`: describe a sound file or a model."""

import inspect
import json
import math
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.filesize import decimal

from sktimbre.cli.modelfiles import check_no_pickle, load_model, model_path
from sktimbre.cli.session import (
    Debug,
    Json,
    Quiet,
    Session,
    check_readable,
    number,
    session,
    table,
)
from sktimbre.transfer.settings import RANGES

if TYPE_CHECKING:
    import numpy as np

    from sktimbre.transfer import TimbreTransfer

__all__ = ["info", "model_facts", "model_settings", "shown_facts"]

# Seconds at the beginning of a file of which the pitch is estimated.
PITCHED_SECONDS = 4.0
# Seconds of music in which pitches are heard.
HEARD_SECONDS = 60.0
# Seconds of noise that are converted to measure the speed.
TIMED_SECONDS = 3.0


def info(
    file: Annotated[
        Path,
        typer.Argument(
            help="Sound file, model file that sktimbre fit wrote, or name of a model that sktimbre models lists.",
            callback=model_path,
        ),
    ],
    params: Annotated[
        bool, typer.Option("--params", help="Print the parameters of a model as TOML, for `sktimbre fit --params`.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Describe a sound file or a model.

    For a sound file: format, sample rate, channels, duration, peak and RMS level, and the pitch of its first seconds, which
    are taken for a single note. For a model: the versions that wrote it, its parameters, size and receptive field, its
    training notes and errors, and its speed on this machine.

    With --params, print the parameters of a model as TOML. With them and the same notes, `sktimbre fit` trains an equal
    model; they include the seed, even if it was drawn.

    **Examples:**

    - `sktimbre info flute-to-clarinet.sktimbre`
    - `sktimbre info flute-to-clarinet.sktimbre --params > fit.toml`
    """
    with session(as_json, quiet, debug) as s:
        check_readable(file)
        if file.is_file():
            check_no_pickle(file)
        if params:
            _show_params(s, file)
        elif zipfile.is_zipfile(file):
            _show_model(s, file)
        else:
            _show_sound(s, file)


def model_facts(model: "TimbreTransfer") -> dict[str, Any]:
    """Return facts about a fitted model, for tables and JSON.

    Parameters
    ----------
    model : TimbreTransfer
        Fitted model.

    Returns
    -------
    dict
        With None for facts that the model lacks.
    """
    from sktimbre.cli.comparison import trained_on
    from sktimbre.plotting.curves import history_of

    network, known = model.autoencoder_, trained_on(model) or {}
    history = history_of(model) or {}
    held_out, training = (history.get(f"{prefix}reconstruction_error") for prefix in ("val_", ""))
    geometry = getattr(model.stft_, "geometry", None)
    field = model.receptive_field_ if hasattr(network, "receptive_field_") else None
    architecture = getattr(network, "architecture", type(network).__name__)
    return {
        "architecture": architecture if isinstance(architecture, str) else getattr(architecture, "__name__", None),
        "parameters": getattr(network, "n_parameters_", None),
        "sr": model.sr,
        "n_fft": geometry and geometry.n_fft,
        "hop_length": geometry and geometry.hop,
        "receptive_field": field and {"milliseconds": field.milliseconds, "hertz": field.hertz},
        "epochs": len(training) if training else None,
        "training_error": training[-1] if training else None,
        "held_out_error": held_out[-1] if held_out else None,
        "training_pitches": known.get("pitches"),
        "held_out_pitches": known.get("held_out_pitches"),
    }


def shown_facts(facts: dict[str, Any]) -> dict[str, str]:
    """Return the facts about a model as labels and texts, without those that are None."""
    field, sr = facts["receptive_field"], facts["sr"]
    shown = {
        "Network": facts["architecture"],
        "Weights": facts["parameters"] and f"{facts['parameters']:,}",
        "Sample rate": f"{sr:g} Hz",
        "STFT": facts["n_fft"] and f"{facts['n_fft']} samples, hop {facts['hop_length']}",
        "Receptive field": field and f"{field['milliseconds']:.0f} ms, {field['hertz']:.0f} Hz",
        "Trained on": _pitches(facts["training_pitches"]),
        "Held out": _pitches(facts["held_out_pitches"]),
        "Epochs": facts["epochs"] and str(facts["epochs"]),
        "Error, training": facts["training_error"] is not None and number(facts["training_error"], 4),
        "Error, held out": facts["held_out_error"] is not None and number(facts["held_out_error"], 4),
    }
    return {name: str(text) for name, text in shown.items() if text}


def model_settings(model: "TimbreTransfer") -> dict[str, dict[str, Any]]:
    """Return all parameters of the fitted parts by class name; values that JSON cannot hold become text."""
    plain = (bool, int, float, str, type(None))
    settings = {}
    for part in (model.stft_, model.autoencoder_, model.inverter_):
        given = part.get_params(deep=False).items() if hasattr(part, "get_params") else ()
        settings[type(part).__name__] = {k: v if isinstance(v, plain) else repr(v) for k, v in given}
    settings["TimbreTransfer"] = {name: getattr(model, name) for name in ("sr", "phase", *RANGES)}
    return settings


def _show_params(s: Session, file: Path) -> None:
    from sktimbre.cli.params import params_of, to_toml

    with s.status("Loading the model"), s.importing():
        model = load_model(file)
        params = params_of(model, file)
    versions = ", ".join(f"{name} {version}" for name, version in _versions(file).items())
    comment = (
        f"# Of {file.name}, trained with {versions}.\n# sktimbre fit SOURCE TARGET -o MODEL --params THIS_FILE\n\n"
    )
    # In ASCII, because a shell may write another encoding than UTF-8 to a file.
    comment = comment.encode("ascii", "backslashreplace").decode()
    s.result({"model": file, "params": params}, (comment + to_toml(params)).rstrip())


def _show_model(s: Session, file: Path) -> None:
    with s.status("Loading the model"), s.importing():
        model = load_model(file)
    with s.status("Inspecting the model"), s.importing():
        facts = model_facts(model)
        speed = _real_time_factor(model)
    size, versions = file.stat().st_size, _versions(file)
    shown = table("Model", str(file), numbers=False)
    for name, text in shown_facts(facts).items():
        shown.add_row(name, text)
    shown.add_row("Speed here", f"{number(1 / speed, 1)} x real time")
    shown.add_row("File", decimal(size))
    shown.add_row("Written with", ", ".join(f"{name} {version}" for name, version in versions.items()))
    settings = model_settings(model)
    changed = table("Setting", "Not the default", numbers=False)
    for part, name, value in _changed(model, settings):
        changed.add_row(f"{part} {name}", str(value))
    values = {"model": file, "bytes": size, "versions": versions, **facts, "real_time_factor": speed}
    s.result({**values, "settings": settings}, shown, *([changed] if changed.row_count else []))


def _changed(model: "TimbreTransfer", settings: dict[str, dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """Return the parameters that differ from their defaults, as (part, name, value)."""
    parts = {type(part).__name__: type(part) for part in (model.stft_, model.autoencoder_, model.inverter_, model)}
    found = []
    for part, values in settings.items():
        defaults = {name: p.default for name, p in inspect.signature(parts[part]).parameters.items()}
        found += [(part, name, value) for name, value in values.items() if value != defaults.get(name)]
    return found


def _real_time_factor(model: "TimbreTransfer") -> float:
    """Return the seconds that converting one second of audio takes."""
    import numpy as np

    n_samples = round(TIMED_SECONDS * model.sr)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, n_samples)).astype(np.float32)
    model.predict(noise)  # builds and compiles the network
    started = time.perf_counter()
    model.predict(noise)
    return (time.perf_counter() - started) / TIMED_SECONDS


def _versions(file: Path) -> dict[str, str]:
    """Return the versions that are stored in a model's file."""
    with zipfile.ZipFile(file) as archive:
        if "sktimbre.json" in archive.namelist():
            return json.loads(archive.read("sktimbre.json"))["versions"]
        return {"skops": json.loads(archive.read("schema.json"))["_skops_version"]}


def _show_sound(s: Session, file: Path) -> None:
    with s.status("Reading"):
        facts = _sound_facts(file)
    shown = table("Sound", str(file), numbers=False)
    duration, n_samples = facts["duration"], facts["n_samples"]
    shown.add_row("Format", f"{facts['format']}, {facts['subtype']}")
    shown.add_row("Sample rate", f"{facts['sr']} Hz")
    shown.add_row("Channels", str(facts["channels"]))
    shown.add_row("Duration", f"{number(duration, 3)} s, {n_samples} samples")
    shown.add_row("Peak", _level(facts["peak"]))
    shown.add_row("RMS", _level(facts["rms"]))
    hertz = facts["f0"]
    if hertz:
        shown.add_row("Pitch", f"{number(hertz, 1)} Hz, {facts['note']} {facts['cents']:+.0f} cents")
    else:
        several = facts["lowest"] is not None
        shown.add_row("Pitches", f"{facts['lowest']} to {facts['highest']}" if several else "none found")
    s.result(facts, shown)


def _sound_facts(file: Path) -> dict[str, Any]:
    """Return facts about a sound file, which is read in blocks; levels are None for silence."""
    import numpy as np

    from sktimbre.audio.blockwise import mix_frames
    from sktimbre.audio.soundfiles import open_sound, read_blocks
    from sktimbre.cli.pitches import HeardPitches
    from sktimbre.datasets import name_of_pitch

    # Peak and RMS are over the samples of all channels.
    peak, power, n_frames, beginning = 0.0, 0.0, 0, []
    with open_sound(file) as sound:
        sr, channels, kind, subtype = sound.samplerate, sound.channels, sound.format, sound.subtype
        heard = HeardPitches(sr)
        for block in read_blocks(sound):
            mono = mix_frames(block)[:, 0]
            if n_frames < PITCHED_SECONDS * sr:
                beginning.append(mono)
            if n_frames < HEARD_SECONDS * sr:
                heard.hear(mono)
            peak = max(peak, float(np.abs(block).max()))
            power += float(np.sum(np.square(block, dtype=np.float64)))
            n_frames += len(block)
    # One pitch describes a note; of music the range does.
    note = heard.is_one_note()
    hertz = _f0(np.concatenate(beginning)[: round(PITCHED_SECONDS * sr)], sr) if note else None
    return {
        "file": file,
        "format": kind,
        "subtype": subtype,
        "sr": sr,
        "channels": channels,
        "n_samples": n_frames,
        "duration": n_frames / sr,
        "peak": _decibels(peak),
        "rms": _decibels(math.sqrt(power / (n_frames * channels))),
        "f0": hertz,
        **_note(hertz),
        **{
            name: None if pitch is None else name_of_pitch(round(pitch))
            for name, pitch in zip(("lowest", "highest"), (None, None) if note else heard.range(), strict=True)
        },
    }


def _f0(y: "np.ndarray", sr: int) -> float | None:
    import numpy as np

    from sktimbre.exceptions import AudioError
    from sktimbre.metrics import estimate_f0

    try:
        hertz = float(estimate_f0(y[np.newaxis], sr=sr, fmax=min(4500.0, sr / 2))[0])
    except AudioError:  # too short to estimate a pitch
        return None
    return hertz if np.isfinite(hertz) else None


def _note(hertz: float | None) -> dict[str, Any]:
    from sktimbre.datasets import name_of_pitch

    if hertz is None:
        return {"note": None, "cents": None}
    pitch = 69 + 12 * math.log2(hertz / 440)
    return {"note": name_of_pitch(round(pitch)), "cents": 100 * (pitch - round(pitch))}


def _decibels(amplitude: float) -> float | None:
    return 20 * math.log10(amplitude) if amplitude > 0 else None


def _level(decibels: float | None) -> str:
    # Adding 0.0 turns -0.0 into 0.0.
    return "silence" if decibels is None else f"{number(round(decibels, 1) + 0.0, 1)} dBFS"


def _pitches(pitches: list[int] | None) -> str | None:
    """Return the number of pitches and their names; of more than eight, the lowest and the highest."""
    from sktimbre.datasets import name_of_pitch

    if not pitches:
        return None
    names = [name_of_pitch(p) for p in sorted(pitches)]
    counted = f"{len(names)} {'note' if len(names) == 1 else 'notes'}"
    return f"{counted}: {', '.join(names)}" if len(names) <= 8 else f"{counted}, {names[0]} to {names[-1]}"
