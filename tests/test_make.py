"""The Makefile: which Python its targets take."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def make(tmp_path):
    """Return what make would run where the Pythons on the path have these versions, or do not run (None)."""
    executable = shutil.which("make")
    if executable is None:
        pytest.skip("needs make")

    def dry_run(target, **pythons):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name, version in pythons.items():
            pretend = f"import sys; sys.version_info = {version}; exec(sys.argv[2])"
            run = f"exec '{sys.executable}' -c '{pretend}' \"$@\"" if version else "exit 127"
            path = folder / name.replace("_", ".")
            path.write_text(f"#!/bin/sh\n{run}\n")
            path.chmod(0o755)
        command = [executable, "-n", f"VENV={tmp_path}/venv", target]
        return subprocess.run(command, cwd=ROOT, env={"PATH": str(folder)}, capture_output=True, text=True)

    return dry_run


@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_takes_a_python_that_runs_and_is_supported(make, target):
    """A command that is found may not run: version managers put those of absent versions on the path."""
    found = make(target, python3_11=None, python3_12=(3, 12, 0), python3_13=(3, 13, 0), python3=(3, 11, 0))
    assert found.stdout.startswith("python3.12 -m venv")
    found = make(target, python3_12=None, python3_13=None, python3=(3, 13, 9))
    assert found.stdout.startswith("python3 -m venv")


@pytest.mark.parametrize("version", [None, (3, 10, 9), (3, 14, 0)])
def test_make_says_that_there_is_no_supported_python(make, version):
    found = make("test", python3=version)
    assert found.returncode
    assert "No Python 3.11, 3.12 or 3.13 runs here" in found.stderr
    assert make("help").returncode == 0


def test_the_matrix_takes_the_oldest_and_the_newest_python(make):
    found = make("test-matrix", python3_11=(3, 11, 0), python3_12=(3, 12, 0), python3_13=None)
    assert [line.split()[0] for line in found.stdout.splitlines() if "-m venv" in line] == ["python3.11", "python3.12"]
    assert "OLDEST=" in make("test-matrix", python3_13=(3, 13, 0)).stderr
