# Two commands do all the set-up: `make demo` serves the demo organization, `make test` passes every test.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
DIR ?= seeds

.PHONY: help demo test lint bench realworld schema clean

help: ## Show this list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.base: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "graph-api needs Python 3.11 or newer; none was found. Name one with PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module does not work here; on Debian install python3-venv."; exit 1; }
	@echo "Installing graph-api into $(VENV) ..."
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@echo "Installing what the tests need ..."
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev,neo4j-local]'
	@touch $@

demo: $(VENV)/.base ## Serve the demo organization on 127.0.0.1:8000 (PORT changes it).
	@$(BIN)/graph-api serve --demo --port $(PORT)

lint: $(VENV)/.dev ## Check style and types.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy

test: lint ## Pass all tests, a real Neo4j included (NEO4J_URI, or a local one).
	@$(BIN)/python -m pytest

bench: $(VENV)/.dev ## Measure both stores against their floors.
	@$(BIN)/python -m benchmarks.run

realworld: $(VENV)/.dev ## Print the figures of every folder of descriptor files below DIR.
	@$(BIN)/python tools/realworld.py $(DIR)

schema: $(VENV)/.base ## Write schema/ anew.
	@$(BIN)/graph-api export-schema schema

clean: ## Remove what was made here, but no data.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
