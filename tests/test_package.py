"""What a user meets before any work: imports, names, cost."""

import subprocess
import sys

import sktimbre


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_loads_no_heavy_library():
    heavy = ("tensorflow", "keras", "numba", "librosa", "matplotlib", "skops")
    assert run(f"import sys, sktimbre; print([m for m in {heavy!r} if m in sys.modules])") == "[]"


def test_transformers_and_metrics_load_no_network_library():
    code = (
        "import sys; from sktimbre import LogSTFT, GriffinLimInverter, TimbreTransfer, TimbreAutoencoder, metrics, datasets;"
        "TimbreAutoencoder(); print([m for m in ('tensorflow', 'keras', 'numba') if m in sys.modules])"
    )
    assert run(code) == "[]"


def test_every_public_name_exists():
    for name in sktimbre.__all__:
        assert getattr(sktimbre, name) is not None
        assert name in dir(sktimbre)


def test_the_command_is_installed():
    from importlib.metadata import entry_points

    (command,) = entry_points(group="console_scripts", name="sktimbre")
    assert command.load() is not None
