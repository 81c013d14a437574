"""Several recordings through a model, in this process or in several."""

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
from typing import TYPE_CHECKING

from sktimbre.cli.planning import Writing
from sktimbre.cli.recordings import Recording, convert_recording
from sktimbre.cli.session import Session, choose_warnings, describe, load_model, trace_of
from sktimbre.exceptions import PersistenceError, SktimbreError

if TYPE_CHECKING:
    from sktimbre.transfer import TimbreTransfer

__all__ = ["Outcome", "convert_all"]


@dataclass(frozen=True)
class Outcome:
    """What became of one recording.

    Parameters
    ----------
    recording : Recording
        Which.
    elapsed : float
        Seconds that it took.
    duration : float or None
        Seconds of sound that were written; None if it failed.
    error, trace : str
        Why it failed, and where.
    warnings : tuple of str
        Those of another process; in this one they are shown when they come.
    """

    recording: Recording
    elapsed: float
    duration: float | None = None
    error: str = ""
    trace: str = ""
    warnings: tuple[str, ...] = ()


def convert_all(
    s: Session,
    model: "TimbreTransfer",
    model_file: tuple[Path, int],
    recordings: Sequence[Recording],
    writing: Writing,
    n_jobs: int = 1,
) -> Generator[Outcome]:
    """Convert recordings and show the progress; one that fails does not stop the others.

    Parameters
    ----------
    s : Session
        Where the progress is shown.
    model : TimbreTransfer
        Fitted.
    model_file : tuple of Path and int
        Where it was loaded from, and when that was changed (ns): each process loads its own.
    recordings : sequence of Recording
        What to convert.
    writing : Writing
        How.
    n_jobs : int
        Processes.

    Yields
    ------
    Outcome
        In the order in which they are done.

    Raises
    ------
    PersistenceError
        The model's file is another one by now.
    SktimbreError
        A process died.
    """
    for recording in recordings:
        recording.target.parent.mkdir(parents=True, exist_ok=True)
    if min(n_jobs, len(recordings)) > 1:
        yield from _in_processes(s, model_file, recordings, writing, n_jobs)
        return
    with s.status("Preparing the model"):
        _warm_up(model)
    with s.progress() as progress:
        for recording in recordings:
            task = progress.add_task(recording.source.name, total=recording.n_samples)
            yield _convert(model, recording, writing, partial(progress.advance, task))
            progress.stop_task(task)


def _in_processes(
    s: Session, model_file: tuple[Path, int], recordings: Sequence[Recording], writing: Writing, n_jobs: int
) -> Iterator[Outcome]:
    from joblib import Parallel, delayed

    loading, total = partial(_loaded, *model_file, s.debug), len(recordings)
    # Processes that are killed cannot tidy up: they write into a folder that this one removes, whatever happens.
    with TemporaryDirectory(prefix=".sktimbre-", dir=writing.folder) as scratch, s.progress("count") as progress:
        work = [
            delayed(_in_worker)(loading, recording, Path(scratch) / f"{i}{recording.target.suffix}", writing)
            for i, recording in enumerate(recordings)
        ]
        # A recording whose header does not tell its length counts as one second.
        weights = {recording: recording.n_samples or recording.sr for recording in recordings}
        task = progress.add_task("Converting", total=sum(weights.values()), count=f"0 of {total}")
        parallel = Parallel(min(n_jobs, total), backend="loky", return_as="generator_unordered", batch_size=1)
        with closing(parallel(work)) as done, _deaths_explained(n_jobs):
            for i, (outcome, written) in enumerate(done, 1):
                progress.update(task, advance=weights[outcome.recording], count=f"{i} of {total}")
                yield _moved(outcome, written, writing.overwrite)


@lru_cache(maxsize=1)
def _warm_up(model: "TimbreTransfer") -> None:
    """Convert silence: what is built and compiled at the first use is not counted with the first recording."""
    import numpy as np

    for _ in model.predict_blocks([np.zeros(int(model.sr), np.float32)]):
        pass


@contextmanager
def _deaths_explained(n_jobs: int) -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise SktimbreError(
            f"A process of --jobs {n_jobs} died, most often for want of memory: take fewer. What is written is complete."
        ) from error


def _moved(outcome: Outcome, written: Path, overwrite: bool) -> Outcome:
    """Give what another process wrote its name."""
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
    loading: "Callable[[], TimbreTransfer]", recording: Recording, scratch: Path, writing: Writing
) -> tuple[Outcome, Path]:
    """Convert in a process of joblib's, which gave it a share of the processor before TensorFlow is loaded."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        model = loading()
        choose_warnings(debug=False)
        outcome = _convert(model, replace(recording, target=scratch), writing)

    def named(text: str) -> str:
        return text.replace(str(scratch), str(recording.target))

    told = tuple(named(str(warning.message)) for warning in caught)
    return replace(outcome, recording=recording, error=named(outcome.error), warnings=told), scratch


@lru_cache(maxsize=1)
def _loaded(model_file: Path, changed: int, debug: bool) -> "TimbreTransfer":
    """Return a model that is loaded once in each process; what its loading warns of was said by the first."""
    if model_file.stat().st_mtime_ns != changed:
        raise PersistenceError(f"{model_file} was written anew while it was used; start again.")
    # Several processes on one GPU share its memory only if none takes all of it at its first use.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    with Session(debug=debug).importing():
        model = load_model(model_file)
        _warm_up(model)
    return model


def _convert(
    model: "TimbreTransfer",
    recording: Recording,
    writing: Writing,
    advance: Callable[[int], None] = lambda n_samples: None,
) -> Outcome:
    started = time.perf_counter()
    try:
        duration = convert_recording(
            model, recording, subtype=writing.subtype, gain=writing.gain, overwrite=writing.overwrite, advance=advance
        )
    except Exception as error:  # whatever is wrong with one recording, the others can still be converted
        return Outcome(recording, time.perf_counter() - started, error=describe(error), trace=trace_of(error))
    return Outcome(recording, time.perf_counter() - started, duration)
