"""Many recordings: folders, patterns, several processes, folders that are watched."""

import json
import os
import signal
import time

import numpy as np
import psutil
import pytest
import soundfile

from sktimbre.audio import write_audio
from sktimbre.cli import batch
from sktimbre.cli.planning import Found
from sktimbre.cli.watching import arrivals


@pytest.fixture
def takes(tones, tmp_path):
    """A folder with recordings in it, in a folder inside it, and with what is no recording."""
    folder = tmp_path / "takes"
    (folder / "inner").mkdir(parents=True)
    for name in ("b.wav", "a.flac", "inner/a.wav", ".hidden.wav"):
        write_audio(folder / name, tones(0.2, 22050), 22050)
    (folder / "notes.txt").write_text("no sound")
    return folder


def converted(sktimbre, *arguments):
    result = sktimbre("convert", *arguments, "--json", "--quiet")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["converted"]


def written(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_folder(sktimbre, unchanging, takes, tmp_path):
    entries = converted(sktimbre, unchanging, takes, "-o", tmp_path / "out")
    assert [entry["input"] for entry in entries] == [str(takes / "a.flac"), str(takes / "b.wav")]
    assert written(tmp_path / "out") == ["a.flac", "b.wav"]


def test_folders_inside(sktimbre, unchanging, takes):
    # What an earlier run wrote into the folder is not converted again.
    for _ in range(2):
        converted(sktimbre, unchanging, takes, "-o", takes / "out", "--recursive", "--overwrite")
        assert written(takes / "out") == ["a.flac", "b.wav", "inner/a.wav"]


def test_pattern(sktimbre, unchanging, takes, tmp_path):
    # A recording that is named twice is converted once.
    entries = converted(sktimbre, unchanging, takes / "*.wav", takes / "b.wav", "-o", tmp_path / "out")
    assert [entry["input"] for entry in entries] == [str(takes / "b.wav")]


def test_a_file_whose_name_looks_like_a_pattern(sktimbre, unchanging, tones, tmp_path):
    write_audio(tmp_path / "take [1].wav", tones(0.2, 22050), 22050)
    converted(sktimbre, unchanging, tmp_path / "take [1].wav", "-o", tmp_path / "out")
    assert written(tmp_path / "out") == ["take [1].wav"]


def test_files_that_need_ffmpeg_are_reported(sktimbre, unchanging, takes, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (takes / "c.m4a").write_bytes(b"no sound that libsndfile reads")
    result = sktimbre("convert", unchanging, takes, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "c.m4a is read through ffmpeg" in " ".join(result.stderr.split())
    assert written(tmp_path / "out") == ["a.flac", "b.wav"]


@pytest.mark.parametrize(
    ("given", "output", "code", "message"),
    [
        ("empty", "out", 1, "empty holds no recordings"),
        ("outer", "out", 1, "--recursive"),
        ("takes/*.mp3", "out", 1, "check the pattern"),
        ("takes", "takes", 2, "write to another folder"),
    ],
)
def test_nothing_to_convert(sktimbre, unchanging, takes, tmp_path, given, output, code, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    before = written(tmp_path)
    result = sktimbre("convert", unchanging, tmp_path / given, "-o", tmp_path / output)
    assert result.exit_code == code
    assert message in result.stderr
    assert written(tmp_path) == before


@pytest.mark.slow
def test_processes_give_the_bits_of_one(sktimbre, fitted, notes, tmp_path):
    for n_jobs in (1, 2):
        options = ["-o", tmp_path / str(n_jobs), "--jobs", n_jobs, "--format=wav", "--subtype=FLOAT"]
        entries = converted(sktimbre, fitted.path, notes.flute, *options)
        assert [entry["input"] for entry in entries] == [str(file) for file in sorted(notes.flute.iterdir())]
    names = written(tmp_path / "1")
    assert names == written(tmp_path / "2")
    for name in names:
        one, two = (soundfile.read(tmp_path / folder / name)[0] for folder in "12")
        np.testing.assert_array_equal(one, two)


def test_processes_tell_failures_and_warnings(sktimbre, unchanging, tones, tmp_path):
    write_audio(tmp_path / "loud.wav", 3 * tones(0.5, 22050), 22050, subtype="FLOAT")
    write_audio(tmp_path / "broken.flac", tones(8.0, 22050), 22050)
    whole = (tmp_path / "broken.flac").read_bytes()
    (tmp_path / "broken.flac").write_bytes(whole[: len(whole) // 2])
    files = tmp_path / "broken.flac", tmp_path / "loud.wav"
    result = sktimbre("convert", unchanging, *files, "-o", tmp_path / "out", "--jobs=2", "--subtype=PCM_16", "--json")
    printed = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [entry["input"] for entry in printed["failed"]] == [str(files[0])]
    assert "truncated" in printed["failed"][0]["error"]
    assert printed["warnings"][0].startswith(f"{tmp_path / 'out' / 'loud.wav'}: ")
    assert "beyond full scale" in printed["warnings"][0]
    assert written(tmp_path / "out") == ["loud.wav"]
    assert len(list((tmp_path / "out").iterdir())) == 1
    assert "2 of 2" in result.stderr


def kill_worker(process):
    workers = [child for child in psutil.Process(process.pid).children() if "LokyProcess" in " ".join(child.cmdline())]
    workers[0].kill()


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize(
    ("end", "code", "word"),
    [
        # As a terminal does at Ctrl-C, to the workers too.
        (lambda process: os.killpg(process.pid, signal.SIGINT), 130, "Interrupted"),
        pytest.param(lambda process: process.terminate(), 143, "Terminated", marks=pytest.mark.slow),
        pytest.param(kill_worker, 1, "A process of --jobs 2 died", marks=pytest.mark.slow),
    ],
)
def test_processes_leave_nothing_half_written(start, wait, unchanging, tones, tmp_path, end, code, word):
    out = tmp_path / "out"
    write_audio(tmp_path / "a.wav", tones(0.2, 22050), 22050)
    for name in ("b.wav", "c.wav"):
        write_audio(tmp_path / name, tones(1500.0, 8000), 8000)
    with start("convert", unchanging, *sorted(tmp_path.glob("*.wav")), "-o", out, "--jobs=2", "--json") as process:
        try:
            # The short one is done, and both workers are at the others.
            wait(process, lambda: (out / "a.wav").exists() and len(list(out.glob(".*/.*"))) == 2)
            end(process)
            stdout, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == code, stderr
    assert word in stderr
    # A terminal interrupts workers as well: one that is just handing over a result says so in joblib's words, before ours.
    assert "Traceback" not in stderr.partition("Process LokyProcess")[0]
    assert "Traceback" not in stderr[stderr.rindex(word) :]
    assert [file.name for file in out.iterdir()] == ["a.wav"]
    assert [entry["output"] for entry in json.loads(stdout)["converted"]] == [str(out / "a.wav")]


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_watched_folder(start, wait, unchanging, tones, tmp_path, number, code):
    folder, out = tmp_path / "takes", tmp_path / "out"
    for made in (folder, out):
        made.mkdir()
    for name in ("early.wav", "done.wav"):
        write_audio(folder / name, tones(0.2, 22050), 22050)
    (out / "done.wav").write_text("converted before")
    write_audio(tmp_path / "late.wav", tones(0.5, 22050), 22050)
    whole = (tmp_path / "late.wav").read_bytes()
    with start("convert", unchanging, folder, "-o", out, "--watch", "--json") as process:
        try:
            wait(process, (out / "early.wav").exists)
            (folder / "bad.wav").write_bytes(b"no sound at all" * 100)
            with open(folder / "late.wav", "wb") as file:
                for part in range(4):
                    file.write(whole[part * len(whole) // 4 : (part + 1) * len(whole) // 4])
                    file.flush()
                    time.sleep(0.1)
            wait(process, (out / "late.wav").exists)
            # What failed is tried again when it changes.
            (tmp_path / "late.wav").replace(folder / "bad.wav")
            wait(process, (out / "bad.wav").exists)
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == code, stderr
    assert "Traceback" not in stderr
    # It was left alone until it was complete: only the bad one was ever refused.
    assert [line.split()[2] for line in stderr.splitlines() if line.startswith("Left out")] == [str(folder / "bad.wav")]
    printed = json.loads(stdout)
    assert [os.path.basename(entry["output"]) for entry in printed["converted"]] == ["early.wav", "late.wav", "bad.wav"]
    assert printed["failed"] == []
    assert printed["skipped"] == [str(folder / "done.wav")]
    assert (out / "done.wav").read_text() == "converted before"
    assert soundfile.info(out / "late.wav").frames == 11025


def test_recording_written_before_an_interruption_is_reported(sktimbre, unchanging, takes, tmp_path, monkeypatch):
    convert = batch._convert

    def interrupted(*arguments):
        convert(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "_convert", interrupted)
    (tmp_path / "out").mkdir()
    write_audio(tmp_path / "out" / "b.wav", np.zeros(100), 22050)
    result = sktimbre("convert", unchanging, takes, "-o", tmp_path / "out", "--json", "--quiet", "--overwrite")
    assert result.exit_code == 130
    # b.wav is from an earlier run.
    (entry,) = json.loads(result.stdout)["converted"]
    assert entry["output"] == str(tmp_path / "out" / "a.flac")
    assert (entry["duration"], entry["elapsed"], entry["real_time_factor"]) == (0.2, None, None)


def test_arrivals_are_complete_and_come_once(tmp_path):
    file = tmp_path / "a.wav"
    looks = []

    def find():
        looks.append(len(looks))
        if len(looks) in (2, 3, 6):
            with file.open("a") as growing:
                growing.write("more")
        return [Found(file, file)] if file.exists() else []

    coming = arrivals(find, interval=0)
    assert next(coming) == [Found(file, file)]
    # It grew at the second and third look and was the same at the fourth.
    assert len(looks) == 4
    next(coming)
    assert len(looks) == 7


def test_arrivals_beside_a_missing_file(tmp_path):
    missing, there = (Found(tmp_path / name, tmp_path / name) for name in ("typo.wav", "a.wav"))
    there.path.write_text("complete")
    assert next(arrivals(lambda: [missing, there], interval=0)) == [there]


@pytest.mark.parametrize("pattern", ["[abo]*", "**/*.wav"])
def test_patterns_leave_out_what_was_written(sktimbre, unchanging, takes, pattern):
    for _ in range(2):
        entries = converted(sktimbre, unchanging, takes / pattern, "-o", takes / "out", "--overwrite")
        assert {entry["input"] for entry in entries} <= {str(takes / n) for n in ("a.flac", "b.wav", "inner/a.wav")}
    assert entries


def test_watching_tells_nothing_beforehand(sktimbre, unchanging, takes, tmp_path):
    result = sktimbre("convert", unchanging, takes, "-o", tmp_path / "out", "--watch", "--dry-run")
    assert result.exit_code == 2
    assert "--dry-run" in result.stderr
