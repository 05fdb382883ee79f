# Everything a contributor does, by name. `make` alone lists it. Nothing is written outside the checkout.
#
# Needed: Rust with cargo, Python 3.10 or newer with its `venv`, a C compiler (and make itself). Python is `python3`; another: `make PYTHON=python3.13 test`.

PYTHON ?= python3
CARGO ?= cargo
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(CURDIR)/$(VENV)/Scripts
else
BIN := $(CURDIR)/$(VENV)/bin
endif
PYTHON_VENV := $(BIN)/python
BENCH_VENV := .venvs/bench
# clippy sees the bindings with the interpreter that maturin builds them for.
export PYO3_PYTHON := $(PYTHON_VENV)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Anything that Locust reads from the environment would change what the tests see.
unexport $(filter LOCUST_%,$(.VARIABLES))

.DEFAULT_GOAL := help
# `test` is a sequence: what CI reads last is what the test runner said last.
.NOTPARALLEL:
.PHONY: help demo test bench lint wheel format lock stock compatibility python develop web lint-web lint-rust lint-python test-rust test-model test-python test-servers debian-packages

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target text; do printf '  make %-16s %s\n' "$$target" "$$text"; done

demo: develop ## Build, then load the built-in target with 50 users for ten seconds.
	$(PYTHON_VENV) scripts/demo.py

test: test-servers lint test-rust test-model develop test-python ## Everything CI checks: lint, Rust tests, the model of the mailbox, Python tests.

bench: $(VENV)/.ready ## Measure beside stock Locust and wrk with a release build; writes BENCHMARKS.md.
	test -x $(BENCH_VENV)/bin/python || $(PYTHON_VENV) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet .
	$(PYTHON_VENV) benches/run.py --rocust $(BENCH_VENV)/bin/rocust

lint: lint-rust lint-python lint-web ## Formatting, clippy, ruff, types, layers, the pages. Warnings are errors.

compatibility: $(VENV)/.ready ## Write COMPATIBILITY.md from what tests/compat knows.
	$(PYTHON_VENV) scripts/compatibility.py

wheel: $(VENV)/.ready ## Build the release wheel into dist/.
	$(BIN)/maturin build --release --locked --out dist

format: $(VENV)/.ready ## Put Rust and Python into the house's format.
	$(CARGO) fmt
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet

# Stock Locust gets the versions that we have of what both use: the twins compare the two, not two releases of `requests`.
lock: $(VENV)/.ready ## Make requirements-*.txt follow pyproject.toml; with UPGRADE=--upgrade, to the newest versions.
	$(PYTHON_VENV) -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra otel --group dev --universal --python-version 3.10 --generate-hashes --allow-unsafe --no-header $(UPGRADE) --quiet --output-file requirements-dev.txt
	$(BIN)/uv pip compile --group stock --constraint requirements-dev.txt --universal --python-version 3.11 --generate-hashes --no-header $(UPGRADE) --quiet --output-file requirements-stock.txt
	$(BIN)/uv pip compile pyproject.toml $(foreach extra,dns milvus mongodb mqtt oai postgres progress qdrant socketio,--extra $(extra)) --group contrib --constraint requirements-dev.txt --universal --python-version 3.11 --generate-hashes --no-header $(UPGRADE) --quiet --output-file requirements-contrib.txt
	$(BIN)/uv pip compile pyproject.toml --group plugins --constraint requirements-stock.txt --universal --python-version 3.11 --generate-hashes --no-header $(UPGRADE) --quiet --output-file requirements-plugins.txt

stock: $(VENV)/.ready ## Install stock Locust into .venvs/stock, for the bench and for tests/compat.
	$(PYTHON_VENV) scripts/stock.py

lint-rust: $(VENV)/.ready ## cargo fmt and clippy, with the bindings and without.
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets --no-default-features -- -D warnings
	$(CARGO) clippy --locked --all-targets -- -D warnings

lint-python: $(VENV)/.ready ## ruff, mypy and the layers of the rooms.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(PYTHON_VENV) -m mypy
	cd python && $(BIN)/lint-imports --config ../pyproject.toml --no-cache

web: $(VENV)/.ready ## Build the pages of web/ into the package; Node is needed for this alone.
	$(PYTHON_VENV) scripts/web.py build

lint-web: $(VENV)/.ready ## tsc and biome, and that the committed pages are what web/ gives; left out without npm.
	$(PYTHON_VENV) scripts/web.py check

# The bindings have no Rust tests: those would link against libpython, which many Pythons do not have as a library. They are
# compiled by clippy above and tested through Python below; tests/architecture holds this.
test-rust: ## The pure rooms' own tests, without Python.
	$(CARGO) test --locked --no-default-features

test-model: ## Search every interleaving of mailbox and doorbell for a lost wake-up.
	$(CARGO) test --locked --no-default-features --features model --test loom

develop: $(VENV)/.ready ## Build the extension into .venv (profile `fast`: optimised, without link-time optimisation).
	PIP_QUIET=1 VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --locked --profile fast

test-servers: ## Install the servers that the tests talk to (nginx, Mosquitto, PostgreSQL) and the browser they look with (Chromium), as root on Debian or Ubuntu; elsewhere say what is left out.
	@sh scripts/test_servers.sh

test-python: ## The Python tests, against what `make develop` built.
	$(PYTHON_VENV) scripts/homes.py --optional stock contrib plugins
	$(PYTHON_VENV) -m pytest

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) is missing or older than 3.10. hint: make PYTHON=/path/to/python3.10 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make virtual environments. hint: install its venv package (Debian: make debian-packages)" >&2; exit 1; }

$(VENV)/.ready: requirements-dev.txt | python
	test -x $(PYTHON_VENV) || $(PYTHON) -m venv $(VENV)
	$(PYTHON_VENV) -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

debian-packages: ## Say what Debian and Ubuntu need beside Rust (this one installs nothing).
	@echo "sudo apt-get install build-essential python3 python3-venv"
	@echo "for tests against servers of others (make test installs them as root; left out without them): nginx mosquitto postgresql"
	@echo "for tests that look at pages (the same holds): chromium"
	@echo "for make bench also: nginx wrk openssl (and linux-perf for benches/profile.sh)"
