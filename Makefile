# Every target works from a clean clone with Python 3.11+ and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
READY  := $(VENV)/.ready-$(shell cat pyproject.toml .ci/constraints.txt 2>/dev/null | cksum | cut -d' ' -f1)

.PHONY: help setup tools demo test test-postgres check docs audit bench bench-scale scale torture golden run site

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "digest needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c .ci/constraints.txt -e '.[dev]'
	@rm -f $(VENV)/.ready-* && touch $@

setup: $(READY) ## create .venv with the pinned dependencies and the package

tools: $(READY) ## Jekyll and Chromium for the tests, when root on Debian
	@.ci/tools

demo: $(READY) ## the whole story on recorded sources, no key, no network
	$(BIN)/digest demo demo

test: $(READY) tools ## the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(READY) tools ## ruff, mypy, import contracts, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile

docs: $(READY) ## the reference pages, and the documentation as a site in .docs-site
	$(PIP) install -q -c .ci/constraints.txt -e '.[dev,docs]'
	$(BIN)/python -m tests.docs_reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build -q --strict -f .mkdocs.yml

audit: ## ask the package index which pinned versions are known to be unsafe
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip --disable-pip-version-check install -q pip-audit
	$(VENV)-audit/bin/pip-audit --no-deps --disable-pip -r .ci/constraints.txt

bench: $(READY) ## measure; writes .github/bench.md
	$(PIP) install -q -c .ci/constraints.txt -e '.[dev,bench]'
	$(BIN)/python -m tests.bench

test-postgres: $(READY) tools ## the tests on PostgreSQL, started in a temporary folder
	$(BIN)/python -m tests.postgres

bench-scale: $(READY) tools ## measure many works on PostgreSQL and on SQLite, with synthetic ones
	$(BIN)/python -m tests.bench.scale

scale: $(READY) tools ## a month of fifty workspaces on PostgreSQL under kills; about twenty minutes
	$(BIN)/python -m tests.scale

torture: $(READY) ## kill the program again and again and look for what was lost or mailed twice
	$(BIN)/python -m tests.torture --kills 200
	$(BIN)/python -m tests.mail.kill_send --kills 12 --readers 1000

golden: $(READY) ## rewrite the golden files; read the diff as a reader would
	$(BIN)/python -m pytest -n 2 --dist loadfile --golden

site: $(READY) ## build the checkout's site with Jekyll and serve it
	$(BIN)/digest preview

run: $(READY) ## fetch, tag, rank and draft last month in this checkout
	$(BIN)/digest run
