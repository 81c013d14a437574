"""What a user meets before any work: imports, names, cost."""

import ast
import subprocess
import sys
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

import sktimbre

ROOT = Path(__file__).parents[1]


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


def test_the_oldest_versions_are_the_lower_bounds():
    """What `make test-matrix` installs is what setup.py promises: all that is needed, and of the extras what is listed."""
    tree = ast.parse((ROOT / "setup.py").read_text())
    declared = {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)}
    required, extras = (
        [Requirement(r) for r in names] for names in (declared["CORE"], chain(*declared["EXTRAS"].values()))
    )
    bounds = {r.name: next(s.version for s in r.specifier if s.operator == ">=") for r in [*extras, *required]}
    bounds["distributed"] = bounds["dask"]
    lines = (ROOT / "tests" / "oldest.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert {r.name for r in required} <= pinned.keys()
    assert {n: Version(v) for n, v in pinned.items() if n in bounds} == {
        n: Version(bounds[n]) for n in pinned if n in bounds
    }
    assert pinned.keys() - bounds.keys() == {"click", "pyparsing"}


def test_the_command_is_installed():
    from importlib.metadata import entry_points

    (command,) = entry_points(group="console_scripts", name="sktimbre")
    assert command.load() is not None
