"""The command as a process: what it imports, where it writes, how it exits."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from sktimbre.audio import write_audio

HEAVY = ("tensorflow", "keras", "librosa", "numba", "sklearn", "scipy", "matplotlib", "soundfile")


def run(*arguments, encoding_of_output="", **options):
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb", "PYTHONIOENCODING": encoding_of_output}
    command = [sys.executable, "-m", "sktimbre", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, **options)


def python(code):
    """Run code in a fresh process."""
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


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
    assert done.stderr == ""
    assert json.loads(done.stdout)["mean"]["model"]["reconstruction_error"] > 0


def test_failure_is_one_line_on_standard_error(tmp_path):
    done = run("convert", tmp_path / "none.sktimbre", "a.wav", "-o", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {tmp_path / 'none.sktimbre'} does not exist")
    assert done.stderr.count("\n") == 1


def test_models_are_used_without_keras(tmp_path):
    """Of the commands that take a model, only `fit` and `demo` import Keras; `convert` and `live` no scikit-learn either.

    scipy.signal is not imported because it imports scipy.stats, which takes longer than all else that `convert` imports.
    """
    code = f"""
        import sys
        from pathlib import Path
        import numpy as np
        import sktimbre
        from sktimbre import TimbreAutoencoder, TimbreTransfer
        from sktimbre.audio import write_audio
        from sktimbre.datasets import make_paired_notes

        folder = Path({str(tmp_path)!r})
        notes = make_paired_notes(3, duration=0.5, random_state=0)
        network = TimbreAutoencoder(filters=2, epochs=1, validation_split=0)
        sktimbre.save(TimbreTransfer(autoencoder=network).fit(notes.source, notes.target), folder / "model")
        for side in ("source", "target"):
            (folder / side).mkdir()
            for pitch, note in zip(notes.pitches, notes[side]):
                write_audio(folder / side / f"{{pitch}}.wav", note, 22050)
    """
    python(code)
    commands = f"""
        import sys
        from typer.testing import CliRunner
        from sktimbre.cli.app import app

        folder = {str(tmp_path)!r}
        sides = [folder + "/source", folder + "/target"]
        for command in (
            ["convert", folder + "/model", sides[0], "-o", folder + "/out"],
            ["live", folder + "/model", "-i", sides[0] + "/60.wav", "-o", folder + "/live.wav"],
            ["info", folder + "/model"],
            ["evaluate", folder + "/model", *sides],
            ["report", folder + "/model", *sides, "-o", folder + "/page.html"],
            ["export", folder + "/model", "-o", folder + "/exported"],
        ):
            done = CliRunner().invoke(app, command)
            assert done.exit_code == 0, done.output
            assert not {{"keras", "tensorflow"}} & set(sys.modules), command
            if command[0] in ("convert", "live"):
                assert not {{"sklearn", "scipy.signal", "scipy.stats"}} & set(sys.modules), command
    """
    python(commands)


def test_help_and_completion_import_no_numpy():
    python("import sys; import sktimbre.cli.app; assert 'numpy' not in sys.modules")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_the_output_cannot_encode(unchanging, tones, tmp_path):
    write_audio(tmp_path / "a.wav", tones(0.1, 22050), 22050)
    name = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    os.rename(tmp_path / "a.wav", name)
    done = run("convert", unchanging, os.fsdecode(name), "-o", tmp_path / "out", encoding_of_output="utf-8:strict")
    assert done.returncode == 0, done.stderr
    assert r"caf\udce9.wav" in done.stdout
    assert os.listdir(os.fsencode(tmp_path / "out")) == [b"caf\xe9.wav"]


@pytest.mark.skipif(os.name != "posix", reason="another kind of pipe")
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_reader_that_has_read_enough(as_json):
    command = [sys.executable, "-m", "sktimbre", "models", *as_json]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_patterns_stand_in_the_help_as_they_are_typed():
    assert "'*_ff_*'" in run("fit", "--help").stdout
