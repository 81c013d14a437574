"""`sktimbre convert`: run recordings through a model."""

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sktimbre.cli.session import (
    FAILED,
    Debug,
    Json,
    Overwrite,
    Quiet,
    Session,
    check_output,
    check_readable,
    describe,
    load_model,
    number,
    session,
    table,
)
from sktimbre.exceptions import ParameterError, SktimbreError

if TYPE_CHECKING:
    from sktimbre.cli.recordings import Recording

__all__ = ["convert"]


def convert(
    model: Annotated[Path, typer.Argument(help="What sktimbre fit wrote.")],
    files: Annotated[list[Path], typer.Argument(help="Recordings of any length, sample rate and number of channels.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to write; made if missing.")],
    keep_rate: Annotated[
        bool, typer.Option("--keep-rate", help="Write at each recording's own sample rate, not at the model's.")
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            help="wav, flac, aiff, ogg, ...", show_default="that of the recording if it can be written, else wav"
        ),
    ] = None,
    subtype: Annotated[
        str | None,
        typer.Option(
            help="How samples are stored: PCM_16, PCM_24, FLOAT, ...", show_default="as usual: PCM_16, VORBIS"
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Convert recordings with a MODEL and write them to a folder under their own names.

    Recordings are read, converted and written piece by piece, so that their length does not matter; each channel is
    converted by itself. A file that cannot be read is reported and the others are converted all the same.

    **Example:** `sktimbre convert flute-to-clarinet.sktimbre melody.wav duet.flac -o clarinet/`
    """
    with session(as_json, quiet, debug) as s:
        _check_names(files, output)
        check_readable(model)
        with s.status("Loading the model"), s.importing():
            transfer = load_model(model)
        from sktimbre.cli.recordings import convert_recording

        converted, failed, planned = [], [], []
        for file in files:
            try:
                planned.append(_plan(file, output, int(transfer.sr), keep_rate, format, subtype))
            except ParameterError:  # of the options, not of the file
                raise
            except (SktimbreError, OSError) as error:
                failed.append({"input": file, "error": describe(error)})
                s.fail(error, prefix="Left out")
        _check_targets([recording.target for recording in planned], files, overwrite)
        if planned:
            output.mkdir(parents=True, exist_ok=True)
        with s.progress() as progress:
            for recording in planned:
                task = progress.add_task(recording.source.name, total=recording.n_samples)
                started = time.perf_counter()
                try:
                    duration = convert_recording(
                        transfer,
                        recording,
                        subtype=subtype,
                        overwrite=overwrite,
                        advance=partial(progress.advance, task),
                    )
                except Exception as error:  # whatever is wrong with one recording, the others can still be converted
                    progress.stop_task(task)
                    failed.append({"input": recording.source, "error": describe(error)})
                    s.fail(error, prefix="Failed")
                    continue
                elapsed = time.perf_counter() - started
                converted.append(
                    {
                        "input": recording.source,
                        "output": recording.target,
                        "sr": recording.sr,
                        "duration": duration,
                        "elapsed": elapsed,
                        "real_time_factor": elapsed / duration,
                    }
                )
        _report(s, model, converted, failed)
        if failed:
            raise typer.Exit(FAILED)


def _check_names(files: list[Path], folder: Path) -> None:
    """Raise an error for what the names alone tell, before anything is loaded."""
    stems: dict[str, Path] = {}
    for file in files:
        # Not all file systems tell capital letters from small ones.
        other = stems.setdefault(file.stem.casefold(), file)
        if other is not file:
            raise ParameterError(f"{other} and {file} would both be written as {file.stem}; convert one at a time.")
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"--output {folder} is a file; give a folder to write to.")


def _plan(
    file: Path, folder: Path, model_sr: int, keep_rate: bool, suffix: str | None, subtype: str | None
) -> "Recording":
    """Return what to do with a file, once its header was read and its format is known to be writable."""
    from sktimbre._soundfiles import FORMATS, resolve_format
    from sktimbre.audio import AudioReader
    from sktimbre.cli.recordings import Recording

    reader = AudioReader(file, sr=model_sr)
    sr = reader.file_sr if keep_rate else model_sr
    if suffix is not None:
        chosen = f".{suffix.lower().removeprefix('.')}"
        if chosen not in FORMATS:
            known = ", ".join(name.removeprefix(".") for name in FORMATS)
            raise ParameterError(f"--format {suffix} is none that can be written: choose one of {known}.")
    else:
        chosen = file.suffix.lower()
        try:
            resolve_format(Path(f"x{chosen}"), subtype, sr, reader.n_channels)
        except ParameterError:
            chosen = ".wav"
    target = folder / f"{file.stem}{chosen}"
    resolve_format(target, subtype, sr, reader.n_channels)
    return Recording(file, target, sr, reader.n_frames)


def _check_targets(targets: list[Path], files: list[Path], overwrite: bool) -> None:
    """Raise an error if writing would destroy anything, or cannot succeed."""
    sources = {file.resolve() for file in files}
    for target in targets:
        if target.resolve() in sources:
            raise SktimbreError(f"{target} would replace a recording that is to be converted; write to another folder.")
        if target.parent.exists():
            check_output(target, overwrite)


def _report(s: Session, model: Path, converted: list[dict[str, Any]], failed: list[dict[str, Any]]) -> None:
    shown = table("Written", "Seconds", "Hz", "Speed")
    for entry in converted:
        speed = f"{number(1 / entry['real_time_factor'], 1)} x real time"
        shown.add_row(str(entry["output"]), number(entry["duration"], 2), str(entry["sr"]), speed)
    values = {"model": model, "converted": converted, "failed": failed}
    n_files = len(converted) + len(failed)
    verdict = f"{len(failed)} of {n_files} recordings could not be converted." if failed else ""
    s.result(values, *([shown] if converted else []), *([verdict] if verdict else []))
