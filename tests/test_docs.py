"""The documentation is complete: every public name has a page, and its docstring tells what the house asks for."""

import ast
import importlib
import inspect
import re
import tomllib
from pathlib import Path

import pytest

import sktimbre

numpydoc_validate = pytest.importorskip("numpydoc.validate")

REPOSITORY = Path(__file__).resolve().parents[1]
API = REPOSITORY / "docs" / "api"
MODULES = [getattr(sktimbre, name) for name in sktimbre.__all__ if inspect.ismodule(getattr(sktimbre, name))]
ROOMS = [sktimbre, *MODULES, importlib.import_module("sktimbre.parallel")]
VALIDATION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["numpydoc_validation"]


def documented():
    """Return the full names that the API pages list."""
    names = []
    for page in API.glob("*.rst"):
        module, listing = "", False
        for line in page.read_text().splitlines():
            if found := re.match(r"\.\. currentmodule:: (\S+)", line):
                module = found[1]
            elif found := re.match(r"\.\. py:data:: (\S+)", line):
                names.append(f"{module}.{found[1]}")
            elif line.strip():
                listing = line.startswith(".. autosummary::") or (listing and line.startswith(" "))
                if listing and re.fullmatch(r" +\w+", line):
                    names.append(f"{module}.{line.strip()}")
    return names


def test_every_public_name_has_one_page():
    pages = documented()
    assert len(pages) == len(set(pages))
    shown = [resolve(name) for name in pages]
    for room in ROOMS:
        for name in room.__all__:
            thing = getattr(room, name)
            # A class that two folders give out has its page at the shorter name.
            has_page = any(thing is other for other in shown) or inspect.ismodule(thing)
            assert has_page, f"add {name} to the page in docs/api/ whose currentmodule is {room.__name__}"


def test_every_public_folder_has_a_page():
    modules = {
        re.search(r"currentmodule:: (\S+)", page.read_text())[1] for page in API.glob("*.rst") if page.stem != "index"
    }
    assert modules == {room.__name__ for room in ROOMS}


def written_examples():
    """Return the Python code of all pages, by page and line."""
    pages = [
        REPOSITORY / "README.md",
        *(REPOSITORY / "docs").glob("*.md"),
        *(REPOSITORY / "docs" / "guide").glob("*.md"),
    ]
    for page in pages:
        for block in re.finditer(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            yield pytest.param(block[1], id=f"{page.name}-{page.read_text()[: block.start()].count(chr(10)) + 1}")


@pytest.mark.parametrize("code", list(written_examples()))
def test_examples_of_the_pages_import_what_exists(code):
    tree = ast.parse(code)
    exec(
        compile(ast.Module([n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)], []), "page", "exec"),
        {},
    )


def resolve(name):
    """Return what a full name stands for."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def validated(name):
    """Return a documented name and, of a class, those of its public methods and properties that are ours."""
    thing = resolve(name)
    if not callable(thing):
        return []
    members = [] if not inspect.isclass(thing) else [m for m in dir(thing) if not m.startswith("_") and ours(thing, m)]
    return [name, *(f"{name}.{member}" for member in members)]


def ours(cls, member):
    static = inspect.getattr_static(cls, member)
    function = getattr(static, "fget", None) or getattr(static, "func", None) or static
    return str(getattr(function, "__module__", "")).startswith("sktimbre")


@pytest.mark.parametrize("page", documented())
def test_docstrings_follow_numpydoc(page):
    excused = re.compile("|".join(VALIDATION["exclude"]))
    found = [
        f"{name}: {code} {message}"
        for name in validated(page)
        if not excused.search(name)
        for code, message in numpydoc_validate.validate(name)["errors"]
        if code not in VALIDATION["checks"]
    ]
    assert found == []
