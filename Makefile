SHELL := /bin/bash
PYTHON ?= python3.11
PYTHON := $(shell command -v $(PYTHON) || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TYPES := build/types/crescendo

# The tests that `make test` runs, as a pytest marker expression.
TESTS ?= not slow
# One more than cores: tests with a server or a Ray wait for it a third of their time.
WORKERS ?= 3
# Each file goes to one worker, in the order of tests/conftest.py.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: install demo test test-slow bench findings gpu-bundle screenshots lint types format clean

install: $(INSTALLED)
	@echo "Crescendo is installed in $(VENV). For this terminal: source $(BIN)/activate"

# The stamp depends on pyproject.toml alone: a second call installs nothing, a changed dependency does.
$(INSTALLED): pyproject.toml
	@PYTHON=$(PYTHON) VENV=$(VENV) bash .ci/install
	@touch $@

demo: $(INSTALLED)
	@rm -rf build/demo
	@echo "A whole study on synthetic data, then its report: about three minutes on two cores."
	$(BIN)/crescendo sweep quick --output build/demo
	$(BIN)/generate-report build/demo

# On two cores, one thread for each worker.
test: export OMP_NUM_THREADS ?= 1
test: $(INSTALLED)
	$(PYTEST) -m '$(TESTS)'

test-slow: $(INSTALLED)
	$(PYTEST) -m slow

bench: $(INSTALLED)
	$(BIN)/python benchmarks/run_all.py --json build/bench.json --page docs/benchmarks.md

# FROM: output folders of finished studies of those that ship as findings_...; see docs/findings.md.
FROM ?= $(wildcard results/findings_*)
findings: $(INSTALLED)
	@for study in $(FROM); do $(BIN)/generate-report "$$study" || exit; done
	$(BIN)/python benchmarks/findings.py $(addsuffix /report/report.json,$(FROM))

# REPORT: the page of a report, whose pictures docs/report.md and the README show.
screenshots: $(INSTALLED)
	$(BIN)/python benchmarks/screenshots.py '$(REPORT)' docs

# DATA: HAPT, prepared; THERE: packages that the machine with the GPU has. See docs/gpu_check.md.
gpu-bundle: $(INSTALLED)
	$(BIN)/python benchmarks/gpu_bundle.py $(if $(DATA),--data '$(DATA)') $(if $(THERE),--there $(THERE))

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
