# `make run` brings up a living demo province; `make test` runs everything that is tested.
# Files under .venv, frontend/node_modules and ioc/_frontend are stamps: nothing is done twice.
.PHONY: run setup test test-long check format screenshots bench locks clean help
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
FRONTEND := $(shell find frontend -name node_modules -prune -o -type f -print)
WORKERS ?= 3# pytest processes beside the first; each starts a database and a broker of its own
PYTEST = $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

help:          ## what there is to make
	@sed -n 's/^\([a-z-]*\): .*## /\1\t/p' Makefile

run: setup     ## set up, then run the demo province with its own database and broker; Ctrl-C stops it
	@IOC_DEMO=$${IOC_DEMO-1} $(BIN)/ioc up

setup: .venv/.project ioc/_frontend/.built ## virtual environment, packages, front end

.venv/.packages: requirements-dev.lock
	@tools/prerequisites run
	python3 -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.project: .venv/.packages pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

frontend/node_modules/.packages: frontend/package.json frontend/package-lock.json
	@tools/prerequisites run
	cd frontend && npm ci --no-audit --no-fund
	@touch $@

ioc/_frontend/.built: frontend/node_modules/.packages $(FRONTEND)
	cd frontend && npm run build
	@touch $@

check: setup   ## lint, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	frontend/node_modules/.bin/pyright
	$(BIN)/lint-imports --no-logo
	cd frontend && npm run --silent check

test: check    ## check, then every test but the long ones; installs what they start (as root, on Debian)
	@tools/prerequisites test
	cd frontend && npm run --silent test -- --passWithNoTests
	$(PYTEST)

test-long: setup ## kill rounds, soak, fuzz
	@tools/prerequisites test
	$(BIN)/pytest -m long --timeout 2400 || [ $$? -eq 5 ] # 5: none collected

screenshots: setup ## pictures of the screens, into docs/screens
	@tools/prerequisites test
	IOC_SCREENSHOTS=docs/screens $(BIN)/pytest -m browser -k screenshot

bench: setup   ## figures against limits measured in the same run
	for part in ingest fanout latency; do $(BIN)/ioc bench $$part --json || exit; done

format: .venv/.project ## put the code in the one format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

locks:         ## the lock files anew from pyproject.toml
	tools/lock

clean:         ## remove what was made, but never the data in var
	rm -rf .venv frontend/node_modules ioc/_frontend .*_cache .hypothesis dist
