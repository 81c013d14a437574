"""`sktimbre pairs`: the table of two folders of notes, before any training."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from sktimbre.cli.noteoptions import PAIR_OPTIONS, Folders, To, as_arguments, sides_of, takes_notes
from sktimbre.cli.session import (
    DURATION,
    Debug,
    Json,
    Overwrite,
    Quiet,
    check_output,
    note_folders,
    number,
    session,
    table,
)
from sktimbre.exceptions import ParameterError

__all__ = ["pairs"]

# Sample rate in Hz at which recordings are cut, that of a model by default.
SR = 22050


@partial(takes_notes, options=PAIR_OPTIONS)
def pairs(
    folders: Folders,
    note_options: dict[str, Any],
    to: To = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the table as CSV; --pitches reads it after editing.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Draw pitches and levels of both sides, usually *.png.")
    ] = None,
    rolls: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Draw the notes of each recording over its spectrogram, into pictures in this folder.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show what `sktimbre fit` would learn from: each note with its pitch as written and as heard, and its partner.

    Files without a partner have a reason. Edit the column pitch of the table that --csv writes, and give it to fit with
    --pitches; files without a pitch in it are left out. Recordings of music are cut into notes; --rolls draws these.

    **Example:** `sktimbre pairs flute/ clarinet/ --csv pairs.csv`
    """
    with session(as_json, quiet, debug) as s:
        for written in (csv, plot):
            if written is not None:
                check_output(written, overwrite)
        if plot is not None and plot.suffix.lower() not in (".png", ".pdf", ".svg"):
            raise ParameterError(f"--plot {plot} must end in .png, .pdf or .svg.")
        arguments = as_arguments(note_options)
        sources, target = sides_of(folders, to)
        if not sources or target is None:
            raise ParameterError("Name two folders, as in `sktimbre pairs flute/ clarinet/`.")
        sides = note_folders(sources, target)
        with s.status("Listening"):
            from sktimbre.audio import atomic_path
            from sktimbre.cli.pairing import find_pairs
            from sktimbre.cli.rolls import draw_rolls, plan_rolls
            from sktimbre.datasets.sounds import counted
            from sktimbre.datasets.table import to_csv

            pictures = {} if rolls is None else plan_rolls(*sides, rolls, overwrite, arguments)
            found = find_pairs(*sides, SR, DURATION, **arguments)
        if rolls is not None and found.material == "notes":
            raise ParameterError(
                f"--rolls {rolls} is for recordings of music, and these are single notes; --plot draws them."
            )
        rows = [note.row("source") for note in found.source_notes] + [note.row("target") for note in found.target_notes]
        if csv is not None:
            with atomic_path(csv, overwrite) as temporary:
                # Paths from anywhere.
                absolute = [{**row, **{k: _absolute(row[k]) for k in ("file", "partner")}} for row in rows]
                temporary.write_text(to_csv(absolute), encoding="utf-8", errors="surrogateescape")
        if plot is not None:
            from sktimbre.plotting import PairsDisplay

            with atomic_path(plot, overwrite) as temporary:
                PairsDisplay.from_pairs(found).figure_.savefig(temporary, dpi=110)
        with s.status("Drawing"):
            draw_rolls(pictures, [each["file"] for each in found.recordings] if pictures else (), overwrite)
        shown = _of_notes(found, sides) if found.material == "notes" else _of_recordings(found)
        unpaired = [*found.unpaired_source, *found.unpaired_target]
        pitches = sorted({int(pitch) for pitch in found.pitches})
        values = {
            "material": found.material,
            "pairs": len(found.pitches),
            "pitches": pitches,
            "unpaired": unpaired,
            "notes": rows,
        }
        for name in ("recordings", "seconds", "gaps", "missing", "takes"):
            values |= {name: found[name]} if name in found else {}
        pitches_and_files = f"{counted(len(pitches), 'pitch')}; {counted(len(unpaired), 'file')} without a partner."
        summary = f"{counted(len(found.pitches), 'pair')} of {pitches_and_files}"
        s.result(values, *(each for each in shown if each.row_count), summary)


def _of_notes(found, sides):
    """Return a table of pairs, and one of the files without a partner."""
    from sktimbre.datasets import name_of_pitch

    paired = sorted((note for note in found.source_notes if note.partner), key=lambda note: note.pitch)
    # Pitches are as heard; what is written stands beside them where it is something else.
    differs = any(each.written not in (None, note.pitch) for note in paired for each in (note, note.partner))
    columns = ["Source", "Target", *(["Written"] if differs else []), "Pitch", "Cents off", "Onset, s", "Level, dB"]
    shown = table(*columns, numbers=False)
    for i, column in enumerate(shown.columns):
        column.min_width, column.no_wrap = (None, i > 1)
    for note in paired:
        both = (note, note.partner)
        written = " / ".join("-" if each.written is None else name_of_pitch(each.written) for each in both)
        shown.add_row(
            *(_below(each, sides) for each in both),
            *([written] if differs else []),
            name_of_pitch(note.pitch),
            *(
                " / ".join(number(getattr(each, name), digits) for each in both)
                for name, digits in (("cents", 0), ("onset", 2), ("level", 0))
            ),
        )
    rest = table("Without a partner", "Why", numbers=False)
    for note in [*found.source_notes, *found.target_notes]:
        if note.partner is None:
            rest.add_row(str(note.file.parent / note.sound.name), note.reason)
    return shown, rest


def _of_recordings(found):
    """Return a table of recordings, one of the files that are left out, and what was used in all."""
    from sktimbre.cli.pairing import material_facts

    shown = table("Side", "Recording", "Take of", "Seconds", "Notes", "Pairs", "Left out, s", numbers=False)
    for i, column in enumerate(shown.columns):
        column.min_width, column.justify = (None, "right" if i in (3, 4, 5) else "left")
    for each in found.recordings:
        left_out = ", ".join(f"{reason} {number(seconds, 1)}" for reason, seconds in each["left_out"].items())
        takes = ", ".join(file.name for file in each["takes"])
        counts = (str(each["notes"]), str(each["paired"]))
        shown.add_row(each["side"], each["file"].name, takes, number(each["seconds"], 1), *counts, left_out)
    rest = table("Left out", "Why", numbers=False)
    for file, reason in found.reasons.items():
        rest.add_row(str(file), reason)
    facts = table("Material", found.material, numbers=False)
    for name, text in material_facts(found).items():
        facts.add_row(name, text)
    return shown, rest, facts


def _below(note, sides):
    """Return the name of a note, with the folders below the folder that was searched."""
    for side in sides:
        for folder in [side] if isinstance(side, Path) else side:
            if folder.is_dir() and note.file.is_relative_to(folder):
                return str(note.file.relative_to(folder).parent / note.sound.name)
    return note.sound.name


def _absolute(path):
    return None if path is None else Path(path).resolve()
