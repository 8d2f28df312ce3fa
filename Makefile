# Five commands: make demo, test, check, bench, docs. Each makes its own environment in .venv; PYTHON= picks the Python.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: demo test check bench docs

PYTHON ?= $(shell command -v python3.11 || command -v python3)
DATA ?=
TESTS ?= tests
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# pip's own lines, one over the other; errors and warnings come on stderr as they are.
PROGRESS := awk '/^ *(Collecting|Downloading|Using|Building|Installing)/ { printf "\r\033[K  %.90s", $$0; fflush() } \
                 END { printf "\r\033[K" }'
SOURCES := $(shell find src -type f -not -path '*/__pycache__/*')

# Said before anything is installed.
ifeq ($(filter bench,$(MAKECMDGOALS))$(DATA),bench)
$(error make bench: needs a folder of photos. Received none. Call it as: make bench DATA=photos/)
endif

demo: .venv/demo.stamp .venv/package.stamp
	$(BIN)/augline demo

test: .venv/dev.stamp .venv/package.stamp
	$(BIN)/python -m pytest $(TESTS) -n 2 --dist worksteal

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/bench.stamp .venv/package.stamp
	$(BIN)/python benchmarks/run.py "$(DATA)"

docs: .venv/dev.stamp .venv/package.stamp
	$(BIN)/python docs/generate.py

.venv/bin/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "augline needs Python 3.11 or newer. Found: $$("$(PYTHON)" --version 2>&1)." \
	         "Install one, or name it: make PYTHON=/path/to/python3.12"; exit 2; }
	"$(PYTHON)" -m venv .venv

# One stamp per extra: pip runs again only when pyproject.toml asks for something else.
.venv/%.stamp: pyproject.toml | .venv/bin/python
	@echo "Installing what 'make $(firstword $(MAKECMDGOALS))' needs into .venv; the first time takes a few minutes."
	$(PIP) install --progress-bar off ".[$*]" | $(PROGRESS)
	@touch $@

# The tests run against the installed package, as a user has it: no editable install, a fresh one when src changes.
.venv/package.stamp: $(SOURCES) pyproject.toml | .venv/bin/python
	$(PIP) install -q --no-deps --force-reinstall .
	@touch $@
