"""What all commands share: options, where text goes, progress, warnings, errors and exit codes."""

import difflib
import json
import math
import os
import sys
import traceback
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from sktimbre._utils.files import check_target
from sktimbre.exceptions import (
    ClippingWarning,
    CollapsedModelWarning,
    ParameterError,
    PersistenceError,
    SktimbreError,
    SmallerBatchWarning,
    VersionWarning,
)

if TYPE_CHECKING:
    from sktimbre.transfer import TimbreTransfer

__all__ = ["DURATION", "Debug", "DryRun", "Duration", "Json", "Overwrite", "Quiet", "Session", "session"]

STDERR = 2
# Killed by a signal is 128 and its number, as shells count.
FAILED, WRONG_USAGE, INTERRUPTED, TERMINATED = 1, 2, 130, 143
# Seconds of each note that `fit` and `evaluate` look at, so that an evaluation is of what was trained.
DURATION = 2.0
NOTHING_WRITTEN = "Nothing was written (--dry-run)."

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, and nothing else there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show errors and warnings only.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error comes from, and all warnings.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what exists.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would be done, write nothing.")]
Duration = Annotated[
    float, typer.Option(help="Seconds of each note from its onset; shorter notes are filled up with silence.")
]


class Terminated(KeyboardInterrupt):
    """The process was asked to end, by SIGTERM; whatever tidies up after an interruption does so after this."""


@dataclass
class Session:
    """How one command talks: results on standard output, all else on standard error.

    Parameters
    ----------
    as_json : bool
        Whether the result is one JSON object.
    quiet : bool
        Whether to keep to errors and warnings, and to the JSON object if there is one.
    debug : bool
        Whether errors come with their traceback, and all warnings are shown.
    """

    as_json: bool = False
    quiet: bool = False
    debug: bool = False
    warnings: list[str] = field(default_factory=list)
    # Names of files may hold what stands for an emoji.
    stdout: Console = field(default_factory=lambda: Console(highlight=False, emoji=False))
    stderr: Console = field(default_factory=lambda: Console(stderr=True, highlight=False, emoji=False))

    def say(self, text: str, style: str | None = None) -> None:
        """Print one message on standard error, whatever the options."""
        self.stderr.print(text, style=style, markup=False, soft_wrap=True)

    def result(self, values: Mapping[str, Any], *shown: RenderableType) -> None:
        """Print the result: ``values`` (and the warnings) as JSON, or what is ``shown`` of it to people."""
        if self.as_json:
            typer.echo(json.dumps(plain({**values, "warnings": self.warnings}), indent=2, allow_nan=False))
        elif not self.quiet:
            for part in shown:
                self.stdout.print(part, soft_wrap=isinstance(part, str), markup=False)

    def progress(self, *details: str) -> Progress:
        """Return bars for standard error; ``details`` are names of fields that a task shows after its bar."""
        columns = [TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f}%")]
        texts = [TextColumn(f"{{task.fields[{name}]}}", markup=False) for name in details]
        return Progress(
            *columns, *texts, TimeElapsedColumn(), TimeRemainingColumn(), console=self.stderr, disable=self.quiet
        )

    @contextmanager
    def status(self, text: str) -> Iterator[None]:
        """Show what is going on while the block runs."""
        if self.quiet:
            yield
            return
        with self.stderr.status(text):
            yield

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Keep what TensorFlow says while it is imported off standard error, except in debugging.

        It says it before it looks at any of its own settings, and from its compiled part, past `sys.stderr`.
        """
        if self.debug or "tensorflow" in sys.modules or sys.stderr is None:
            yield
            return
        # What it says later is about its optimiser of graphs, and nothing that a user could act on.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        sys.stderr.flush()
        kept = os.dup(STDERR)
        try:
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), STDERR)
            yield
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)

    def fail(self, error: BaseException, prefix: str = "Error") -> None:
        """Report an error: one message, with its traceback only in debugging."""
        self.problem(describe(error), trace_of(error), prefix)

    def problem(self, message: str, trace: str, prefix: str) -> None:
        """Report an error that may have happened in another process."""
        if self.debug:
            self.say(trace.rstrip())
        self.say(f"{prefix}: {message}", style="red")

    def warn(
        self,
        message: Warning | str,
        category: type[Warning] = UserWarning,
        filename: str = "",
        lineno: int = 0,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        """Report a warning; takes the place of `warnings.showwarning`, whose parameters these are."""
        self.warnings.append(str(message))
        self.say(f"Warning: {message}", style="yellow")


@contextmanager
def session(as_json: bool = False, quiet: bool = False, debug: bool = False) -> Iterator[Session]:
    """Run a command: its warnings are shown, its errors become one message and an exit code.

    Parameters are those of `Session`.

    Yields
    ------
    Session
    """
    current = Session(as_json, quiet, debug)
    try:
        with warnings.catch_warnings():
            choose_warnings(debug)
            warnings.showwarning = current.warn
            yield current
    except (typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt as error:
        terminated = isinstance(error, Terminated)
        current.say(f"{'Terminated' if terminated else 'Interrupted'}; nothing half-written is left.")
        raise typer.Exit(TERMINATED if terminated else INTERRUPTED) from None
    except Exception as error:
        current.fail(error)
        raise typer.Exit(WRONG_USAGE if _is_usage(error) else FAILED) from None


def choose_warnings(debug: bool) -> None:
    """Let ours pass, which tell a user what went wrong with their data; others' are for programmers."""
    warnings.simplefilter("default" if debug else "ignore")
    for category in (ClippingWarning, CollapsedModelWarning, SmallerBatchWarning, VersionWarning):
        warnings.simplefilter("always", category)


def describe(error: BaseException) -> str:
    """Return an error's message; with its type where the message is not meant to stand alone."""
    text = str(error).strip()
    if isinstance(error, SktimbreError) or _is_usage(error):
        return text
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {text} (--debug shows where it comes from)"


def trace_of(error: BaseException) -> str:
    """Return where an error comes from, for debugging."""
    return "".join(traceback.format_exception(error))


def did_you_mean(word: object, names: Iterable[str] | Mapping[str, str]) -> str:
    """Return a sentence with the name that a mistyped one is nearest to; nothing where none is near.

    A mapping has the names as they are to be shown as its values.
    """
    near = difflib.get_close_matches(str(word), list(names), n=1)
    return f" Did you mean {names[near[0]] if isinstance(names, Mapping) else near[0]}?" if near else ""


def check_output(path: Path, overwrite: bool) -> None:
    """Raise an error unless a file could be written there; before any work."""
    if path.is_file() and not overwrite:
        raise SktimbreError(f"{path} exists; pass --overwrite to replace it, or choose another name.")
    check_target(path, overwrite=True)


def check_readable(path: Path) -> None:
    """Raise an error unless there is a file or a folder; before anything large is imported."""
    if not path.exists():
        raise SktimbreError(f"{path} does not exist; check the name (the working directory is {Path.cwd()}).")


def load_model(path: Path) -> "TimbreTransfer":
    """Return a fitted `TimbreTransfer` from a file, or raise what is wrong with it."""
    check_readable(path)
    _check_model_file(path)

    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    from sktimbre.persistence import load
    from sktimbre.transfer import TimbreTransfer

    model = load(path)
    if not isinstance(model, TimbreTransfer):
        raise PersistenceError(
            f"{path} holds a {type(model).__name__}; this needs a TimbreTransfer, such as `sktimbre fit` writes."
        )
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise PersistenceError(f"{path} holds a TimbreTransfer that was not fitted; save it after fit.") from None
    return model


def check_no_pickle(path: Path) -> None:
    """Raise an error if a file is a pickle, as joblib's are too: what people keep models in who know no better."""
    with path.open("rb") as file:
        beginning = file.read(1)
    # Of protocol 2 and later.
    if beginning == b"\x80":
        raise PersistenceError(
            f"{path} is a pickle, and loading one can run anything. If you wrote it, load it in Python and keep it with "
            "sktimbre.save."
        )


def _check_model_file(path: Path) -> None:
    """Raise an error that says what a file is which people give in a model's place."""
    if path.is_dir():
        raise PersistenceError(f"{path} is a folder; give the model, the file that `sktimbre fit` wrote.")
    if not path.is_file():
        return
    check_no_pickle(path)
    if not zipfile.is_zipfile(path) and _is_sound(path):
        raise PersistenceError(
            f"{path} is a sound file where the model is wanted, the file that `sktimbre fit` wrote: the model comes first, "
            "as in `sktimbre convert MODEL FILE -o FOLDER`."
        )


def _is_sound(path: Path) -> bool:
    from sktimbre.audio.soundfiles import open_sound
    from sktimbre.exceptions import AudioFileError

    try:
        open_sound(path).close()
    except AudioFileError:
        return False
    return True


def note_folders(source: Path, target: Path) -> tuple[Path | list[Path], Path | list[Path]]:
    """Return two folders of notes as they are, and a single file as a list of one, which the loaders tell apart."""
    for path in (source, target):
        check_readable(path)
    if source.samefile(target):
        raise ParameterError(
            f"SOURCE and TARGET are both {source}; give the notes of two instruments, for instance flute/ and clarinet/."
        )
    return [source] if source.is_file() else source, [target] if target.is_file() else target


def table(*columns: str, numbers: bool = True, title: str | None = None) -> Table:
    """Return an empty table whose first column is text; so are the others unless they are ``numbers``."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for i, column in enumerate(columns):
        if i and numbers:
            made.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
        else:
            # Names of files are broken anywhere rather than cut, so that they can be copied.
            made.add_column(column, overflow="fold", min_width=22)
    return made


def number(value: float | None, digits: int = 3) -> str:
    """Return a number for a table; a dash where there is none."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _is_usage(error: BaseException) -> bool:
    if isinstance(error, SktimbreError | OSError):
        return isinstance(error, ParameterError)
    from sklearn.utils._param_validation import InvalidParameterError

    return isinstance(error, InvalidParameterError)


def plain(value: Any) -> Any:
    """Return what JSON knows: no arrays, paths, NaN or infinity."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
