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
NPM := console/scripts/npm.sh
CONSOLE_SOURCES := $(shell find console/src console/public console/scripts -type f 2>/dev/null) \
	console/index.html console/vite.config.ts
ARGS ?=
ONLY ?=

.PHONY: help setup demo up check test test-e2e fault bench generate clean lock browser pictures lint

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

setup: $(VENV)/.installed console/dist/index.html ## build .venv from the locks, and the console
	@$(BIN)/signalbox fetch

console/node_modules/.installed: console/package-lock.json $(VENV)/.installed
	@echo "Setting up the console: about 60 MB of npm packages, kept in npm's cache for next time."
	@$(NPM) ci --silent --no-progress
	@touch $@

console/dist/index.html: console/node_modules/.installed $(CONSOLE_SOURCES)
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@

browser: # Chromium for the console's tests, from the system's packages where that is possible
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium from the system's packages, about 400 MB."; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else echo "No Chromium here: the console's browser tests are skipped. Install the package chromium to run them."; fi; }

lock: ## resolve requirements*.in into the lock files
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --universal requirements-setup.in -o requirements-setup.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --universal requirements.in -o requirements.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --universal requirements-node.in -o requirements-node.lock

demo: setup ## the whole story on real Kafka and PostgreSQL (ARGS=--exit ends after it)
	@$(BIN)/signalbox demo $(ARGS)

up: setup ## start everything and stay in the foreground
	@$(BIN)/signalbox up $(ARGS)

check: lint ## format, lint, types, architecture, the console's, unit and property tests
	@$(PYTEST) -q -n 3 tests/unit tests/property

lint: $(VENV)/.installed console/node_modules/.installed ## format, lint, types, architecture, and the console's checks
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache >/tmp/signalbox-imports.$$$$ || { cat /tmp/signalbox-imports.$$$$; exit 1; }
	@$(BIN)/mypy --no-error-summary $(SOURCES)
	@$(NPM) run --silent check

test: setup browser ## every test: unit, property, contract, integration, the console's, e2e
	@$(NPM) run --silent check
	@$(PYTEST) -n 2 --dist loadfile $(ARGS) tests/unit tests/property tests/contract tests/integration
	@$(PYTEST) $(ARGS) tests/e2e

test-e2e: setup browser ## the whole system from outside, in a browser too
	@$(PYTEST) $(ARGS) tests/e2e

fault: setup ## kill, stop and starve processes at every named point, and check from outside
	@$(PYTEST) -s $(ARGS) tests/fault

bench: setup ## measure; ONLY=rules for a part; writes bench/results/latest.json
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

pictures: setup browser ## photograph the console over the demo, for the README
	@$(BIN)/python -m tests.e2e.console.pictures

generate: $(VENV)/.installed console/node_modules/.installed ## rewrite what is generated from code and checked in
	@$(BIN)/python -m schemas.generate
	@$(NPM) run --silent generate >/dev/null

clean: ## remove what the targets made here (not the download cache)
	rm -rf console/dist console/node_modules $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench/results
