"""`sktimbre evaluate`: compare a model with baselines on paired notes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sktimbre.cli.modelfiles import Model, load_model
from sktimbre.cli.noteoptions import as_arguments, takes_notes
from sktimbre.cli.session import (
    DURATION,
    Debug,
    Duration,
    Json,
    Quiet,
    note_folders,
    number,
    session,
    table,
)

__all__ = ["evaluate"]


@takes_notes
def evaluate(
    model: Model,
    source: Annotated[Path, typer.Argument(help="Folder of notes of the source instrument, or one file.")],
    target: Annotated[Path, typer.Argument(help="Folder of notes of the target instrument, or one file.")],
    note_options: dict[str, Any],
    duration: Duration = DURATION,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compare a MODEL with two baselines on notes that it was not trained on.

    Of folders that `sktimbre fit` has trained on, only the held-out notes are used. If all notes are training notes, all are
    used, with a warning.

    **identity** is the unchanged source: a model with greater errors is worse than none. **phase oracle** inverts the true
    target spectra with the model's phase retrieval: its errors are the least that a network can reach with it.

    The reconstruction error compares log-magnitude spectra before phase retrieval; all other metrics compare audio after
    it. Higher is better for the loudness correlation, lower for all others.

    **Example:** `sktimbre evaluate flute-to-clarinet.sktimbre held-out/flute/ held-out/clarinet/`
    """
    with session(as_json, quiet, debug) as s:
        folders, how = note_folders(source, target), as_arguments(note_options)
        with s.status("Loading the model"), s.importing():
            transfer = load_model(model)
            from sktimbre.cli.comparison import check_direction, compare, split, trained_on
            from sktimbre.cli.scores import METRICS
            from sktimbre.datasets import load_pairs, name_of_pitch
        with s.status("Reading notes"):
            notes = load_pairs(*folders, sr=int(transfer.sr), duration=duration, transitions=False, **how)
            check_direction(transfer, notes)
        trained, _, judged = split(transfer, notes)
        with s.status("Converting and comparing"):
            compared = compare(transfer, notes, judged, training=judged[:0])
        tables = []
        for key, metric in METRICS.items():
            one = table("Note", *compared.scores, title=metric.title)
            for place, i in enumerate(judged):
                cells = [number(of.get(key), metric.digits) for of in compared.of_note(place).values()]
                one.add_row(f"{name_of_pitch(notes.pitches[i])} {notes.source_sounds[i].name}", *cells)
            tables.append(one)
        rows = compared.cells()
        left_out = len(notes.pitches) - len(judged)
        others = f"; {left_out} notes that the model was trained on are left out" if left_out else ""
        # Last, where it is seen.
        tables.append(table(*rows[0], title=f"Mean of {len(judged)} notes{others}"))
        for row in rows[1:]:
            tables[-1].add_row(*row)
        per_note = [
            {
                "pitch": int(notes.pitches[i]),
                "source": notes.source_files[i],
                "target": notes.target_files[i],
                **_places(notes.source_sounds[i], notes.target_sounds[i]),
                "scores": compared.of_note(place),
            }
            for place, i in enumerate(judged)
        ]
        record = trained_on(transfer) or {"pitches": ()}
        seen = [i for i in judged if int(notes.pitches[i]) in record["pitches"]]
        if trained is not None and trained.all():
            s.warn("The model was trained on all of these notes: on others its errors may be greater.")
        elif seen:
            s.warn(
                f"{len(seen)} of {len(judged)} notes have pitches that the model was trained on: on other pitches its errors "
                "may be greater."
            )
        unpaired = [*notes.unpaired_source, *notes.unpaired_target]
        unused = f"Unpaired files, left out: {', '.join(map(str, unpaired))}"
        values = {
            "model": model,
            "material": notes.material,
            "mean": compared.means,
            "notes": per_note,
            "unpaired": unpaired,
            "notes_of_trained_pitches": len(seen),
        }
        values["training_notes"] = None if trained is None else int(trained.sum())
        s.result(values, *tables[:-1], *([unused] if unpaired else []), tables[-1])


def _places(source, target):
    """Return where notes are in files of several."""
    sides = {"source": source, "target": target}.items()
    return {
        f"{side}_{end}": getattr(sound, end)
        for side, sound in sides
        if sound.start is not None
        for end in ("start", "end")
    }
