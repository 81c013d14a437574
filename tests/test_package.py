"""What a user meets before any work: imports, names, cost."""

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
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


def declared():
    """Return what setup.py requires: always, and for the extras."""
    tree = ast.parse((ROOT / "setup.py").read_text())
    lists = {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)}
    return [[Requirement(r) for r in names] for names in (lists["CORE"], chain(*lists["EXTRAS"].values()))]


def test_imports_are_declared():
    """What other packages bring along may be gone with their next release."""
    required = {canonicalize_name(r.name) for r in chain(*declared())} | {"sktimbre", "distributed"}
    distributions = packages_distributions()
    for path in (ROOT / "sktimbre").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
        # torch is there where Keras runs on it.
        for module in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"torch"}:
            # Some extras are not installed here.
            assert required & set(map(canonicalize_name, distributions.get(module, [module]))), f"{module} in {path}"


def test_the_oldest_versions_are_the_lower_bounds():
    """What `make test-matrix` installs is what setup.py promises: all that is needed, and of the extras what is listed."""
    required, extras = declared()
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


# Rooms from the ground up: each may import those above it in this list, and not those below.
ROOMS = (
    "exceptions",
    "_utils",
    "parallel",
    "audio",
    "spectral",
    "storage",
    "persistence",
    "datasets",
    "metrics",
    "baselines",
    "autoencoder",
    "transfer",
    "models",
    "plotting",
    "cli",
)
# The rooms of the names that the package itself offers.
OFFERED = {
    alias.name: node.module
    for node in ast.parse((ROOT / "sktimbre" / "__init__.pyi").read_text()).body
    if isinstance(node, ast.ImportFrom) and node.module
    for alias in node.names
}


def imports(path):
    """Return the modules of the package that a file imports, those inside functions too."""
    tree = ast.parse(path.read_text())
    type_checking = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    left_out = {id(n) for node in type_checking for n in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "sktimbre":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "sktimbre")


def test_imports_point_one_way():
    """Rooms import what is below them; inner files of the kernels are the spectral room's alone."""
    package = ROOT / "sktimbre"
    assert {p.stem for p in package.iterdir() if p.suffix != ".pyi" and p.stem[:2] != "__" and p.stem != "py"} == set(
        ROOMS
    )
    for path in package.rglob("*.py"):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        if room not in ROOMS:
            continue
        for name in imports(path):
            other = (*name.split("."), "")[1]
            other = OFFERED.get(other, other)
            if other not in ROOMS:  # its version and the like
                continue
            assert ROOMS.index(other) <= ROOMS.index(room), f"{path} imports {name}"
            assert "_kernels" not in name or room == "spectral", f"{path} imports {name}"


def test_transfer_runs_nothing_of_the_autoencoder():
    code = "import sys, sktimbre.transfer.estimator; print([m for m in sys.modules if m.startswith('sktimbre.autoencoder')])"
    assert run(code) == "[]"
