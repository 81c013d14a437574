"""The `sktimbre` command: its subcommands, signals and exit codes."""

import io
import logging
import os
import signal
import sys
from typing import Annotated

import typer

import sktimbre
from sktimbre.cli.answers import answers
from sktimbre.cli.convert import convert
from sktimbre.cli.demo import demo
from sktimbre.cli.evaluate import evaluate
from sktimbre.cli.export import export
from sktimbre.cli.fit import fit
from sktimbre.cli.info import info
from sktimbre.cli.live import live
from sktimbre.cli.models import models
from sktimbre.cli.pairs import pairs
from sktimbre.cli.report import report
from sktimbre.cli.session import INTERRUPTED, TERMINATED, Terminated

__all__ = ["app", "main"]

app = typer.Typer(
    name="sktimbre",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    # `session` reports errors; an exception that escapes it is a bug and is shown with a plain traceback.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (pairs, fit, convert, live, models, evaluate, report, answers, info, export, demo):
    app.command(no_args_is_help=command not in (demo, models))(command)


def _show_version(requested: bool) -> None:
    if requested:
        # vars() because mypy finds only lazily loaded names in the package's stub.
        typer.echo(f"sktimbre {vars(sktimbre)['__version__']}")
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Convert the timbre of one instrument to that of another.

    **pairs** shows the notes of two folders as they are paired; **fit** trains a model on them; **convert** applies it to
    recordings, and **live** to what is played. **models** lists those that come with the package. **evaluate** compares a
    model's errors with baselines, **report** writes a page to listen to or a blind test, whose results **answers** summarises.
    **info** describes a model or a sound file, and **export** writes a model for programs in other languages. **demo** shows
    the whole way with synthetic notes in a few minutes.

    Every command has its own help: `sktimbre fit --help`.
    """


def _terminate(*_: object) -> None:
    raise Terminated


def main() -> None:
    """Run the command line and exit: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted, 143 terminated."""
    # Names of files may have characters that the output cannot encode.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    # By default SIGTERM ends a process at once and leaves half-written files.
    signal.signal(signal.SIGTERM, _terminate)
    # Hide TensorFlow's messages about devices, graph rewriting and retracing. Has to precede its import.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        app(prog_name="sktimbre")
    except KeyboardInterrupt as error:
        typer.echo("Interrupted.", err=True)
        sys.exit(TERMINATED if isinstance(error, Terminated) else INTERRUPTED)
