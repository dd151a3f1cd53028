# Each target does the set-up it needs. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := libs/contracts libs/rules libs/runtime services/trigger-router services/condition-evaluator \
	services/action-runner services/delay-relay services/run-ledger services/workflow-api \
	examples/sample-crm deploy/embedded
SOURCES := $(addsuffix /src,$(PACKAGES)) tests bench
PYTEST := $(BIN)/pytest
ARGS ?=
ONLY ?=

.PHONY: help setup demo up check test test-e2e fault bench generate clean lock

help: ## list the targets
	@grep -E '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 18

$(VENV)/.installed: requirements-setup.lock requirements.lock $(addsuffix /pyproject.toml,$(PACKAGES))
	@echo "Setting up $(VENV): about 150 MB of Python packages, kept in the package cache for next time."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Signalbox needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version). Set PYTHON=/path/to/python3.11."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@touch $@

setup: $(VENV)/.installed ## build .venv from the locks
	@$(BIN)/signalbox fetch

lock: ## resolve requirements*.in into the lock files
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --universal requirements-setup.in -o requirements-setup.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --universal requirements.in -o requirements.lock

demo: setup ## the whole story on real Kafka and PostgreSQL (ARGS=--exit ends after it)
	@$(BIN)/signalbox demo $(ARGS)

up: setup ## start everything and stay in the foreground
	@$(BIN)/signalbox up $(ARGS)

check: $(VENV)/.installed ## format, lint, types, architecture, unit and property tests
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache >/tmp/signalbox-imports.$$$$ || { cat /tmp/signalbox-imports.$$$$; exit 1; }
	@$(BIN)/mypy --no-error-summary $(SOURCES)
	@$(PYTEST) -q -n 3 tests/unit tests/property

test: setup ## every test: unit, property, contract, integration, e2e
	@$(PYTEST) -n 2 --dist loadfile $(ARGS) tests/unit tests/property tests/contract tests/integration
	@$(PYTEST) $(ARGS) tests/e2e

test-e2e: setup ## the whole system from outside
	@$(PYTEST) $(ARGS) tests/e2e

fault: setup ## kill, stop and starve processes at every named point, and check from outside
	@$(PYTEST) -s $(ARGS) tests/fault

bench: setup ## measure; ONLY=rules for a part; writes bench/results/latest.json
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

generate: $(VENV)/.installed ## rewrite what is generated from code and checked in
	@$(BIN)/python -m schemas.generate

clean: ## remove what the targets made here (not the download cache)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench/results
