"""Convert several recordings, in this process or in several."""

import os
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from sktimbre.cli.modelfiles import load_converter
from sktimbre.cli.planning import Writing
from sktimbre.cli.recordings import Recording, convert_recording
from sktimbre.cli.session import Session, choose_warnings, describe, trace_of
from sktimbre.cli.settings import apply_settings
from sktimbre.exceptions import PersistenceError, SktimbreError

if TYPE_CHECKING:
    from sktimbre.cli.modelfiles import Converter

__all__ = ["ModelFile", "Outcome", "convert_all"]

# Recordings up to which each keeps its line of progress.
MOST_SHOWN = 12


class ModelFile(NamedTuple):
    """File from which each worker process loads the model.

    Parameters
    ----------
    path : Path
        The file.
    changed : int
        Its modification time in ns.
    settings : tuple of tuple of str and object
        Settings of the conversion by name.
    """

    path: Path
    changed: int
    settings: tuple[tuple[str, Any], ...] = ()

    def load(self) -> "Converter":
        """Return the model with these settings; raise `PersistenceError` if the file has changed."""
        if self.path.stat().st_mtime_ns != self.changed:
            raise PersistenceError(f"{self.path} has changed while it was in use; run the command again.")
        model = load_converter(self.path)
        apply_settings(model, dict(self.settings))
        return model


@dataclass(frozen=True)
class Outcome:
    """Result of converting one recording.

    Parameters
    ----------
    recording : Recording
        The recording.
    elapsed : float
        Seconds that the conversion took.
    duration : float or None
        Duration in seconds of the written file; None if the conversion failed.
    error, trace : str
        Error message and traceback; empty if the conversion succeeded.
    warnings : tuple of str
        Warnings of a worker process; those of this process are shown at once.
    """

    recording: Recording
    elapsed: float
    duration: float | None = None
    error: str = ""
    trace: str = ""
    warnings: tuple[str, ...] = ()


def convert_all(
    s: Session,
    model: "Converter",
    file: ModelFile,
    recordings: Sequence[Recording],
    writing: Writing,
    n_jobs: int = 1,
) -> Generator[Outcome]:
    """Convert recordings and show the progress; a failure does not stop the others.

    Parameters
    ----------
    s : Session
        Shows the progress.
    model : TimbreTransfer
        Fitted model.
    file : ModelFile
        Its file, for worker processes.
    recordings : sequence of Recording
        Recordings to convert.
    writing : Writing
        Output options.
    n_jobs : int
        Number of processes.

    Yields
    ------
    Outcome
        In the order of completion.

    Raises
    ------
    PersistenceError
        The model's file has changed since it was loaded.
    SktimbreError
        A worker process died.
    """
    for recording in recordings:
        recording.target.parent.mkdir(parents=True, exist_ok=True)
    if min(n_jobs, len(recordings)) > 1:
        yield from _in_processes(s, file, recordings, writing, n_jobs)
        return
    with s.status("Preparing the model"):
        _warm_up(model)
    with s.progress() as progress:
        for recording in recordings:
            task = progress.add_task(recording.source.name, total=recording.n_samples)
            yield _convert(model, recording, writing, partial(progress.advance, task))
            # Of many recordings only the present one is shown, since a terminal has few lines.
            progress.stop_task(task)
            progress.update(task, visible=len(recordings) <= MOST_SHOWN)


def _in_processes(
    s: Session, file: ModelFile, recordings: Sequence[Recording], writing: Writing, n_jobs: int
) -> Iterator[Outcome]:
    from joblib import Parallel, delayed

    loading, total = partial(_loaded, file, s.debug), len(recordings)
    # A killed worker cannot delete its files: workers write into a folder that this process removes in any case.
    with TemporaryDirectory(prefix=".sktimbre-", dir=writing.folder) as scratch, s.progress("count") as progress:
        work = [
            delayed(_in_worker)(loading, recording, Path(scratch) / f"{i}{recording.target.suffix}", writing)
            for i, recording in enumerate(recordings)
        ]
        # A recording of unknown length counts as one second.
        weights = {recording: recording.n_samples or recording.sr for recording in recordings}
        task = progress.add_task("Converting", total=sum(weights.values()), count=f"0 of {total}")
        parallel = Parallel(min(n_jobs, total), backend="loky", return_as="generator_unordered", batch_size=1)
        with closing(parallel(work)) as done, _explain_dead_processes(n_jobs):
            for i, (outcome, written) in enumerate(done, 1):
                progress.update(task, advance=weights[outcome.recording], count=f"{i} of {total}")
                yield _move_to_target(outcome, written, writing.overwrite)


@lru_cache(maxsize=1)
def _warm_up(model: "Converter") -> None:
    """Build and compile the network by converting silence, so that the time does not count for the first recording."""
    import numpy as np

    for _ in model.predict_blocks([np.zeros(int(model.sr), np.float32)]):
        pass


@contextmanager
def _explain_dead_processes(n_jobs: int) -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise SktimbreError(
            f"A process of --jobs {n_jobs} died, most often because memory ran out: use fewer. Written files are complete."
        ) from error


def _move_to_target(outcome: Outcome, written: Path, overwrite: bool) -> Outcome:
    """Move the file that a worker wrote to its target."""
    from sktimbre.audio import atomic_path

    if outcome.duration is None:
        return outcome
    try:
        with atomic_path(outcome.recording.target, overwrite) as temporary:
            os.replace(written, temporary)
    except Exception as error:
        return replace(outcome, duration=None, error=describe(error), trace=trace_of(error))
    return outcome


def _in_worker(
    loading: "Callable[[], Converter]", recording: Recording, scratch: Path, writing: Writing
) -> tuple[Outcome, Path]:
    """Convert in a worker of joblib, which limits the worker's threads before TensorFlow is loaded."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        model = loading()
        choose_warnings(debug=False)
        outcome = _convert(model, replace(recording, target=scratch), writing)

    def with_target(text: str) -> str:
        return text.replace(str(scratch), str(recording.target))

    messages = tuple(with_target(str(warning.message)) for warning in caught)
    return replace(outcome, recording=recording, error=with_target(outcome.error), warnings=messages), scratch


@lru_cache(maxsize=1)
def _loaded(file: ModelFile, debug: bool) -> "Converter":
    """Load the model, once in each worker."""
    # By default a process reserves all memory of a GPU; several processes have to share it.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    with Session(debug=debug).importing():
        model = file.load()
        _warm_up(model)
    return model


def _convert(
    model: "Converter",
    recording: Recording,
    writing: Writing,
    advance: Callable[[int], None] = lambda n_samples: None,
) -> Outcome:
    started = time.perf_counter()
    try:
        duration = convert_recording(model, recording, gain=writing.gain, overwrite=writing.overwrite, advance=advance)
    except Exception as error:  # a failure must not stop the other recordings
        return Outcome(recording, time.perf_counter() - started, error=describe(error), trace=trace_of(error))
    return Outcome(recording, time.perf_counter() - started, duration)
