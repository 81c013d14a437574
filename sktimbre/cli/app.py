"""The `sktimbre` command: its subcommands put together, and how its process behaves."""

import logging
import os
import signal
import sys
from typing import Annotated

import typer

import sktimbre
from sktimbre.cli.convert import convert
from sktimbre.cli.demo import demo
from sktimbre.cli.evaluate import evaluate
from sktimbre.cli.fit import fit
from sktimbre.cli.info import info
from sktimbre.cli.report import report
from sktimbre.cli.session import INTERRUPTED, TERMINATED, Terminated

__all__ = ["app", "main"]

app = typer.Typer(
    name="sktimbre",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    # Errors are reported by the session of each command; what escapes it is a bug and needs its plain traceback.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (fit, convert, evaluate, report, info, demo):
    app.command(no_args_is_help=command is not demo)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        # Stubs of lazily loaded names list only those.
        typer.echo(f"sktimbre {vars(sktimbre)['__version__']}")
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Turn the sound of one instrument into that of another.

    A model learns from notes that both instruments play, **fit**, and then converts recordings, **convert**.
    How good it is tells **evaluate**, and **report** lets you hear it; **info** says what is in a file.
    **demo** shows all of it on synthetic notes in a few minutes.

    Every command explains itself: `sktimbre fit --help`.
    """


def _terminate(*_: object) -> None:
    raise Terminated


def main() -> None:
    """Run the command line and exit: 0 fine, 1 the work failed, 2 wrong usage, 130 interrupted, 143 terminated."""
    # By default SIGTERM ends a process where it stands, and half-written files stay.
    signal.signal(signal.SIGTERM, _terminate)
    # What TensorFlow says about devices, graph rewriting and retracing tells a user nothing. Has to precede its import.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        app(prog_name="sktimbre")
    except KeyboardInterrupt as error:
        typer.echo("Interrupted.", err=True)
        sys.exit(TERMINATED if isinstance(error, Terminated) else INTERRUPTED)
