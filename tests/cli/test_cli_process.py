"""The command as a process: what it imports, where it writes, how it exits."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "librosa", "numba", "sklearn", "scipy", "matplotlib", "soundfile")


def run(*arguments, **options):
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb"}
    command = [sys.executable, "-m", "sktimbre", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, **options)


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        f"import sys; sys.argv = ['sktimbre', *{arguments!r}]\n"
        "from sktimbre.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\nassert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_help_names_the_commands():
    done = run("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("fit", "convert", "evaluate", "demo", "--version"))


def test_version_is_the_package_s():
    import sktimbre

    assert run("--version").stdout == f"sktimbre {sktimbre.__version__}\n"


@pytest.mark.parametrize("arguments", [["fit"], ["fit", "a", "b"], ["convert", "x", "--nonsense"], ["nonsense"]])
def test_wrong_usage_exits_2(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_real_run_keeps_the_streams_apart(fitted, notes, tmp_path):
    # The whole process, so that what TensorFlow's compiled part writes would be seen.
    done = run("evaluate", fitted.path, notes.flute, notes.clarinet, "--duration=0.3", "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Warning: 5 of 6 notes have pitches that the model was trained on")
    assert done.stderr.count("\n") == 1
    assert json.loads(done.stdout)["mean"]["model"]["reconstruction_error"] > 0


def test_failure_is_one_line_on_standard_error(tmp_path):
    done = run("convert", tmp_path / "none.sktimbre", "a.wav", "-o", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {tmp_path / 'none.sktimbre'} does not exist")
    assert done.stderr.count("\n") == 1
