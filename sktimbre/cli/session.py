"""Common parts of all commands: options, output, progress, warnings, errors and exit codes."""

import difflib
import json
import math
import os
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sktimbre._utils.files import check_target
from sktimbre.exceptions import (
    ClippingWarning,
    CollapsedModelWarning,
    DatasetWarning,
    ParameterError,
    PitchRangeWarning,
    SktimbreError,
    SmallerBatchWarning,
    VersionWarning,
)

if TYPE_CHECKING:
    pass

__all__ = ["DURATION", "Debug", "DryRun", "Duration", "Json", "Overwrite", "Quiet", "Session", "session"]

STDOUT, STDERR = 1, 2
# After a signal, 128 plus its number, as in shells.
FAILED, WRONG_USAGE, INTERRUPTED, TERMINATED = 1, 2, 130, 143
# Default seconds of each note, equal in all commands so that `evaluate` judges what `fit` trained.
DURATION = 2.0
SHOWN_WARNINGS = (
    ClippingWarning,
    CollapsedModelWarning,
    DatasetWarning,
    PitchRangeWarning,
    SmallerBatchWarning,
    VersionWarning,
)
NOTHING_WRITTEN = "Nothing was written (--dry-run)."

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else, on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show errors and warnings only.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error, and all warnings.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything and print what would be done; write nothing.")
]
Duration = Annotated[
    float, typer.Option(help="Seconds of each note from its onset; shorter notes are padded with silence.")
]


class Terminated(KeyboardInterrupt):
    """Raised on SIGTERM; a subclass of KeyboardInterrupt, so that code cleans up as after Ctrl-C."""


class PipedConsole(Console):
    """A console that leaves it to the caller what happens when nobody reads its output any more; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Raise the error."""
        raise BrokenPipeError


@dataclass
class Session:
    """Output of a command: results on standard output, everything else on standard error.

    Parameters
    ----------
    as_json : bool
        Whether the result is printed as one JSON object.
    quiet : bool
        Whether only errors, warnings and the JSON object are shown.
    debug : bool
        Whether errors are shown with their traceback, and all warnings are shown.
    """

    as_json: bool = False
    quiet: bool = False
    debug: bool = False
    warnings: list[str] = field(default_factory=list)
    # emoji=False: file names may contain emoji codes such as :x:.
    stdout: Console = field(default_factory=lambda: PipedConsole(highlight=False, emoji=False))
    stderr: Console = field(default_factory=lambda: Console(stderr=True, highlight=False, emoji=False))

    def say(self, text: str, style: str | None = None) -> None:
        """Print a message on standard error, even with --quiet."""
        self.stderr.print(text, style=style, markup=False, soft_wrap=True)

    def result(self, values: Mapping[str, Any], *shown: RenderableType) -> None:
        """Print the result: with --json ``values`` and the warnings as JSON, else the tables and texts of ``shown``."""
        try:
            if self.as_json:
                typer.echo(json.dumps(plain({**values, "warnings": self.warnings}), indent=2, allow_nan=False))
            elif not self.quiet:
                for part in shown:
                    self.stdout.print(part, soft_wrap=isinstance(part, str), markup=False)
        except BrokenPipeError:
            # Who reads the output, such as head, has read enough; the work is done. Python would complain at its exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)

    def progress(self, *details: str) -> Progress:
        """Return progress bars on standard error; ``details`` names the fields of a task that are shown after its bar."""
        columns = [TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f}%")]
        texts = [TextColumn(f"{{task.fields[{name}]}}", markup=False) for name in details]
        return Progress(
            *columns, *texts, TimeElapsedColumn(), TimeRemainingColumn(), console=self.stderr, disable=self.quiet
        )

    @contextmanager
    def status(self, text: str) -> Iterator[None]:
        """Show a text while the body of the with statement runs."""
        if self.quiet:
            yield
            return
        with self.stderr.status(Text(text)):
            yield

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Silence standard error while TensorFlow is imported, except with --debug; warnings are shown afterwards.

        TensorFlow's compiled code writes to the file descriptor before it reads TensorFlow's own settings.
        """
        if self.debug or "tensorflow" in sys.modules or sys.stderr is None:
            yield
            return
        # Later messages are about graph optimization; users cannot act on them.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        sys.stderr.flush()
        kept, caught = os.dup(STDERR), []
        try:
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), STDERR)
            with warnings.catch_warnings(record=True) as caught:
                yield
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)
            show_again(caught)

    def fail(self, error: BaseException, prefix: str = "Error") -> None:
        """Report an error as one message, with its traceback only with --debug."""
        self.problem(describe(error), trace_of(error), prefix)

    def problem(self, message: str, trace: str, prefix: str) -> None:
        """Report an error by its message and traceback, which may come from another process."""
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
        """Report a warning; replaces `warnings.showwarning` and has its parameters."""
        self.warnings.append(str(message))
        self.say(f"Warning: {message}", style="yellow")


@contextmanager
def session(as_json: bool = False, quiet: bool = False, debug: bool = False) -> Iterator[Session]:
    """Run a command: show its warnings, and turn an error into one message and an exit code.

    Parameters
    ----------
    as_json, quiet, debug : bool
        As in `Session`.

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
    """Show the package's own warnings, which are for users; hide all others unless ``debug`` is set."""
    warnings.simplefilter("default" if debug else "ignore")
    for category in SHOWN_WARNINGS:
        warnings.simplefilter("always", category)


def describe(error: BaseException) -> str:
    """Return the message of an error, with its type if the error is not one of the expected kinds."""
    text = str(error).strip()
    if isinstance(error, SktimbreError) or _is_usage(error):
        return text
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {text} (--debug shows where it comes from)"


def trace_of(error: BaseException) -> str:
    """Return the traceback of an error."""
    return "".join(traceback.format_exception(error))


def did_you_mean(word: object, names: Iterable[str] | Mapping[str, str]) -> str:
    """Return a sentence that suggests the nearest name, or an empty string if none is near.

    A mapping has the suggested texts as its values.
    """
    near = difflib.get_close_matches(str(word), list(names), n=1)
    return f" Did you mean {names[near[0]] if isinstance(names, Mapping) else near[0]}?" if near else ""


def show_again(caught: Iterable[warnings.WarningMessage]) -> None:
    """Show warnings that `warnings.catch_warnings` has recorded."""
    for each in caught:
        warnings.showwarning(each.message, each.category, each.filename, each.lineno)


def unquoted(given: Sequence[Path]) -> str:
    """Return a sentence if words of a command line are together the name of a file or folder, or an empty string."""
    words = [str(each) for each in given]
    for i, word in enumerate(words):
        if Path(word).exists():
            continue
        for j in range(i + 2, len(words) + 1):
            name = " ".join(words[i:j])
            if Path(name).exists():
                return f" Names with spaces need quotes: '{name}'."
    return ""


def check_output(path: Path, overwrite: bool) -> None:
    """Raise an error if a file cannot be written at ``path``."""
    if path.is_file() and not overwrite:
        raise SktimbreError(f"{path} exists; pass --overwrite to replace it, or choose another name.")
    check_target(path, overwrite=True)


def check_folder(folder: Path, option: str) -> None:
    """Raise an error if files cannot be written to a folder, which need not exist yet."""
    existing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not existing.is_dir():
        raise ParameterError(f"{option} {folder}: {existing} is a file; give a folder to write to.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ParameterError(f"{option} {folder}: there is no permission to write in {existing}; give another folder.")


def check_readable(path: Path) -> None:
    """Raise an error if ``path`` does not exist."""
    if not path.exists():
        raise SktimbreError(f"{path} does not exist; check the name (the working directory is {Path.cwd()}).")


def note_folders(sources: Path | list[Path], target: Path) -> tuple[Path | list[Path], Path | list[Path]]:
    """Check folders or files of notes; return a folder as it is and files or several folders as a list, as the loaders do."""
    sources = [sources] if isinstance(sources, Path) else sources
    for path in (*sources, target):
        check_readable(path)
    for source in sources:
        if source.samefile(target):
            raise ParameterError(
                f"SOURCE and TARGET are both {source}; give the notes of two instruments, for instance flute/ and clarinet/."
            )
    if len(sources) > 1 and len({source.is_dir() for source in sources}) > 1:
        raise ParameterError(f"{', '.join(map(str, sources))}: give either folders or files.")
    one = len(sources) == 1 and sources[0].is_dir()
    return sources[0] if one else sources, [target] if target.is_file() else target


def table(*columns: str, numbers: bool = True, title: str | None = None) -> Table:
    """Return an empty table with text in the first column, and numbers in the others if ``numbers`` is set."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for i, column in enumerate(columns):
        if i and numbers:
            made.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
        else:
            # Fold file names instead of cutting them, so that they can be copied.
            made.add_column(column, overflow="fold", min_width=22)
    return made


def number(value: float | None, digits: int = 3) -> str:
    """Return a number as text for a table; a dash for None, NaN and infinity."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _is_usage(error: BaseException) -> bool:
    if isinstance(error, SktimbreError | OSError):
        return isinstance(error, ParameterError)
    from sklearn.utils._param_validation import InvalidParameterError

    return isinstance(error, InvalidParameterError)


def plain(value: Any) -> Any:
    """Convert a value to JSON's types: arrays to lists, paths to strings, NaN and infinity to None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
