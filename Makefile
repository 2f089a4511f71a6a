# SPDX-License-Identifier: Apache-2.0
# Everything from a fresh Debian or Ubuntu with git, make and Python 3.11 or later. `make` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
FAULTS := tests/faults tests/e2e/test_event_kills.py tests/e2e/test_races.py tests/e2e/test_guessing.py tests/storage/test_model.py tests/storage/test_postgres.py tests/storage/test_sql_durability.py tests/surfaces/gateway/test_races.py
DATA_DIR ?= .tessera
export TESSERA_VECTORS ?= $(abspath ../shared/vectors)

# What the wheel is made of. Directories are listed too: a file that goes away changes its directory.
WHEEL_SOURCES := $(shell find cpp bindings cmake service -not -name __pycache__ -not -name '*.pyc' 2>/dev/null) \
                 CMakeLists.txt pyproject.toml VERSION
ONLY_TROUBLES := | { grep -vE ' Passed +[0-9.]+ sec$$|^ +Start ' || true; }
CLANG = $(shell script/clang clang++)

.PHONY: help serve test lint bench fuzz faults asan tsan clean
help: ## list the targets
	@echo "make <target>, on a fresh Debian or Ubuntu with git, make and Python >= 3.11"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: bootstrap-serve $(VENV)/stamp-serve ## build, then serve on 127.0.0.1:8081 with SQLite in .tessera/
	@exec $(BIN)/tessera serve --quickstart --data-dir $(DATA_DIR)

test: test-cpp test-python ## everything that is tested: C++, Python, the installed wheel, the sdist

lint: lint-cpp lint-python ## formatting, static analysis, types, warnings as errors with g++ and clang

bench: bootstrap-bench $(VENV)/stamp-install ## build and run the benchmarks, each beside its base
	@cmake --preset bench >/dev/null
	@cmake --build --preset bench -j $(JOBS)
	@script/bench build/bench/benchmarks/cpp $(BIN)/python

fuzz: bootstrap-fuzz ## every fuzz target over its corpus, FUZZ_SECONDS=60 each
	@cmake --preset fuzz -DCMAKE_CXX_COMPILER=$(CLANG) >/dev/null
	@cmake --build --preset fuzz -j $(JOBS)
	@script/fuzz build/fuzz/tests/fuzz $(FUZZ_SECONDS)

faults: bootstrap-test $(VENV)/stamp-install ## kills, stopped stores, faults of the network, races, spread: every round (hours), a table at the end; PYTEST_ARGS='-k races'
	@TESSERA_FAULTS=1 $(BIN)/pytest $(FAULTS) $(PYTEST_ARGS)

asan: sanitizer-asan ## the C++ suite under AddressSanitizer and UndefinedBehaviorSanitizer

tsan: sanitizer-tsan ## the C++ suite under ThreadSanitizer

clean: ## remove what was built (the virtual environment too; .tessera stays)
	rm -rf build dist $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: install test-cpp test-python lint-cpp lint-python sanitizer-asan sanitizer-tsan
install: $(VENV)/stamp-install ## build the wheel and install it into the virtual environment

test-cpp: bootstrap-test ## the GoogleTest suite
	@cmake --preset test >/dev/null
	@cmake --build --preset test -j $(JOBS)
	@ctest --preset test -j $(JOBS) $(ONLY_TROUBLES)

# One more than there are cores: a third of the time of a test is waiting.
test-python: bootstrap-test $(VENV)/stamp-install ## pytest against the installed wheel, two for each of JOBS; PYTEST_ARGS='-k jwks'
	@$(BIN)/pytest -n $$((2 * $(JOBS))) --dist worksteal $(PYTEST_ARGS)

lint-cpp: bootstrap-lint $(VENV)/stamp-dev ## clang-format, both compilers with -Werror, clang-tidy, shellcheck
	@script/lint-cpp $(BIN)/python $(JOBS)

lint-python: $(VENV)/stamp-install ## ruff, mypy --strict, stubtest
	@script/lint-python $(BIN)

sanitizer-asan sanitizer-tsan: sanitizer-%: bootstrap-test bootstrap-fuzz
	@cmake --preset $* -DCMAKE_CXX_COMPILER=$(CLANG) >/dev/null
	@cmake --build --preset $* -j $(JOBS)
	@ctest --preset $* -j $(JOBS) $(ONLY_TROUBLES)

# System packages: quick and silent when nothing is missing.
BOOTSTRAPS := $(addprefix bootstrap-,build serve test lint fuzz bench)
.PHONY: $(BOOTSTRAPS)
$(BOOTSTRAPS): bootstrap-%:
	@script/bootstrap $*

# The virtual environment. A stamp is newer than all that went into what it stands for.
$(BIN)/python: | bootstrap-build
	@"$$(script/python)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'

$(VENV)/stamp-build: pyproject.toml $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group build
	@touch $@

$(VENV)/stamp-dev: pyproject.toml $(VENV)/stamp-build
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

# Without isolation the extension keeps its build directory: what did not change is not compiled again.
$(VENV)/stamp-serve: $(WHEEL_SOURCES) $(VENV)/stamp-build
	@echo "building and installing tessera[service] (the first time takes minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation '.[service]'
	@touch $@

$(VENV)/stamp-install: $(VENV)/stamp-serve $(VENV)/stamp-dev
	@touch $@
