"""Options of the commands that read folders of notes: where pitches come from, which files are used."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from sktimbre.cli.completion import complete_material
from sktimbre.cli.options import takes
from sktimbre.cli.session import unquoted
from sktimbre.exceptions import ParameterError

__all__ = ["NOTE_OPTIONS", "PAIR_OPTIONS", "Folders", "To", "as_arguments", "option_name", "sides_of", "takes_notes"]

# Options that choose the notes of folders, by the names of their parameters in `load_pairs`.
PAIR_OPTIONS: dict[str, Any] = {
    "material": Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="What the files are: notes (one each), playing (recordings of different music), or same-piece (takes of one "
            "piece, which are aligned). Default: as they sound.",
            autocompletion=complete_material,
        ),
    ],
    "pitches": Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="Pitches of both sides: heard; a CSV table that sktimbre pairs --csv wrote; or a regular expression with a "
            "group named pitch or note. Default: names, headers and .sfz maps, compared with what is heard.",
        ),
    ],
    "source_pitches": Annotated[str | None, typer.Option(metavar="HOW", help="Pitches of the source.")],
    "target_pitches": Annotated[str | None, typer.Option(metavar="HOW", help="Pitches of the target.")],
    "source_octave": Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Octaves to add to the written pitches of the source; default: auto, as they sound."
        ),
    ],
    "target_octave": Annotated[str | None, typer.Option(metavar="N", help="The same for the target.")],
    "source_match": Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Use source files whose names match, such as `'*_ff_*'`; with ! those that do not. Can be repeated.",
        ),
    ],
    "target_match": Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="The same for the target.")],
    "misfits": Annotated[
        str | None,
        typer.Option(
            metavar="WHAT", help="Notes that sound different from what is written: leave_out (default), raise or keep."
        ),
    ],
    "recursive": Annotated[bool | None, typer.Option("--recursive", help="Search the folders inside, too.")],
}
# Options of commands that also read the audio of notes.
NOTE_OPTIONS: dict[str, Any] = {
    **PAIR_OPTIONS,
    "trim_db": Annotated[
        float | None,
        typer.Option(
            help="Level below the peak of a note, in dB, under which sound before the onset is cut.", show_default="60"
        ),
    ],
}


def option_name(parameter: str) -> str:
    """Return the option of a parameter: ``--source-pitches`` for ``source_pitches``."""
    return f"--{parameter.replace('_', '-')}"


Folders = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="SOURCE... TARGET",
        help="Folder of notes of the source instrument, and folder of the target; or one file each. With --to, folders of one "
        "or several source instruments.",
        show_default=False,
    ),
]
To = Annotated[
    Path | None,
    typer.Option("--to", metavar="TARGET", help="Folder of notes of the target; all other folders are sources."),
]


def sides_of(folders: list[Path] | None, to: Path | None) -> tuple[list[Path], Path | None]:
    """Return the sources and the target that a command line names.

    Raises
    ------
    ParameterError
        There are more than two folders and no --to.
    """
    given = list(folders or ())
    if to is not None:
        return given, to
    if len(given) > 2:
        raise ParameterError(
            f"{len(given)} folders: name the target with --to, as in `sktimbre fit flute/ oboe/ --to clarinet/`."
            f"{unquoted(given)}"
        )
    return given[:1], given[1] if len(given) == 2 else None


def takes_notes(command: Callable[..., None], options: dict[str, Any] = NOTE_OPTIONS) -> Callable[..., None]:
    """Decorate a command, so that it has these options; those that are given are passed as a dict ``note_options``."""
    return takes(command, options, "note_options")


def as_arguments(note_options: dict[str, Any]) -> dict[str, Any]:
    """Return options as arguments of `load_pairs`; ``pitches`` is for both sides.

    Raises
    ------
    ParameterError
        An octave is not a whole number, or ``misfits`` is not one of the choices.
    """
    arguments = dict(note_options)
    both = arguments.pop("pitches", None)
    for side in ("source", "target"):
        if both is not None:
            arguments.setdefault(f"{side}_pitches", both)
        octave = f"{side}_octave"
        if arguments.get(octave, "auto") != "auto":
            try:
                arguments[octave] = int(arguments[octave])
            except ValueError:
                raise ParameterError(
                    f"{option_name(octave)}={arguments[octave]} must be auto or a whole number of octaves."
                ) from None
    if arguments.get("misfits", "keep") not in ("leave_out", "raise", "keep"):
        raise ParameterError(f"--misfits={arguments['misfits']} must be leave_out, raise or keep.")
    return arguments
