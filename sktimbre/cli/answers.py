"""`sktimbre answers`: summarise the answers of a blind listening test."""

from pathlib import Path
from typing import Annotated

import typer

from sktimbre.cli.session import Debug, Json, Quiet, number, session, table

__all__ = ["answers"]


def answers(
    files: Annotated[list[Path], typer.Argument(help="CSV files that pages of sktimbre report --blind saved.")],
    confidence: Annotated[float, typer.Option(help="Confidence level of the intervals.")] = 0.95,
    screen: Annotated[
        bool,
        typer.Option(
            "--screen/--all", help="Leave out participants who do not recognise the hidden reference, or none."
        ),
    ] = True,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Summarise the answers of a blind listening test: mean ratings with confidence intervals, and the result of ABX.

    **Example:** `sktimbre answers answers-*.csv`
    """
    with session(as_json, quiet, debug) as s:
        from sktimbre.metrics import analyse_answers

        found = analyse_answers(files, confidence=confidence, screen=screen)
        ratings = table("Rating, 0 to 100", "Mean", "From", "To", "Participants")
        for system, values in sorted(found["ratings"].items(), key=lambda item: -item[1]["mean"]):
            numbers = [number(values[name], 1) for name in ("mean", "low", "high")]
            ratings.add_row(system, *numbers, str(values["participants"]))
        abx = found["abx"]
        texts = (
            [f"ABX: {abx['correct']} of {abx['total']} right, p = {number(abx['p_value'], 3)}"] if abx["total"] else []
        )
        if found["left_out"]:
            texts.append(f"Left out, for they rate the hidden reference low: {', '.join(found['left_out'])}")
        s.result(found, *([ratings] if found["ratings"] else []), *texts)
