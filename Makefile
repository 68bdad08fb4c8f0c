SHELL := /bin/bash
PYTHON ?= python3.11
PYTHON := $(shell command -v $(PYTHON) || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TYPES := build/types/crescendo

.PHONY: demo test test-slow bench lint types format clean

# The stamp depends on pyproject.toml alone: a second call installs nothing, a changed dependency does.
$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; pass it with make PYTHON=/path/to/python" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(INSTALLED)
	@rm -rf build/demo
	$(BIN)/crescendo sweep quick --output build/demo
	$(BIN)/generate-report build/demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -m 'not slow'

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

bench: $(INSTALLED)
	$(BIN)/python benchmarks/run_all.py --json build/bench.json --page docs/benchmarks.md

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy does not follow setuptools' package-dir: it reads the rooms through links.
types: $(INSTALLED)
	@mkdir -p $(TYPES)
	@for room in platform trainables search_spaces reports; do ln -sfn ../../../$$room $(TYPES)/$$room; done
	MYPYPATH=build/types $(BIN)/mypy -p crescendo

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build .venv *.egg-info
