# Everything happens in .venv; two commands are enough: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint benchmark clean

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

lint: $(VENV)/installed-test  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: $(VENV)/installed-test  ## timbre transfer on real notes; see benchmarks/ for the others
	$(BIN)/python benchmarks/timbre.py

clean:
	rm -rf $(VENV) build dist *.egg-info demo_output
