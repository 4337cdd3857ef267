# Trailbook. `make demo` and `make test` work on a fresh machine with Python 3.11 or later, make and a package index.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := usage
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The first Python on the path that is new enough; asked for only when .venv has to be made.
PYTHON ?= $(shell for each in python3.11 python3 python3.12 python3.13; do \
	if "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo "$$each"; exit; fi; \
	done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP_IN = PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $(1)/bin/python -m pip install --quiet
PIP := $(call PIP_IN,$(VENV))
APT := DEBIAN_FRONTEND=noninteractive apt-get
# Extra words for the command: `make demo ARGS="--no-serve --dir /tmp/nordlys"`, `make test PYTEST_ARGS="-n 0"`.
ARGS ?=
# Entries of the benchmarks: `make bench SIZE=10m ARGS=--write`.
SIZE ?= 1m
PYTEST_ARGS ?=

.PHONY: usage setup demo test torture full mutants lint bench bench-capture docs shots lock \
	vendor browser newer nginx office golang clean

usage:
	@echo "make setup   make .venv with everything that work on Trailbook needs"
	@echo "make demo    open the demo company's activity log (ARGS=... go to trailbook demo)"
	@echo "make test    setup, a browser, a newer Python, nginx, LibreOffice, Go, lint and every test (PYTEST_ARGS=... go to pytest)"
	@echo "make torture cuts, power cuts, kills, damage, attacks and requests by the thousand (as root, on Debian)"
	@echo "make full    the same with every case and no limit of time; it says at its end how many there were"
	@echo "make mutants change each place of who is let in and of paging; some test must fail each time"
	@echo "make lint    ruff, mypy and the direction of imports"
	@echo "make bench-capture  what capture adds to a host's writes, beside four other libraries"
	@echo "make bench   the benchmarks at a million entries (SIZE=10m: half an hour; ARGS=--write: into docs)"
	@echo "make docs    check that the documents are in step with the code"
	@echo "make shots   take the pictures of README anew"
	@echo "make lock    pin and hash the newest allowed dependencies again (needs uv)"
	@echo "make vendor  fetch the parts of the page that others wrote, as pinned (needs npm; ARGS=--pin takes new hashes)"
	@echo "make clean   remove .venv and everything that tools left behind"

setup: $(VENV)/.dev
	@echo "The environment .venv is ready."

demo: $(VENV)/.demo
	@echo "Opening the demo company, Nordlys AS ..."
	@$(BIN)/trailbook demo $(ARGS)

test: setup browser newer nginx office golang
	@$(MAKE) lint
	@echo "Running the tests ..."
	@PYTHONHASHSEED=0 $(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

# How much each run does is said in tests/amounts.py. What measures times comes first, with nothing beside it; then the
# rest two at a time, in groups, for tests that flush the whole machine must not meet. -raP: what a test counted is said.
QUIET := $(addprefix tests/torture/,test_timing.py test_attacks.py test_soak.py)
LARGE := tests/torture tests/export/test_trailbook_verify.py tests/export/test_bundle_v2.py \
	tests/export/test_golden_bundle_v2.py tests/corpus/test_agree.py tests/web/test_agree.py tests/web/test_any_request.py \
	tests/web/api/test_document.py::test_generated_requests tests/capture/fuzz/test_fuzz.py::test_random_writes \
	$(addprefix tests/web/test_browser.py::,test_every_state_is_accessible test_the_settings_are_accessible) \
	tests/web/test_hr.py::test_the_hr_pages_are_accessible
# Every write path with every version, database and cover; `make test` meets each of these with each path.
VERSIONS := $(addprefix tests/capture/,test_versions.py django/test_matrix.py django/test_versions.py django/test_chance.py)
TORTURE := PYTHONHASHSEED=0 $(BIN)/python -m pytest -raP

torture: setup browser
	@echo "Cutting system calls, power and processes; this takes about a quarter of an hour ..."
	@TRAILBOOK_TORTURE=1 $(TORTURE) -n 0 -o timeout=1200 $(QUIET) $(PYTEST_ARGS)
	@TRAILBOOK_TORTURE=1 $(TORTURE) -n 2 -o timeout=1200 --dist loadgroup $(QUIET:%=--ignore %) $(LARGE) $(PYTEST_ARGS)

full: setup browser newer
	@echo "Cutting system calls, power and processes, every case; this takes about an hour and a half ..."
	@TRAILBOOK_TORTURE=full $(TORTURE) -n 0 -o timeout=0 $(QUIET) $(PYTEST_ARGS)
	@TRAILBOOK_TORTURE=full $(TORTURE) -n 2 -o timeout=0 --dist loadgroup $(QUIET:%=--ignore %) $(LARGE) $(VERSIONS) $(PYTEST_ARGS)

mutants: setup
	@echo "Changing one place at a time; this takes about a quarter of an hour ..."
	@left=0; for module in access/viewer query/cursors finding/paging; do \
		$(BIN)/python tests/mutants.py $$module.py tests/$${module%/*}/test_$${module##*/}.py || left=1; \
	done; exit $$left

lint: setup
	@echo "Checking rules (ruff) ..."
	@$(BIN)/ruff check .
	@echo "Checking form (ruff format) ..."
	@$(BIN)/ruff format --check .
	@echo "Checking types (mypy) ..."
	@$(BIN)/mypy
	@echo "Checking the direction of imports (import-linter) ..."
	@$(BIN)/lint-imports --no-cache

bench: setup
	@echo "Running the benchmarks ..."
	@$(BIN)/python -m bench --size $(SIZE) $(ARGS)

bench-capture: $(VENV)/.bench
	@echo "Measuring what capture adds, beside other libraries ..."
	@$(BIN)/python -m bench.capture $(ARGS)

docs: setup
	@if [ -d tests/docs ]; then \
		echo "Checking that the documents are in step with the code ..."; \
		$(BIN)/python -m pytest tests/docs $(PYTEST_ARGS); \
	else \
		echo "The checks of the documents live in tests/docs, which this checkout does not have."; exit 1; \
	fi

shots: setup browser
	@echo "Taking pictures of the demo company ..."
	@$(BIN)/python docs/img/shoot.py

# --- The environment. A stamp file says what .venv holds; it is made again when the pins or pyproject.toml change. ---

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Trailbook needs Python 3.11 or later; name one with make PYTHON=/path/to/python3." >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version) ..."
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Python came without venv: installing the Debian package python3-venv ..."; \
			$(APT) update -qq && $(APT) install -qq -y --no-install-recommends python3-venv >/dev/null; \
		else \
			echo "Python came without venv. Install it (Debian: python3-venv) and try again." >&2; exit 1; \
		fi; \
	fi
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)

# The development pins contain the demo's, so this one stamp answers for both.
$(VENV)/.dev: requirements/dev.txt requirements/sqlalchemy-2.0.txt pyproject.toml | $(BIN)/python
	@echo "Installing the pinned dependencies of requirements/dev.txt ..."
	@$(PIP) --require-hashes --only-binary :all: -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(PIP) --no-deps --require-hashes --only-binary :all: --upgrade --target $(VENV)/sqlalchemy-2.0 \
		-r requirements/sqlalchemy-2.0.txt
	@touch $(VENV)/.demo $@

# In a folder of their own: what is only compared with must not be importable by accident.
$(VENV)/.bench: requirements/bench.txt | $(VENV)/.dev
	@$(PIP) --no-deps --require-hashes --only-binary :all: --upgrade --target $(VENV)/compared -r requirements/bench.txt
	@touch $@

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(BIN)/python
	@echo "Installing the pinned dependencies of requirements/demo.txt ..."
	@$(PIP) --require-hashes --only-binary :all: -r requirements/demo.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

browser:
	@if ! command -v chromium >/dev/null || ! command -v openssl >/dev/null || ! command -v strace >/dev/null \
		|| ! command -v mkfs.ext4 >/dev/null || ! command -v mount >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "The tests need a browser, openssl, strace and mount: installing the Debian packages ..."; \
			$(APT) update -qq && $(APT) install -qq -y --no-install-recommends chromium fonts-dejavu-core openssl strace e2fsprogs mount >/dev/null; \
		else \
			echo "The tests need more (Debian: apt-get install chromium openssl strace e2fsprogs mount)." >&2; \
			exit 1; \
		fi; \
	fi

# A Python newer than that of .venv, for the tests that need one: from the path, or out of Debian's next release.
NEWER := $(VENV)/newer
newer: $(NEWER)/.core $(NEWER)/.django-6

$(NEWER)/.made: requirements/newer_python.py | $(BIN)/python
	@$(BIN)/python requirements/newer_python.py $(NEWER)
	@touch $@

$(NEWER)/.core: requirements/core.txt $(NEWER)/.made
	@$(call PIP_IN,$(NEWER)) --require-hashes --only-binary :all: -r requirements/core.txt
	@touch $@

# Django 6 needs that newer Python. In a folder of its own, for the core alone is what other tests run with.
$(NEWER)/.django-6: requirements/django-6.txt $(NEWER)/.core
	@$(call PIP_IN,$(NEWER)) --no-deps --require-hashes --only-binary :all: --upgrade --target $(NEWER)/django-6 \
		-r requirements/django-6.txt
	@touch $@

# A proxy to stand behind: the nginx on the path, or out of its Debian package. It is not installed and needs no rights.
nginx: | $(BIN)/python
	@$(BIN)/python requirements/nginx.py $(VENV)/nginx

# A spreadsheet to open XLSX with: about 90 MB of Debian packages, half a minute.
office:
	@if ! command -v soffice >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "A test opens a workbook in LibreOffice: installing the Debian package libreoffice-calc-nogui ..."; \
			$(APT) update -qq && $(APT) install -qq -y --no-install-recommends libreoffice-calc-nogui >/dev/null; \
		else \
			echo "A test needs LibreOffice (Debian: apt-get install libreoffice-calc-nogui)." >&2; exit 1; \
		fi; \
	fi

# Go, and the source of golang.org/x/mod: about 70 MB of Debian packages, a quarter of a minute.
golang:
	@if ! command -v go >/dev/null || ! [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/note ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Tests compare with Go's reading of signed notes: installing the Debian packages golang-go and x/mod ..."; \
			$(APT) update -qq && $(APT) install -qq -y --no-install-recommends golang-go golang-golang-x-mod-dev >/dev/null; \
		else \
			echo "Tests need Go (Debian: apt-get install golang-go golang-golang-x-mod-dev)." >&2; exit 1; \
		fi; \
	fi

# --- Pins. ---

UV ?= uv
LOCK = $(UV) pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --upgrade
lock:
	@command -v $(UV) >/dev/null || { echo "make lock needs uv; name one with make lock UV=/path/to/uv." >&2; exit 1; }
	@echo "Pinning requirements/dev.txt ..."
	@$(LOCK) pyproject.toml --extra demo --group dev --output-file requirements/dev.txt
	@echo "Pinning requirements/sqlalchemy-2.0.txt, with which capture is tested too ..."
	@echo "sqlalchemy>=2.0.36,<2.1" | $(LOCK) --no-deps - --output-file requirements/sqlalchemy-2.0.txt
	@echo "Pinning requirements/django-6.txt, with which capture is tested too ..."
	@printf "%s\n" "django>=6,<7" "psycopg[binary]>=3.2" "pytest>=8.3" "pytest-timeout>=2.3" \
		| $(LOCK:3.11=3.12) - --output-file requirements/django-6.txt
	@echo "Pinning requirements/bench.txt, with which capture is compared ..."
	@printf "%s\n" "django-auditlog>=3.4" "django-simple-history>=3.13" "postgresql-audit>=0.18" \
		"sqlalchemy-continuum>=2.0" "sqlalchemy-utils>=0.43" \
		| $(LOCK) --no-deps - --output-file requirements/bench.txt
	@echo "Pinning requirements/demo.txt and requirements/core.txt to the same versions ..."
	@$(LOCK) pyproject.toml --extra demo --group build --constraint requirements/dev.txt --output-file requirements/demo.txt
	@$(LOCK) pyproject.toml --constraint requirements/dev.txt --output-file requirements/core.txt

vendor: $(BIN)/python
	@command -v npm >/dev/null || { echo "make vendor needs npm (Debian: apt-get install npm)." >&2; exit 1; }
	@$(BIN)/python requirements/vendor.py $(ARGS)

clean:
	@echo "Removing .venv and what tools left behind ..."
	@rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
