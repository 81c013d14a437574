# Everything happens in .venv; two commands are enough: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-matrix lint benchmark clean

$(VENV)/installed: setup.py pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

demo: $(VENV)/installed  ## train on synthetic notes, print errors beside the controls, write sound, pictures and a page
	$(BIN)/sktimbre demo --overwrite

test: $(VENV)/installed-test  ## install the test extras and run the tests
	$(BIN)/python -m pytest -m "not slow"

test-matrix:  ## the tests with the oldest and with the newest versions of everything; warnings are errors in both
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --constraint tests/oldest.txt --editable '.[test]'
	.venv-oldest/bin/python -m pytest -m "not slow"
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager --editable '.[test]'
	.venv-newest/bin/python -m pytest -m "not slow"

lint: $(VENV)/installed-test  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: $(VENV)/installed-test  ## flute to clarinet on real notes; see benchmarks/ for the others
	$(BIN)/python benchmarks/first_light.py

clean:
	rm -rf $(VENV) .venv-oldest .venv-newest build dist *.egg-info demo_output
