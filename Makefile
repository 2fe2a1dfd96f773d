# Every check and chore of gearframe, each defined once. `make` prints this list.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SETUP  := $(VENV)/.setup
NATIVE := $(VENV)/.native
RUST   := $(shell find crates -name '*.rs' -not -path '*/fuzz/*') $(shell find crates -name Cargo.toml -not -path '*/fuzz/*') Cargo.toml Cargo.lock

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench lock clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(NATIVE)  ## make .venv with all that is needed, and build gearframe into it

demo: $(NATIVE)  ## five questions over 336,776 flights on an embedded Valkey
	$(BIN)/gearframe demo

test: lint  ## all checks and all tests, on real servers
	cargo test --workspace --quiet
	$(BIN)/python -m pytest

lint: $(NATIVE)  ## ruff, mypy, cargo fmt and clippy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings

format: $(SETUP)  ## write all code in its one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cargo fmt --all

bench: $(NATIVE)  ## measure against the floor, and print ratios (takes minutes)
	$(BIN)/python -m benchmarks

lock: $(SETUP)  ## choose the versions for development anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--extra demo --group test --group lint --group build --output-file requirements-dev.lock pyproject.toml

clean:  ## remove everything that was made
	rm -rf $(VENV) target python/gearframe.egg-info python/gearframe/*.so .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(SETUP): requirements-dev.lock tests/servers/libssl11.py tests/servers/debian.py
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gearframe needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m tests.servers.libssl11
	$(BIN)/python -m tests.servers.debian
	touch $@

# An editable install: Python files are used where they are, only Rust is compiled: the native part
# and the module, both into python/gearframe.
$(NATIVE): $(SETUP) $(RUST) pyproject.toml setup.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	touch $@
