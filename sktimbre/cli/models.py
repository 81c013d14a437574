"""`sktimbre models`: list the models that come with the package, or describe one."""

from dataclasses import asdict
from typing import Annotated

import typer

from sktimbre.cli.completion import complete_model
from sktimbre.cli.session import Debug, Json, Quiet, number, session, table

__all__ = ["models"]


def models(
    name: Annotated[
        str | None, typer.Argument(help="Model to describe.", autocompletion=complete_model, show_default="all")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the models that come with the package, or describe one.

    A name stands in place of a model file: `sktimbre convert to-clarinet melody.wav`. Errors are those of performances that
    the model has not heard, relative to the unchanged source: 0 is perfect, 1 is no better than doing nothing.
    """
    with session(as_json, quiet, debug) as s:
        from sktimbre.datasets.names import name_of_pitch
        from sktimbre.models import card, names

        cards = [card(each) for each in ([name] if name else names())]
        values = {"models": [asdict(each) for each in cards]}
        if name is None:
            sources = {source for each in cards for source in each.errors}
            shown = table("Model", "Pitches", *sorted(sources), title="Errors of melodies by source")
            shown.columns[0].min_width = max(len(each.name) for each in cards)
            for each in cards:
                errors = [number(each.errors.get(source, {}).get("melodies"), 2) for source in sorted(sources)]
                shown.add_row(each.name, "-".join(map(name_of_pitch, each.pitches)), *errors)
            s.result(values, shown)
            return
        (each,) = cards
        facts = table("Model", each.name, numbers=False)
        facts.add_row("Target", each.target)
        facts.add_row("Sources", ", ".join(each.sources))
        facts.add_row("Training notes", " to ".join(map(name_of_pitch, each.pitches)))
        facts.add_row("Sample rate", f"{each.sr} Hz")
        for material in each.material:
            facts.add_row("Material", f"{material['name']}, {material['licence']}\n{material['url']}")
        facts.add_row("Limits", each.limits)
        facts.add_row("Trained by", each.command)
        beside = table("Error beside the unchanged source", "Melodies", "Chorales")
        for source, found in each.errors.items():
            beside.add_row(source, number(found["melodies"], 2), number(found["chorales"], 2))
        s.result(values, facts, beside)
