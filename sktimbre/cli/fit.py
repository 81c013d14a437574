"""`sktimbre fit`: train a model on notes of two instruments and save it."""

from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.filesize import decimal
from rich.progress import Progress

from sktimbre.cli.completion import complete_architecture, complete_phase, complete_preset, complete_tuning
from sktimbre.cli.noteoptions import (
    NOTE_OPTIONS,
    Folders,
    To,
    as_arguments,
    option_name,
    sides_of,
    takes_notes,
)
from sktimbre.cli.pairing import PairedHeaders, material_facts, read_headers
from sktimbre.cli.params import FitParams
from sktimbre.cli.session import (
    DURATION,
    NOTHING_WRITTEN,
    Debug,
    DryRun,
    Json,
    Overwrite,
    Quiet,
    Session,
    check_output,
    note_folders,
    number,
    session,
    table,
)
from sktimbre.exceptions import ParameterError, SktimbreError

if TYPE_CHECKING:
    from sktimbre.transfer import TimbreTransfer

__all__ = ["fit", "train"]

LOWER = (
    "Lower is better. Beside the progress bar stand other errors: in training those of variations of the notes, held out "
    "those of the network alone, before loudness and noise are restored."
)


@takes_notes
def fit(
    folders: Folders = None,
    *,
    to: To = None,
    note_options: dict[str, Any],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MODEL", help="Model file to write, usually *.sktimbre.")
    ],
    params: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML file with parameters; options override them."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Parameters to start from, which the file and options override: draft, for a first model within a minute; "
            "quality, for a better one on a GPU, or in four times as long; or thesis.",
            autocompletion=complete_preset,
        ),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(
            help="Network: unet, or one of the thesis: shallow, dilated, residual, dilated_residual.",
            autocompletion=complete_architecture,
        ),
    ] = None,
    depth: Annotated[int | None, typer.Option(help="Number of stages of convolution and pooling.")] = None,
    filters: Annotated[
        int | None, typer.Option(help="Channels of the first convolution; later ones have more.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training notes.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Notes in a batch.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Learning rate of the optimizer.")] = None,
    early_stopping: Annotated[
        int | None,
        typer.Option(help="Epochs without a lower held-out error before training stops; the best weights are kept."),
    ] = None,
    n_fft: Annotated[
        int | None, typer.Option(help="Samples in a window of the STFT.", show_default="about 46 ms: 1024 at 22050 Hz")
    ] = None,
    hop_length: Annotated[int | None, typer.Option(help="Samples between successive frames.")] = None,
    sr: Annotated[
        int | None,
        typer.Option(
            help="Sample rate of the model in Hz.", show_default="that of most files, of the lower side, at most 48000"
        ),
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            help="Seconds of each note from its onset; shorter notes are padded with silence.",
            show_default=str(DURATION),
        ),
    ] = None,
    tuning: Annotated[
        str | None,
        typer.Option(
            help="Pitch of the output: source, as it is played, or target, as its training notes are tuned.",
            autocompletion=complete_tuning,
        ),
    ] = None,
    phase: Annotated[
        str | None,
        typer.Option(help="Initial phase of phase retrieval: source or estimate.", autocompletion=complete_phase),
    ] = None,
    iterations: Annotated[int | None, typer.Option(help="Iterations of phase retrieval.")] = None,
    validation_split: Annotated[float | None, typer.Option(help="Fraction of the pitches that is held out.")] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed; equal seeds give equal models.")] = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="Processes that draw variations of the notes, beside the training; a GPU may wait for one."),
    ] = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a model to convert SOURCE to TARGET, on notes that both play, or on recordings of music, and save it.

    Several sources (`sktimbre fit flute/ oboe/ violin/ --to clarinet/ -o MODEL`) make a model that converts each of them.

    The files are single notes, or recordings of one voice, which are cut into notes (--material). Pitches of notes are read
    from names (A4, Bb4, a MIDI number), headers or maps and compared with what is heard; notes of equal pitch are paired, like
    with like. `sktimbre pairs` shows the pairs. The notes
    of some pitches are held out. Compare the model's error on them with that of the unchanged source (identity) and
    of an equaliser fitted to the training pairs (per-bin linear).

    Options without a default here have the default of the estimator that they belong to: TimbreAutoencoder, LogSTFT,
    GriffinLimInverter or TimbreTransfer.

    A file for --params has the parameters of these estimators in tables named stft, autoencoder and inverter, and above the
    tables those of TimbreTransfer and optionally source, target, duration and the options of pairs. `sktimbre info MODEL
    --params` prints one.

    **Example:** `sktimbre fit flute/ clarinet/ -o flute-to-clarinet.sktimbre --epochs 50 --early-stopping 10`
    """
    with session(as_json, quiet, debug) as s:
        check_output(output, overwrite)
        given = FitParams.read(params)
        given.set_preset(preset)
        sources, target = sides_of(folders, to)
        for option, value, *names in (
            ("SOURCE", [str(each) for each in sources] or None, "source"),
            ("TARGET", target, "target"),
            ("--duration", duration, "duration"),
            ("--architecture", architecture, "autoencoder.architecture"),
            ("--depth", depth, "autoencoder.depth"),
            ("--filters", filters, "autoencoder.filters"),
            ("--tuning", tuning, "autoencoder.tuning"),
            ("--epochs", epochs, "autoencoder.epochs"),
            ("--batch-size", batch_size, "autoencoder.batch_size"),
            ("--learning-rate", learning_rate, "autoencoder.optimizer__learning_rate"),
            ("--early-stopping", early_stopping, "autoencoder.early_stopping"),
            ("--validation-split", validation_split, "autoencoder.validation_split"),
            ("--n-fft", n_fft, "stft.n_fft"),
            ("--hop-length", hop_length, "stft.hop_length"),
            ("--sr", sr, "sr"),
            ("--phase", phase, "phase"),
            ("--iterations", iterations, "inverter.n_iter"),
            ("--seed", seed, "autoencoder.random_state", "inverter.random_state"),
            ("--jobs", jobs, "autoencoder.n_jobs"),
        ):
            given.set_option(option, value, *names)
        for name, value in note_options.items():
            given.set_option(option_name(name), value, name)
        # Check before large imports and before notes are read.
        given.check()
        sides = _folders(given)
        how = as_arguments({name: value for name in NOTE_OPTIONS if (value := given.get(name)) is not None})
        seconds = given.get("duration", DURATION)
        if given.get("sr") is None:
            from sktimbre.datasets.material import rate_of_files

            with s.status("Reading headers"):
                given.set_option("--sr", rate_of_files(*sides, how), "sr")
        model = given.build()
        with s.status("Starting"), s.importing():
            import keras  # noqa: F401

            from sktimbre.autoencoder.training.settings import training_options
            from sktimbre.cli.comparison import digests_of, remember_training
            from sktimbre.datasets import load_pairs

            with given.locating_errors("autoencoder"):
                training_options(model.autoencoder, seed=0)
        if dry_run:
            _show_plan(s, model, read_headers(*sides, model.sr, seconds, **how), seconds, output)
            return
        with s.status("Reading notes"):
            notes = load_pairs(*sides, sr=model.sr, duration=seconds, **how)
            # Now: after a long training the files may be out of reach.
            files = digests_of(notes.source_sounds)
        with s.progress("error") as progress:
            train(model, notes.source, notes.target, progress, groups=notes.pitches)
        import numpy as np

        held_out = model.autoencoder_.validation_indices_
        training = np.setdiff1d(np.arange(len(notes.pitches)), held_out)
        pitches = notes.pitches[training], notes.pitches[held_out]
        remember_training(model, *pitches, [files[i] for i in training], seconds)
        _save(s, model, output, overwrite)
        try:
            with s.status("Comparing with baselines"):
                errors, n_judged = _errors(model, notes, held_out)
        except BaseException:
            s.say(f"{output} is written; the comparison with baselines did not end.")
            raise
        _report(s, model, notes, held_out, errors, n_judged, output)


def _save(s, model, output, overwrite):
    """Save a model; where that fails, save it among the temporary files, so that its training is not lost."""
    from sktimbre import save

    try:
        save(model, output, overwrite=overwrite)
    except (SktimbreError, OSError):
        rescued = save(model, Path(mkdtemp(prefix="sktimbre-")) / output.name)
        s.say(f"The model could not be written to {output}; it is in {rescued}.")
        raise


def train(model: "TimbreTransfer", X: Any, y: Any, progress: Progress, **fit_params: Any) -> None:
    """Fit a model and show a progress bar with the error after each epoch.

    Parameters
    ----------
    model : TimbreTransfer
        Model with a `TimbreAutoencoder`.
    X, y : ndarray of shape (n_notes, n_samples)
        Audio of source and target.
    progress : rich.progress.Progress
        With a field "error".
    **fit_params
        Passed to the model's ``fit``.
    """
    import keras

    task = progress.add_task("Training", total=model.autoencoder.epochs, error="")

    def after_epoch(epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        text = f"error {logs.get('reconstruction_error', float('nan')):.4f}"
        if "val_reconstruction_error" in logs:
            text += f", held out {logs['val_reconstruction_error']:.4f}"
        progress.update(task, advance=1, error=text)

    model.fit(X, y, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=after_epoch)], **fit_params)
    # Complete the bar after early stopping.
    done = progress.tasks[task].completed
    progress.update(task, total=done, completed=done)


def _folders(given: FitParams) -> tuple[Path | list[Path], Path | list[Path]]:
    """Return the folders of sources and target; raise an error if neither the command line nor the file names them."""
    for name in ("source", "target"):
        if given.get(name) is None:
            fix = (
                f"or write {name} = into {given.path}"
                if given.path
                else "as in `sktimbre fit flute/ clarinet/ -o MODEL`"
            )
            raise ParameterError(f"{name.upper()} is missing: name the folder of its notes, {fix}.")
    sources = given.get("source")
    sources = [sources] if isinstance(sources, str | Path) else sources
    return note_folders([Path(each) for each in sources], Path(given.get("target")))


def _show_plan(s: Session, model: "TimbreTransfer", pairs: PairedHeaders, duration: float, output: Path) -> None:
    """Print what a fit would read, hold out and write."""
    from sktimbre._utils.seeds import draw_seed
    from sktimbre.autoencoder.data.pairs import split_notes
    from sktimbre.datasets import name_of_pitch

    network, n_notes = model.autoencoder, len(pairs.pitches)
    seed = draw_seed(network.random_state)
    training, held_out = split_notes(n_notes, network.validation_split, seed, pairs.pitches)
    values = {
        "dry_run": True,
        "model": output,
        "material": pairs.material,
        "pairs": pairs.headers,
        "unpaired": pairs.unpaired,
        "held_out": len(held_out),
        # Without a seed each fit draws other pairs.
        "held_out_pitches": None if network.random_state is None else pairs.pitches[held_out],
        "duration": duration,
        "sr": model.sr,
    }
    short = pairs.shorter_than(duration)
    facts = table("Would write", str(output), numbers=False)
    for name, text in pairs.facts.items():
        facts.add_row(name, text)
    facts.add_row("Pairs", f"{n_notes}, {len(training)} of them for training")
    if network.random_state is not None and len(held_out):
        facts.add_row("Held out", ", ".join(name_of_pitch(p) for p in pairs.pitches[held_out]))
    facts.add_row("Unpaired files, left out", _listed(pairs.unpaired))
    facts.add_row("Seconds of each note", f"{duration:g}, {short} files are shorter" if short else f"{duration:g}")
    facts.add_row("Sample rate", f"{model.sr:g} Hz")
    facts.add_row("Network", f"{network.architecture}, {network.epochs} epochs")
    s.result(values, *([] if pairs.facts else [pairs.table(range(n_notes))]), facts, NOTHING_WRITTEN)


def _errors(model, notes, held_out):
    """Return the reconstruction errors of the model and of baselines on held-out notes, and the number of these notes."""
    import numpy as np
    from sklearn.utils import _safe_indexing

    from sktimbre.cli.comparison import spectra_of, spread
    from sktimbre.cli.scores import spectra_baselines
    from sktimbre.metrics import reconstruction_error

    training = spread(np.setdiff1d(np.arange(len(notes.pitches)), held_out))
    # Without held-out notes, the errors are those on training notes.
    judged = spread(held_out) if len(held_out) else training
    train, test = (spectra_of(model, notes, which) for which in (training, judged))
    X = _safe_indexing(notes.source, judged)
    predicted = {"model": model.predict_spectra(X)} | spectra_baselines(train, test)
    return {name: reconstruction_error(test[1], spectra) for name, spectra in predicted.items()}, len(judged)


def _listed(files, most=10):
    """Return file names on separate lines; more than ``most`` are cut, since the JSON object lists all."""
    lines = [str(file) for file in files[:most]]
    return "\n".join([*lines, *([f"and {len(files) - most} more"] if len(files) > most else [])]) or "none"


def _report(s, model, notes, held_out, errors, n_judged, output):
    unpaired = [*notes.unpaired_source, *notes.unpaired_target]
    network = model.autoencoder_
    size = output.stat().st_size
    n_notes, n_held_out = len(notes.pitches), len(held_out)
    some = f"{n_judged} of the {n_held_out}" if n_judged < n_held_out else f"{n_judged}"
    of = f"On {some} held-out notes" if n_held_out else f"On {n_judged} training notes (none were held out)"
    # Errors depend on the level of the notes, their ratios do not.
    shown = table("", "Reconstruction error", "Beside identity", title=of)
    for name, error in errors.items():
        ratio = error / errors["identity"] if errors["identity"] else None
        shown.add_row(name, number(error, 4), number(ratio, 2), style="bold" if name == "model" else None)
    facts = table("Model", str(output), numbers=False)
    for name, text in material_facts(notes).items():
        facts.add_row(name, text)
    facts.add_row("Pairs", f"{n_notes}, {n_notes - n_held_out} of them for training")
    facts.add_row("Unpaired files, left out", _listed(unpaired))
    facts.add_row("Epochs", str(len(network.history_["loss"])))
    facts.add_row("Size", f"{network.n_parameters_:,} weights, {decimal(size)}")
    values = {
        "model": output,
        "bytes": size,
        "parameters": network.n_parameters_,
        "material": notes.material,
        "notes": n_notes,
        **{name: notes[name] for name in ("seconds", "gaps", "missing", "takes") if name in notes},
        "held_out_pitches": notes.pitches[held_out],
        "unpaired": unpaired,
        "errors": errors,
        "errors_are_held_out": bool(n_held_out),
        "judged": n_judged,
        "history": network.history_,
    }
    s.result(values, shown, LOWER, facts)
