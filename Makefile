# Everything happens in .venv; two commands are enough: `make demo` and `make test`. `make help` lists the others.
# The first of these that is supported and runs here with its venv module; PYTHON=... names another.
PYTHON ?= $(call first,PYTHON,python3.11 python3.12 python3.13 python3)
OLDEST ?= $(call first,OLDEST,python3.11)
NEWEST ?= $(call first,NEWEST,python3.13 python3.12 python3.11)
SUPPORTED := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
first = $(or $(shell for p in $(2); do $$p -c "$(SUPPORTED)" 2>/dev/null && echo $$p && break; done),$(error \
  No Python 3.11, 3.12 or 3.13 runs here with its venv module; tried $(2). Install one, or name one: $(1)=/path/to/python))
VENV := .venv
BIN := $(VENV)/bin
# The backend of Keras that `make test-backends` tests.
BACKEND ?= torch
# The quick tests in as many processes as there are cores, four at most: each of them loads TensorFlow.
QUICK := -m "not slow" --numprocesses logical --maxprocesses 4 --dist worksteal
SPHINX := $(BIN)/python -m sphinx -W --keep-going -b html

.PHONY: help demo test test-slow test-backends test-matrix lint format docs docs-fast benchmark dist clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/installed: setup.py pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), with TensorFlow; this takes a minute or more."
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# One more file for each extra: test, docs, ...
$(VENV)/installed-%: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

demo: $(VENV)/installed  ## train on synthetic notes, print errors beside the baselines, write sound, pictures and a page
	$(BIN)/sktimbre demo --overwrite

test: $(VENV)/installed-test  ## install the test extras and run the tests
	$(BIN)/python -m pytest $(QUICK)

test-slow: $(VENV)/installed-test  ## the tests that `make test` leaves out because they take long
	$(BIN)/python -m pytest -m slow

test-backends:  ## a part of the tests with Keras's torch backend, in an environment without TensorFlow; or BACKEND=jax
	$(PYTHON) -m venv .venv-$(BACKEND)
	KERAS_BACKEND=$(BACKEND) .venv-$(BACKEND)/bin/python -m pip install --quiet --constraint tests/backends.txt --editable '.[test]'
	KERAS_BACKEND=$(BACKEND) .venv-$(BACKEND)/bin/python -m pytest -m "backends and not slow" tests/autoencoder

test-matrix:  ## the tests with the oldest versions on Python 3.11 and the newest on the newest; warnings are errors
	$(OLDEST) -m venv --clear .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --constraint tests/oldest.txt --editable '.[test]'
	.venv-oldest/bin/python -m pytest $(QUICK)
	$(NEWEST) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager --editable '.[test]'
	.venv-newest/bin/python -m pytest $(QUICK)

lint: $(VENV)/installed-test  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-test  ## put the code into the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/installed-docs  ## build the documentation into docs/_build/html; its examples run
	rm -rf docs/api/generated
	$(SPHINX) docs docs/_build/html

docs-fast: $(VENV)/installed-docs  ## the same without running the examples
	rm -rf docs/api/generated
	$(SPHINX) -D plot_gallery=0 docs docs/_build/html

benchmark: $(VENV)/installed-test  ## timbre transfer on real notes; see benchmarks/ for the others
	$(BIN)/python benchmarks/timbre.py

dist: $(VENV)/installed  ## a wheel, into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## remove everything that make made
	rm -rf $(VENV) .venv-oldest .venv-newest .venv-torch .venv-jax build dist *.egg-info demo_output docs/_build docs/auto_gallery \
		docs/api/generated docs/api/backreferences docs/_static/browser docs/_static/phrase
