"""What all commands share: exit codes, messages, warnings."""

import json
import os
import sys
import warnings

import numpy as np
import pytest
import typer

from sktimbre.cli.session import session
from sktimbre.exceptions import AudioFileError, ClippingWarning, ParameterError, VersionWarning


def raised(error, **options):
    with pytest.raises(typer.Exit) as end, session(**options):
        raise error
    return end.value.exit_code


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (AudioFileError("x.wav is truncated."), 1, "Error: x.wav is truncated.\n"),
        (FileNotFoundError(2, "No such file or directory", "x.wav"), 1, "Error: x.wav: No such file or directory\n"),
        (ParameterError("epochs=0 must be 1 or more."), 2, "Error: epochs=0 must be 1 or more.\n"),
        (RuntimeError("odd"), 1, "Error: RuntimeError: odd (--debug shows where it comes from)\n"),
        (KeyboardInterrupt(), 130, "Interrupted; nothing half-written is left.\n"),
    ],
)
def test_errors_become_a_message_and_a_code(error, code, message, capsys):
    assert raised(error) == code
    assert capsys.readouterr() == ("", message)


def test_refusal_of_scikit_learn_is_wrong_usage(capsys):
    from sktimbre import TimbreAutoencoder

    with pytest.raises(typer.Exit) as end, session():
        TimbreAutoencoder(filters=0)._validate_params()
    assert end.value.exit_code == 2
    assert "'filters'" in capsys.readouterr().err


def test_debug_shows_the_traceback(capsys):
    assert raised(RuntimeError("odd"), debug=True) == 1
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "in raised" in shown


def test_exit_of_a_command_passes():
    assert raised(typer.Exit(7)) == 7


def test_warnings_are_shown_and_part_of_the_result(capsys):
    with session(as_json=True) as s:
        warnings.warn("too loud", ClippingWarning, stacklevel=1)
        warnings.warn("for programmers", RuntimeWarning, stacklevel=1)
        s.result({"value": np.float32(np.nan), "list": np.arange(2)})
    captured = capsys.readouterr()
    assert captured.err == "Warning: too loud\n"
    assert json.loads(captured.out) == {"value": None, "list": [0, 1], "warnings": ["too loud"]}


def test_warnings_while_a_model_loads_are_shown(capfd, monkeypatch):
    """Standard error is silenced meanwhile: TensorFlow's compiled part would write to it."""
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    with session() as s, s.importing():
        os.write(2, b"noise of TensorFlow")
        warnings.warn("from a newer version", VersionWarning, stacklevel=1)
    assert capfd.readouterr().err == "Warning: from a newer version\n"


def test_quiet_keeps_the_json_object(capsys):
    with session(as_json=True, quiet=True) as s, s.status("working"):
        s.result({"value": 1}, "shown")
    assert json.loads(capsys.readouterr().out)["value"] == 1
    with session(quiet=True) as s:
        s.result({"value": 1}, "shown")
    assert capsys.readouterr() == ("", "")
