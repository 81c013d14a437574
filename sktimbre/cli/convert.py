"""`sktimbre convert`: convert recordings with a model."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sktimbre.cli.completion import complete_format, complete_subtype
from sktimbre.cli.modelfiles import Model, check_exists
from sktimbre.cli.session import (
    FAILED,
    NOTHING_WRITTEN,
    Debug,
    DryRun,
    Json,
    Overwrite,
    Quiet,
    Session,
    describe,
    number,
    session,
    table,
    trace_of,
)
from sktimbre.cli.settings import takes_settings
from sktimbre.exceptions import ParameterError, SktimbreError

if TYPE_CHECKING:
    from sktimbre.cli.batch import Outcome
    from sktimbre.cli.planning import Found, Writing
    from sktimbre.cli.recordings import Recording

__all__ = ["convert"]

# A model of this sample rate in Hz has all that is heard.
HEARD = 40000


@takes_settings
def convert(
    model: Model,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Recordings of any length, sample rate and number of channels; folders of them; patterns such as "
            "'takes/*.wav'."
        ),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder to write to, created if missing; or the file to write, if there is one recording.",
            show_default="one named as the model, in the working directory",
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Search subfolders, and write into subfolders of the same names.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Processes; each converts one recording at a time.")
    ] = 1,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Keep converting new recordings until Ctrl-C; skip those that have an output."),
    ] = False,
    keep_rate: Annotated[
        bool,
        typer.Option("--keep-rate/--model-rate", help="Write at the sample rate of each recording, or at the model's."),
    ] = True,
    format: Annotated[
        str | None,
        typer.Option(
            help="wav, flac, aiff, ogg, ...",
            show_default="the recording's if it can be written, else wav",
            autocompletion=complete_format,
        ),
    ] = None,
    subtype: Annotated[
        str | None,
        typer.Option(
            help="Sample format: PCM_16, PCM_24, FLOAT, ...",
            show_default="the recording's, or the nearest of the format",
            autocompletion=complete_subtype,
        ),
    ] = None,
    gain: Annotated[
        float, typer.Option(min=-60, max=60, metavar="DB", help="Gain of the output in dB; below 0 it is quieter.")
    ] = 0.0,
    settings: dict[str, Any],
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Convert recordings with a MODEL and write them to a folder under their own names.

    Recordings are read, converted and written in blocks, so they may have any length; each channel is converted separately.
    A file that cannot be read is reported, and the others are converted. Outputs keep sample rate, format, sample format and
    metadata of the recordings: loops, markers, root note, title and the like.

    With --watch, a recording is converted as soon as it is completely written. If it fails, it is tried again when it
    changes.

    **Examples:**

    - `sktimbre convert to-clarinet melody.wav`
    - `sktimbre convert to-clarinet melody.wav -o melody-clarinet.flac`
    - `sktimbre convert flute-to-clarinet.sktimbre melody.wav duet.flac -o clarinet/`
    - `sktimbre convert flute-to-clarinet.sktimbre takes/ -o clarinet/ --jobs 2 --watch`
    - `sktimbre convert flute-to-clarinet.sktimbre melody.wav -o bass/ --transpose -12 --amount 0.7 --mix 0.5`
    """
    with session(as_json, quiet, debug) as s:
        if watch and dry_run:
            raise ParameterError(
                "--watch and --dry-run cannot be combined: --dry-run lists existing recordings only. Give one of them."
            )
        output = Path(model.stem) if output is None else output
        from sktimbre.cli.batch import ModelFile, convert_all
        from sktimbre.cli.planning import Writing, check_names, file_of_one, find_recordings
        from sktimbre.cli.watching import arrivals

        single = file_of_one(output, files)
        writing = Writing(single.parent if single else output, keep_rate, format, subtype, gain, overwrite, single)
        writing.check()
        find = partial(find_recordings, files, output, recursive=recursive, may_be_none=watch)
        found = find()
        check_names((each.path, writing.target_of(each)) for each in found)
        check_exists(model)
        file = ModelFile(model, model.stat().st_mtime_ns, tuple(settings.items()))
        with s.status("Loading the model"), s.importing():
            transfer = file.load()
        tally, sr = Tally(s, model, watch), int(transfer.sr)
        run = partial(convert_all, s, transfer, file, writing=writing, n_jobs=jobs)
        if dry_run:
            tally.show_plan(tally.plan(found, writing, sr), sr)
        else:
            if watch and not quiet:
                s.say(f"Waiting for recordings in {', '.join(map(str, files))}; Ctrl-C stops.")
            try:
                for each in arrivals(find) if watch else [found]:
                    with closing(run(tally.plan(each, writing, sr))) as outcomes:
                        for outcome in outcomes:
                            tally.add(outcome)
            except BaseException:
                tally.add_uncounted()
                if watch or tally.converted:
                    tally.report()
                raise
            tally.report()
        if tally.failed:
            raise typer.Exit(FAILED)


@dataclass
class Tally:
    """Results of all recordings so far.

    Parameters
    ----------
    s : Session
        Prints messages and results.
    model : Path
        File of the model.
    watching : bool
        Whether --watch is given. Then a wrong recording does not stop the command, recordings that have an output are
        skipped, and each new output is reported.
    """

    s: Session
    model: Path
    watching: bool = False
    converted: dict[Path, dict[str, Any]] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)
    skipped: set[Path] = field(default_factory=set)
    names: dict[str, Path] = field(default_factory=dict)
    # Recordings without an outcome, and what was at their targets when they were planned.
    pending: dict["Recording", tuple[int, int] | None] = field(default_factory=dict)

    def plan(self, found: Sequence["Found"], writing: "Writing", sr: int) -> list["Recording"]:
        """Check recordings and return those to convert; report those that cannot be read."""
        from sktimbre.cli.planning import check_names, check_target

        sources, planned = {each.path.resolve() for each in found}, []
        wrong: dict[Path, ParameterError] = {}
        for each in found:
            try:
                recording = writing.plan(each, sr)
            except (SktimbreError, OSError) as error:
                if isinstance(error, ParameterError) and not self.watching:
                    wrong[each.path] = error
                    continue
                self.fail(each.path, describe(error), trace_of(error), "Left out")
                continue
            try:
                other = self.names.setdefault(str(recording.target).casefold(), each.path)
                check_names([(other, recording.target), (each.path, recording.target)])
                if self.watching and recording.target.exists() and not writing.overwrite:
                    self.skipped.add(each.path)
                    continue
                check_target(recording, sources, writing.overwrite)
            except SktimbreError as error:
                if not self.watching:
                    raise
                self.fail(each.path, describe(error), trace_of(error), "Left out")
                continue
            planned.append(recording)
            self.pending[recording] = _stamp(recording.target)
        # An option that is wrong for all recordings is wrong; if it is for some, the others are converted.
        if wrong and len(wrong) == len(found):
            raise next(iter(wrong.values()))
        for path, reason in wrong.items():
            self.fail(path, f"{path}: {describe(reason)}", trace_of(reason), "Left out")
        self._warn_of_missing_band(planned, sr)
        return planned

    def _warn_of_missing_band(self, planned: Sequence["Recording"], sr: int) -> None:
        """Warn if outputs have a higher sample rate than the model and the difference is heard."""
        higher = [recording for recording in planned if recording.sr > sr] if sr < HEARD else []
        if len(higher) == 1:
            subject = f"{higher[0].source} has {higher[0].sr} Hz, the model {sr} Hz: the output has"
        else:
            subject = f"{len(higher)} recordings have a higher sample rate than the model ({sr} Hz): their outputs have"
        if higher:
            self.s.warn(
                f"{subject} nothing above {sr / 2:g} Hz. `sktimbre fit --sr` makes a model of a higher rate; "
                "--model-rate writes smaller files."
            )

    def add(self, outcome: "Outcome") -> None:
        """Record an outcome, and report a failure."""
        self.pending.pop(outcome.recording, None)
        source, target = outcome.recording.source, outcome.recording.target
        for message in outcome.warnings:
            self.s.warn(message)
        if outcome.duration is None:
            self.fail(source, outcome.error, outcome.trace)
            return
        self._count(outcome.recording, outcome.duration, outcome.elapsed)
        if self.watching and not self.s.quiet:
            self.s.say(f"Written: {target}, {number(outcome.duration, 2)} s")

    def add_uncounted(self) -> None:
        """Count the recordings that were written when an interruption arrived, but not yet added."""
        from sktimbre.audio import AudioReader

        for recording, before in self.pending.items():
            if _stamp(recording.target) not in (before, None):
                written = AudioReader(recording.target)
                self._count(recording, (written.n_frames or 0) / written.sr, None)

    def _count(self, recording: "Recording", duration: float, elapsed: float | None) -> None:
        self.failed.pop(recording.source, None)
        self.skipped.discard(recording.source)
        self.converted[recording.source] = {
            "input": recording.source,
            "output": recording.target,
            "sr": recording.sr,
            "duration": duration,
            "elapsed": elapsed,
            "real_time_factor": None if elapsed is None else elapsed / duration,
        }

    def fail(self, source: Path, message: str, trace: str, prefix: str = "Failed") -> None:
        """Record and report a failure."""
        self.failed[source] = message
        self.s.problem(message, trace, prefix)

    def show_plan(self, planned: Sequence["Recording"], sr: int) -> None:
        """Print what would be converted."""
        shown = table("Would convert", "Seconds", "Hz")
        entries = []
        for recording in planned:
            duration = None if recording.n_samples is None else recording.n_samples / sr
            entries.append(
                {"input": recording.source, "output": recording.target, "sr": recording.sr, "duration": duration}
            )
            shown.add_row(f"{recording.source} to {recording.target}", number(duration, 2), str(recording.sr))
        values = {"dry_run": True, "model": self.model, "planned": entries, "failed": self._failures()}
        self.s.result(values, *([shown] if planned else []), *self._failed_count(len(planned)), NOTHING_WRITTEN)

    def report(self) -> None:
        """Print what was converted."""
        shown = table("Written", "Seconds", "Hz", "Speed")
        # Several processes complete recordings in any order.
        converted = [self.converted[path] for path in self.names.values() if path in self.converted]
        for entry in converted:
            factor = entry["real_time_factor"]
            speed = f"{number(1 / factor, 1)} x real time" if factor else "unknown"
            shown.add_row(str(entry["output"]), number(entry["duration"], 2), str(entry["sr"]), speed)
        values = {"model": self.model, "converted": converted, "failed": self._failures()}
        if self.watching:
            values["skipped"] = sorted(self.skipped)
        there = [f"Converted before: {len(self.skipped)}."] if self.skipped else []
        self.s.result(values, *([shown] if converted else []), *self._failed_count(len(converted)), *there)

    def _failures(self) -> list[dict[str, Any]]:
        return [{"input": source, "error": message} for source, message in self.failed.items()]

    def _failed_count(self, n_others: int) -> list[str]:
        n_failed = len(self.failed)
        return [f"{n_failed} of {n_failed + n_others} recordings cannot be converted."] if n_failed else []


def _stamp(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from the one that replaces it, None where there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
