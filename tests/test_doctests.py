"""The examples in docstrings run and give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import sktimbre

MODULES = ["sktimbre", *(module.name for module in pkgutil.walk_packages(sktimbre.__path__, "sktimbre."))]


def examples_of(name):
    """Return the examples of a module's docstrings, those of private functions too."""
    module = importlib.import_module(name)
    return [test for test in doctest.DocTestFinder(exclude_empty=True).find(module, name) if test.examples]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples_of_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in examples_of(name):
        runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_examples_are_found():
    assert [test.name for test in examples_of("sktimbre.spectral.log_stft")] == ["sktimbre.spectral.log_stft.LogSTFT"]
