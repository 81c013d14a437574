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
            import numpy as np

            from sktimbre.cli.comparison import check_direction, compare, trained_on, training_mask
            from sktimbre.cli.scores import METRICS
            from sktimbre.datasets import load_pairs, name_of_pitch
        with s.status("Reading notes"):
            notes = load_pairs(*folders, sr=int(transfer.sr), duration=duration, transitions=False, **how)
            check_direction(transfer, notes)
        every = np.arange(len(notes.pitches))
        with s.status("Converting and comparing"):
            compared = compare(transfer, notes, every, training=every[:0])
        rows = compared.cells()
        tables = [table(*rows[0], title=f"Mean of {len(every)} notes")]
        for row in rows[1:]:
            tables[0].add_row(*row)
        for key, metric in METRICS.items():
            one = table("Note", *compared.scores, title=metric.title)
            for i, pitch in enumerate(notes.pitches):
                cells = [number(of.get(key), metric.digits) for of in compared.of_note(i).values()]
                one.add_row(f"{name_of_pitch(pitch)} {notes.source_sounds[i].name}", *cells)
            tables.append(one)
        per_note = [
            {
                "pitch": int(pitch),
                "source": notes.source_files[i],
                "target": notes.target_files[i],
                "scores": compared.of_note(i),
            }
            for i, pitch in enumerate(notes.pitches)
        ]
        mask, record = training_mask(transfer, notes), trained_on(transfer) or {"pitches": ()}
        seen = [i for i in every if int(notes.pitches[i]) in record["pitches"]]
        n_same = None if mask is None else int(mask.sum())
        if seen:
            s.warn(
                f"{len(seen)} of {len(every)} notes have pitches that the model was trained on, {n_same} of them are its "
                "training notes: on others its errors may be greater."
            )
        unpaired = [*notes.unpaired_source, *notes.unpaired_target]
        left_out = f"Unpaired files, left out: {', '.join(map(str, unpaired))}"
        values = {
            "model": model,
            "material": notes.material,
            "mean": compared.means,
            "notes": per_note,
            "unpaired": unpaired,
            "notes_of_trained_pitches": len(seen),
        }
        values["training_notes"] = n_same
        s.result(values, *tables, *([left_out] if unpaired else []))
