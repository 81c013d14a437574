"""`sktimbre report`: write a page to listen to source, output and target of notes."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sktimbre.cli.modelfiles import Model, load_model
from sktimbre.cli.noteoptions import as_arguments, takes_notes
from sktimbre.cli.pairing import read_headers
from sktimbre.cli.session import (
    DURATION,
    NOTHING_WRITTEN,
    Debug,
    DryRun,
    Duration,
    Json,
    Overwrite,
    Quiet,
    check_output,
    note_folders,
    session,
    table,
)
from sktimbre.exceptions import DatasetWarning

if TYPE_CHECKING:
    import numpy as np
    from sklearn.utils import Bunch

    from sktimbre.cli.comparison import Comparison
    from sktimbre.cli.listening import Note
    from sktimbre.transfer import TimbreTransfer

__all__ = ["make_page", "report"]


@takes_notes
def report(
    model: Model,
    source: Annotated[Path, typer.Argument(help="Folder of notes of the source instrument, or one file.")],
    target: Annotated[Path, typer.Argument(help="Folder of notes of the target instrument, or one file.")],
    note_options: dict[str, Any],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PAGE", help="File to write, usually *.html.")],
    blind: Annotated[
        bool, typer.Option("--blind", help="Write a page for a blind listening test: ABX, and ratings beside anchors.")
    ] = False,
    duration: Duration = DURATION,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a page to listen to source, output and target of notes, with spectrograms and scores.

    The page is one file for any browser and needs no network connection. It shows the notes that the model was not trained
    on; models of sktimbre fit store which these are. If a model does not, or was trained on all of the notes, the page shows
    all of them and says so.

    With --blind the page is a listening test: it does not say which sound is which, asks for answers, and saves them as CSV,
    which `sktimbre answers` summarises.

    **Example:** `sktimbre report flute-to-clarinet.sktimbre flute/ clarinet/ -o flute-to-clarinet.html`
    """
    with session(as_json, quiet, debug) as s:
        check_output(output, overwrite)
        folders, how = note_folders(source, target), as_arguments(note_options)
        with s.status("Loading the model"), s.importing():
            transfer = load_model(model)
            from sktimbre.audio import atomic_path
            from sktimbre.cli.comparison import check_direction, compare, split, trained_on
            from sktimbre.datasets import load_pairs
        with s.status("Reading notes"):
            known = read_headers(*folders, int(transfer.sr), duration, transitions=False, **how)
            check_direction(transfer, known)
            trained, training, judged = split(transfer, known)
        if dry_run:
            pairs = [known.headers[i] for i in judged]
            values = {"dry_run": True, "page": output, "pitches": known.pitches[judged], "pairs": pairs}
            s.result(
                values,
                known.table(judged),
                f"Would write {output}. {_describe_notes(trained, len(judged))}",
                NOTHING_WRITTEN,
            )
            return
        with s.status("Reading notes"), warnings.catch_warnings():
            warnings.simplefilter("ignore", DatasetWarning)  # shown above
            notes = load_pairs(*folders, sr=int(transfer.sr), duration=duration, transitions=False, **how)
        with s.status("Converting and comparing"):
            compared = compare(transfer, notes, judged, training)
        title = f"{source.resolve().name} to {target.resolve().name}"
        if blind:
            from sktimbre.cli.blind import blind_page, trials_of

            page = blind_page(title, trials_of(notes, judged, _names(notes, judged), compared, transfer.sr))
            with atomic_path(output, overwrite) as temporary:
                temporary.write_text(page, encoding="utf-8", errors="backslashreplace")
            values = {"page": output, "pitches": notes.pitches[judged]}
            s.result(values, f"Written to {output}; `sktimbre answers` summarises the files that it saves.")
            return
        with s.status("Drawing"):
            # Draw baselines beside the learning curves only if both are of the same held-out notes.
            held_out = (trained_on(transfer) or {}).get("held_out_pitches")
            references = compared.references if sorted(notes.pitches[judged]) == held_out else None
            page = make_page(
                title, _describe_notes(trained, len(judged)), transfer, notes, judged, compared, references
            )
        with atomic_path(output, overwrite) as temporary:
            temporary.write_text(page, encoding="utf-8", errors="backslashreplace")
        rows = compared.cells()
        shown = table(*rows[0], title=f"Mean of {len(judged)} notes")
        for row in rows[1:]:
            shown.add_row(*row)
        values = {
            "page": output,
            "held_out": bool(trained is not None and not trained.all()),
            "pitches": notes.pitches[judged],
            "mean": compared.means,
        }
        s.result(values, shown, f"Written to {output}; open it in a browser to listen.")


def make_page(
    title: str,
    description: str,
    model: "TimbreTransfer",
    pairs: "Bunch",
    judged: Any,
    compared: "Comparison",
    references: Mapping[str, float] | None = None,
    opening: "Note | None" = None,
) -> str:
    """Return a page of notes as HTML.

    Parameters
    ----------
    title, description : str
        Shown at the top.
    model : TimbreTransfer
        Fitted model.
    pairs : Bunch
        As in `compare`.
    judged : ndarray of int
        Indices of the notes that were compared.
    compared : Comparison
        Their outputs and scores.
    references : dict of str to float or None
        Errors of baselines to draw beside the learning curves; None draws none.
    opening : Note or None
        A recording that is shown before the notes.

    Returns
    -------
    str
    """
    from sktimbre.cli.info import model_facts, model_settings, shown_facts
    from sktimbre.cli.listening import Page, learning_curves, listening_page, note_of_page

    notes = []
    for i, (note, name) in enumerate(zip(judged, _names(pairs, judged), strict=True)):
        audio = {"source": pairs.source[note], "output": compared.sounds["model"][i], "target": pairs.target[note]}
        notes.append(note_of_page(name, audio, model.sr, compared, i))
    settings = {part: {k: str(v) for k, v in of.items()} for part, of in model_settings(model).items()}
    page = Page(
        title,
        description,
        notes,
        compared.cells(),
        shown_facts(model_facts(model)),
        settings,
        learning_curves(model, references),
        opening,
    )
    return listening_page(page)


def _describe_notes(trained: "np.ndarray | None", n_judged: int) -> str:
    """Return a sentence that says which notes the page shows."""
    count = "One note" if n_judged == 1 else f"{n_judged} notes"
    if trained is None:
        return f"{count}: all that pair. The model does not know what it was trained on, so they may be its training notes."
    if trained.all():
        return f"{count}: all that pair. The model was trained on all of them; on other notes it may be worse."
    return f"{count} that the model was not trained on: source, output and target."


def _names(pairs: "Bunch", judged: Any) -> list[str]:
    """Return the names of the pitches; pitches that occur more than once get the name of the file."""
    from sktimbre.datasets import name_of_pitch

    pitches = [int(pairs.pitches[i]) for i in judged]
    return [
        f"{name_of_pitch(p)} ({pairs.source_sounds[i].name})" if pitches.count(p) > 1 else name_of_pitch(p)
        for p, i in zip(pitches, judged, strict=True)
    ]
