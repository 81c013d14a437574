"""What a shell is offered after Tab, asked for as bash and zsh ask: in a process of its own."""

import os
import subprocess
import sys

import pytest
import typer

from sktimbre import TimbreAutoencoder, TimbreTransfer
from sktimbre.autoencoder import PRESETS
from sktimbre.cli.completion import (
    complete_architecture,
    complete_material,
    complete_phase,
    complete_preset,
    complete_tuning,
)
from sktimbre.datasets.material import MATERIALS

HEAVY = ("tensorflow", "keras", "librosa", "numba", "sklearn", "scipy", "matplotlib")
CODE = f"""
import sys
from sktimbre.cli import main
try:
    main()
finally:
    loaded = [name for name in {HEAVY!r} if name in sys.modules]
    assert not loaded, loaded
"""


def offered(line, shell="bash"):
    """Return what is offered for the last word of a line."""
    asked = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
    }
    environment = {**os.environ, "_SKTIMBRE_COMPLETE": f"complete_{shell}", **asked[shell]}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "sktimbre ",
            ["pairs", "fit", "convert", "live", "models", "evaluate", "report", "answers", "info", "export", "demo"],
        ),
        ("sktimbre convert --re", ["--recursive"]),
        ("sktimbre fit --architecture dil", ["dilated", "dilated_residual"]),
        ("sktimbre fit --phase ", ["estimate", "source"]),
        ("sktimbre fit --material ", ["notes", "playing", "same-piece"]),
        ("sktimbre convert m.sktimbre --format a", ["aif", "aiff", "au", "aifc"]),
        # Of the format that stands before.
        ("sktimbre convert m.sktimbre --format flac --subtype P", ["PCM_S8", "PCM_16", "PCM_24"]),
        # Nothing is offered, so that bash goes on to the names of files.
        ("sktimbre convert m", []),
    ],
)
def test_bash(line, words):
    assert offered(line).split() == words


def test_zsh():
    assert all(f'"{name}"' in offered("sktimbre fit --phase ", "zsh") for name in ("estimate", "source"))
    assert "_files" in offered("sktimbre convert m", "zsh")


def test_what_is_offered_is_all_that_is_legal():
    context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    for complete, estimator, name in (
        (complete_architecture, TimbreAutoencoder, "architecture"),
        (complete_phase, TimbreTransfer, "phase"),
        (complete_tuning, TimbreAutoencoder, "tuning"),
    ):
        assert set(complete(context, "")) == estimator._parameter_constraints[name][0].options
    assert tuple(complete_material(context, "")) == MATERIALS
    assert set(complete_preset(context, "")) == set(PRESETS)
