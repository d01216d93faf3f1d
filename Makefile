# One command each. The first one makes .venv (a few minutes, once); after that only what changed is done again.
#
#   make demo                   a short clip through the whole house, and where to watch it
#   make test                   the tests; make test ARGS="-m slow" for the slow ones
#   make lint types             ruff, mypy
#   make docs                   docs/cli.md from the help texts
#   make bench                  every script in benchmarks/
#   make clean                  remove what these made (.venv stays)
#
# On Linux, pip takes the CUDA build of torch from PyPI, which is gigabytes. For the CPU build:
#   make demo PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"

# The first Python that starts (a pyenv shim may not), can make environments, and has a wheel of the mediapipe with
# the pose models inside (3.10 to 3.12). Tested most: 3.11. `make PYTHON=python3.13 ...` overrides.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.10 python3; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
PIP_ARGS ?=
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := out/demo.mp4
SOURCES := $(shell find videopose3d -type f -not -name '*.pyc')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint types docs bench clean

help: # the comment above
	@sed -n 's/^#   //p' $(firstword $(MAKEFILE_LIST))

# The stamp is written last: an install that broke off is taken up again. The package is installed editable, so only
# a change of what it depends on asks for a new one.
$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.10, 3.11 or 3.12 with venv found. Set one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON): some minutes, only this once."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[mediapipe,dev]'
	@touch $@

$(DEMO): $(READY) $(SOURCES)
	@mkdir -p $(@D) && rm -f $@
	$(BIN)/videopose3d demo -o $@

demo: $(DEMO)
	@echo "Watch it: $(CURDIR)/$(DEMO)"

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python tools/make_cli_reference.py

bench: $(READY)
	@set -e; for script in $(sort $(wildcard benchmarks/[a-z]*.py)); do echo "== $$script"; $(BIN)/python $$script $(ARGS); done

clean:
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
