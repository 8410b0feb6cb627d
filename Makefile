# `make help` lists the targets. Everything is installed into .venv, in the versions of constraints.txt.

PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
RECENT := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$python -c '$(RECENT)' 2>/dev/null; then echo $$python; break; fi; done)
INSTALL := PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --disable-pip-version-check

# Each worker has a Neo4j of its own, unless there is one to use.
WORKERS := $(if $(NEO4J_URI),,--numprocesses 2 --dist loadscope)

.DELETE_ON_ERROR:
.PHONY: help demo test lint bench reliability realworld schema clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.runs ## Serve the demo organization on 127.0.0.1, port PORT (8000)
	@echo "For the command graph-api, in another terminal: . $(VENV)/bin/activate"
	@exec $(BIN)/graph-api serve --demo --port $(PORT)

test: lint ## Check style and types, and run all tests, with a real Neo4j
	$(BIN)/python -m pytest $(WORKERS)

lint: $(VENV)/.develops ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.develops ## Measure both stores; BENCH="--entities 10000" for another size
	$(BIN)/python -m benchmarks.run $(BENCH)

reliability: $(VENV)/.develops ## Check what is promised on real servers; RELIABILITY="--only 2"
	$(INSTALL) --editable '.[dev,neo4j-local,reliability]'
	$(BIN)/python -m reliability.run $(RELIABILITY)

realworld: $(if $(DIR),$(VENV)/.runs) ## Print figures of the real files below DIR
	@$(BIN)/python tools/realworld.py $(or $(DIR),$(error Name a folder: make realworld DIR=FOLDER))

schema: $(VENV)/.runs ## Write schema/ anew
	$(BIN)/graph-api export-schema schema

clean: ## Remove the environment and everything that tools left; data/ and .neo4j/ stay
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/audit/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "graph-api needs Python 3.11 or newer, and none is on PATH. Install one, or: make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c '$(RECENT)' || { echo "graph-api needs Python 3.11 or newer; $(PYTHON) is none. Name another: make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install its venv module (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.runs: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.develops: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) --editable '.[dev,neo4j-local,otel]'
	@touch $@ $(VENV)/.runs
