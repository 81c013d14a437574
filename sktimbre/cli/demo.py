"""`sktimbre demo`: train on synthetic notes, and write sounds, scores, a figure and a page."""

import io
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from sktimbre.cli.session import NOTHING_WRITTEN, Debug, DryRun, Json, Overwrite, Quiet, plain, session, table
from sktimbre.exceptions import ParameterError, SktimbreError

if TYPE_CHECKING:
    import numpy as np
    from sklearn.utils import Bunch

    from sktimbre.transfer import TimbreTransfer

__all__ = ["demo"]

# The model that converts the phrase, and the name of its sounds.
SHIPPED, PHRASE = "to-clarinet", "phrase"
# Small enough to train in about a minute on two cores.
FILTERS, EPOCHS, N_NOTES, NOTE_DURATION = 16, 80, 25, 1.0
MODEL, PICTURE, RESULTS, PAGE, SOUNDS = "model.sktimbre", "spectrograms.png", "results.json", "index.html", "audio"


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder to write to; created if missing.")
    ] = Path("demo_output"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the notes and of the training.")] = 0,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training notes.")] = EPOCHS,
    notes: Annotated[int, typer.Option(min=5, max=60, help="Pairs of notes; every fifth is held out.")] = N_NOTES,
    duration: Annotated[float, typer.Option(min=0.2, help="Seconds of each note.")] = NOTE_DURATION,
    filters: Annotated[
        int, typer.Option(min=1, help="Channels of the first convolution; later ones have more.")
    ] = FILTERS,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Convert a phrase by a model of the package, then train one on synthetic notes; takes a few minutes and needs no files.

    Every fifth pitch is held out. On the held-out notes the model is compared with four baselines: **identity** leaves the
    source unchanged; **per-bin linear** is an equaliser fitted to the training pairs; **transposed neighbours** resamples
    the nearest training notes of the target to the true pitch; **phase oracle** inverts the true target spectra.

    The folder then holds the sounds, a figure of their spectrograms, the model, results.json, and index.html, a page to
    listen to in a browser.

    **Example:** `sktimbre demo -o demo_output`
    """
    with session(as_json, quiet, debug) as s:
        _check_folder(output, overwrite)
        if dry_run:
            names = (MODEL, PICTURE, RESULTS, PAGE, SOUNDS)
            would = f"Would train on {notes} pairs of synthetic notes, every fifth held out, and write to {output}:"
            values = {"dry_run": True, "folder": output, "files": [output / name for name in names]}
            s.result(values, f"{would} {', '.join(names)}.", NOTHING_WRITTEN)
            return
        started = time.perf_counter()
        with s.status(f"Converting a phrase by the model {SHIPPED}"):
            phrase, phrase_sr = _converted_phrase()
            output.mkdir(parents=True, exist_ok=True)
            _write_sounds(output, PHRASE, phrase, phrase_sr, overwrite)
        if not quiet:
            s.say(
                f"A phrase, converted: {output / SOUNDS / f'{PHRASE}.output.wav'}. Now a model is trained, "
                "which takes about two minutes on two cores."
            )
        with s.status("Starting"), s.importing():
            import keras  # noqa: F401
            import numpy as np

            from sktimbre import TimbreAutoencoder, TimbreTransfer, save
            from sktimbre.cli.comparison import compare, remember_training
            from sktimbre.cli.listening import phrase_of_page
            from sktimbre.datasets import make_paired_notes

            pairs = make_paired_notes(notes, duration=duration, random_state=seed)
            held_out = np.arange(2, notes, 5)
            training = np.setdiff1d(np.arange(notes), held_out)
            autoencoder = TimbreAutoencoder(filters=filters, epochs=epochs, validation_split=0.0, random_state=seed)
            model = TimbreTransfer(autoencoder=autoencoder, sr=pairs.sr)
        with s.progress("error") as progress:
            _train(model, pairs, training, held_out, progress)
        with s.status("Comparing with baselines"):
            compared = compare(model, pairs, held_out, training)
            remember_training(model, pairs.pitches[training], pairs.pitches[held_out])
        results = {
            "seed": seed,
            "epochs": epochs,
            "filters": filters,
            "architecture": autoencoder.architecture,
            "training_pitches": pairs.pitches[training],
            "held_out_pitches": pairs.pitches[held_out],
            "scores": compared.means,
            "history": model.autoencoder_.history_,
        }
        with s.status("Writing"):
            save(model, output / MODEL, overwrite=overwrite)
            opening = phrase_of_page(f"A phrase, converted by the model {SHIPPED}", phrase, phrase_sr)
            _write(output, overwrite, model, pairs, held_out, compared, results, opening)
        results["elapsed"] = time.perf_counter() - started
        cells = compared.cells()
        shown = table(*cells[0], title=f"Mean of {len(held_out)} held-out notes")
        for row in cells[1:]:
            shown.add_row(*row)
        where = f"Written to {output} in {results['elapsed']:.0f} s; listen to it: {output / PAGE}"
        s.result({"folder": output, **results}, shown, where)


def _train(model: "TimbreTransfer", pairs: "Bunch", training: Any, held_out: Any, progress: Progress) -> None:
    from sktimbre.cli.fit import train

    # The held-out notes are measured only; no weights are selected by them.
    validation = pairs.source[held_out], pairs.target[held_out]
    train(model, pairs.source[training], pairs.target[training], progress, validation_data=validation)


def _converted_phrase() -> "tuple[dict[str, np.ndarray], int]":
    """Return a recorded phrase and its conversion by a model that comes with the package, and their sample rate."""
    from sktimbre import models
    from sktimbre.datasets import load_phrase

    model = models.load(SHIPPED)
    phrase, sr = load_phrase(int(model.sr))
    return {"source": phrase, "output": model.predict([phrase])[0]}, sr


def _write_sounds(folder: Path, name: str, sides: "dict[str, np.ndarray]", sr: int, overwrite: bool) -> None:
    from sktimbre.audio import write_audio

    (folder / SOUNDS).mkdir(exist_ok=True)
    for side, y in sides.items():
        # Scale down sounds that would clip.
        y = y / max(1.0, float(abs(y).max()))
        write_audio(folder / SOUNDS / f"{name}.{side}.wav", y, sr, overwrite=overwrite)


def _write(folder, overwrite, model, pairs, held_out, compared, results, opening) -> None:
    """Write the sounds, the figure, the results and the page."""
    from sktimbre.cli.report import make_page
    from sktimbre.datasets import name_of_pitch
    from sktimbre.plotting import TransferDisplay

    names = [name_of_pitch(pitch) for pitch in pairs.pitches[held_out]]
    sides = {"source": pairs.source[held_out], "output": compared.sounds["model"], "target": pairs.target[held_out]}
    for i, name in enumerate(names):
        _write_sounds(folder, name, {side: notes[i] for side, notes in sides.items()}, pairs.sr, overwrite)
    figure = TransferDisplay.from_estimator(
        model, *(pairs[s][held_out] for s in ("source", "target")), names=names
    ).figure_
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    page = make_page(
        "Flute to clarinet",
        "Synthetic notes that the model was not trained on: source, output and target.",
        model,
        pairs,
        held_out,
        compared,
        compared.references,
        opening,
    )
    _write_file(folder / PICTURE, buffer.getvalue(), overwrite)
    _write_file(folder / RESULTS, json.dumps(plain(results), indent=2, allow_nan=False).encode(), overwrite)
    _write_file(folder / PAGE, page.encode(), overwrite)


def _check_folder(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"--output {folder} is a file; give a folder to write to.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise SktimbreError(f"{folder} is not empty; pass --overwrite to replace an earlier demo, or another --output.")


def _write_file(path: Path, content: bytes, overwrite: bool) -> None:
    from sktimbre._utils.files import atomic_path

    with atomic_path(path, overwrite) as temporary:
        temporary.write_bytes(content)
