"""`sktimbre live`: convert what is played, while it is played."""

import statistics
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from sktimbre.cli.modelfiles import Model, load_converter
from sktimbre.cli.session import Debug, Json, Overwrite, Quiet, check_output, session
from sktimbre.cli.settings import apply_settings, takes_settings

__all__ = ["live"]


@takes_settings
def live(
    model: Model,
    source: Annotated[
        str | None,
        typer.Option("--input", "-i", metavar="DEVICE", help="Number or name of a sound device, or a sound file."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="DEVICE", help="Number or name of a sound device, or a file to write."),
    ] = None,
    latency: Annotated[
        float, typer.Option(metavar="S", help="Largest delay in seconds, without that of the devices.")
    ] = 0.12,
    gain: Annotated[
        float, typer.Option(min=-60, max=60, metavar="DB", help="Gain of the output in dB; below 0 it is quieter.")
    ] = 0.0,
    seconds: Annotated[
        float | None, typer.Option(min=0, metavar="S", help="Stop after so many seconds.", show_default="until Ctrl-C")
    ] = None,
    *,
    settings: dict[str, Any],
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Convert sound with a MODEL while it is played: from the microphone to the speakers, until Ctrl-C.

    Sound devices need `pip install 'sktimbre[live]'`. A file may stand in place of either device. With less latency the model
    knows less of what comes next, and needs more of the processor; an eighth of a second costs little error. Use headphones:
    a microphone that hears the speakers howls.

    **Examples:**

    - `sktimbre live flute-to-clarinet.sktimbre --latency 0.08`
    - `sktimbre live flute-to-clarinet.sktimbre --transpose 12 --mix 0.5`
    - `sktimbre live flute-to-clarinet.sktimbre -i melody.wav -o clarinet.wav`
    """
    with session(as_json, quiet, debug) as s:
        import numpy as np

        from sktimbre.cli.devices import Sound, check_devices

        check_devices(source, target)
        with s.status("Loading the model"), s.importing():
            transfer = load_converter(model)
            apply_settings(transfer, settings)
        sr = int(transfer.sr)
        sound = Sound(source, target, sr, transfer.stft_.geometry.hop, overwrite, gain)
        if sound.to_file and target is not None:
            check_output(Path(target), overwrite)
        with s.status("Getting ready"):
            # The first conversion compiles and builds what later ones use.
            list(transfer.predict_blocks([np.zeros(sr, np.float32)], latency=latency))
        busy: list[float] = []
        heard, played, since = 0, 0, 0.0

        def given() -> Iterator[np.ndarray]:
            nonlocal heard, since
            for block in sound.blocks(seconds):
                heard += len(block)
                since = time.perf_counter()
                yield block

        files = sound.from_file and sound.to_file
        with sound, s.status("Converting") if files else nullcontext():
            if not quiet and not files:
                s.say(f"Latency: {1e3 * latency:.0f} ms, and {1e3 * sound.latency:.0f} ms of the devices. Ctrl-C ends.")
            try:
                for audio in transfer.predict_blocks(given(), latency=latency):
                    busy.append(time.perf_counter() - since)
                    sound.play(audio)
                    played += len(audio)
            except KeyboardInterrupt:
                if files:
                    raise
            devices = sound.latency
        values = {
            "seconds": heard / sr,
            "latency_s": latency,
            "devices_s": devices,
            "seconds_per_step": statistics.median(busy) if busy else None,
            "real_time_factor": sum(busy) / (played / sr) if played else None,
            "blocks_missed": sound.missed,
        }
        if values["real_time_factor"] and values["real_time_factor"] > 1:
            s.warn(
                "The conversion took longer than the sound: with a microphone there are gaps. Give a longer --latency."
            )
        if sound.missed:
            s.warn(f"{sound.missed} blocks came too late or were lost. Give a longer --latency.")
        written = f"; written to {target}" if sound.to_file else ""
        s.result(values, f"{heard / sr:.1f} s, real-time factor {sum(busy) / max(played / sr, 1e-9):.2f}{written}")
