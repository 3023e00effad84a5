# The front door. `make` alone says what there is.
PYTHON ?= python3
MODELS ?= models
PORT   ?= 8080
PYTEST ?=
BIN    := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install up test check format lock bench-start bench-rest openapi clean

help:           ## this list
	@sed -n 's/^\([a-z-]*\): .*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-13s%s\n", $$1, $$2}'

install: .venv/.installed  ## build .venv from the pinned, hashed requirements; nothing else

# Installed without resolving (--no-deps): the lock is the whole closure, with exactly one TensorFlow in it.
.venv/.installed: requirements/dev.txt pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "Penstock needs Python 3.11, 3.12 or 3.13 (TensorFlow has wheels for these), not $$($(PYTHON) --version)."; \
	  echo "Name another with: make install PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  v=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "$(PYTHON) cannot make virtual environments: its ensurepip is missing."; \
	  echo "On Debian and Ubuntu: apt-get install python$$v-venv"; exit 1; }
	@echo "Building .venv (about 1.9 GB, a minute or two the first time) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e . -e clients/python
	@touch $@

up: install     ## train and publish two small models unless they are there, and serve them on port $(PORT)
	@for job in digits diabetes; do \
	  ls $(MODELS)/$$job/[1-9]*/saved_model.pb >/dev/null 2>&1 || $(BIN)/penstock train $$job --models $(MODELS) || exit 1; \
	done
	@exec $(BIN)/penstock serve --models $(MODELS) --port $(PORT)

test: install   ## every test
	$(BIN)/pytest $(PYTEST)

check: install  ## format, lint, types, import contracts and every test: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest $(PYTEST)

format: install ## write the files as the formatter wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# uv resolves for every supported Python at once and honours overrides; it is used here and nowhere else.
lock:           ## resolve requirements/dev.txt anew from the pyproject files
	@test -x .lock-venv/bin/uv || { $(PYTHON) -m venv .lock-venv && .lock-venv/bin/pip install --quiet uv; }
	@.lock-venv/bin/uv pip compile pyproject.toml clients/python/pyproject.toml \
	  --extra serving --extra training --extra dev --override requirements/overrides.txt --no-emit-package tensorflow \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --output-file requirements/dev.txt

bench-start: install ## time and memory from `penstock serve` to ready, measured
	$(BIN)/python -m loadtests.bench.start --models $(MODELS)

bench-rest: install ## forms of a request beside each other, and the memory of a stream of a million rows
	$(BIN)/python -m loadtests.bench.binary_routes --models $(MODELS)

openapi: install ## write docs/openapi.json anew; look at its difference before you commit it
	PENSTOCK_TEST_REFRESH=1 $(BIN)/pytest tests/unit/serving/rest/test_openapi_snapshot.py

clean:          ## remove what the targets above made, but for the models
	rm -rf .venv .lock-venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info clients/python/*.egg-info
