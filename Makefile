# Each recipe is one or two commands that anyone can type. `make demo` and `make test`
# each work as the first command in a fresh clone, on a plain Python 3.11 or newer.

# python3 where it is new enough, else the newest that is.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,\
	$(shell $(name) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) and print("$(name)")' 2>&1 | grep -x '$(name)')))
BIN := .venv/bin
DEEP :=
# Many tests wait for processes and sockets of their own; two of them wait side by side.
JOBS := 2

# What the tests say must not hang on the language or the time zone of who runs them.
export LC_ALL := C.UTF-8
export TZ := UTC

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types arch cover scripts net-test bench soak \
	test-slow build release verify-reproducible rebuild dev scores lock roots clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

demo: .venv/run ## an encrypted call and a verified update, on this machine
	$(BIN)/ringfence demo

test: .venv/dev ## the fast tests
	$(BIN)/pytest -q -m "not slow" -n $(JOBS)

check: lint types arch test cover ## all that a change must pass

lint: .venv/dev ## style, spelling and dead code
	$(BIN)/ruff check && $(BIN)/ruff format --check
	$(BIN)/codespell && $(BIN)/vulture

types: .venv/dev ## types, tests included
	$(BIN)/mypy

arch: .venv/dev ## who may import whom, and who may touch the outside world
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q tests/test_map.py

cover: .venv/dev ## each rules module, fully, by its own tests
	$(BIN)/python -m tests.coverage_gate

scripts: .venv/dev ## the program as a user types it, and the README's commands
	$(BIN)/pytest -q tests/cli -m "not slow"

net-test: .venv/dev ## whole calls on networks as they are (root: namespaces)
	$(BIN)/pytest -q tests/lab tests/voip/test_networks.py

bench: .venv/dev ## speed, as ratios against this machine itself
	$(BIN)/python -m benchmarks

soak: .venv/dev ## one call of 30 minutes on a bad network (root); MINUTES=2 for a short one
	$(BIN)/python -m benchmarks --soak --minutes $(or $(MINUTES),30)

test-slow: .venv/dev ## the long tests; DEEP=1 also searches longer for counterexamples
	$(BIN)/pytest -q -m "slow and not realtime" --timeout=900 -n $(JOBS) $(if $(DEEP),--hypothesis-profile=deep)
	$(BIN)/pytest -q -m realtime --timeout=900

build: .venv/dev ## a wheel and a source archive in dist/
	$(BIN)/hatchling build

# The best sandbox that works here is taken; what is not committed has no part in it.
release: .venv/run ## the files of release VERSION=1.4.0, from its tag, in dist/1.4.0
	$(BIN)/ringfence rebuild release make $(VERSION)

verify-reproducible: .venv/run ## builds HEAD twice and under 26 conditions; REF=v1.4.0 for another
	$(BIN)/ringfence rebuild release verify --ref $(or $(REF),HEAD)

rebuild: .venv/run ## what anybody can do: build release VERSION=1.4.0 again, and compare
	$(BIN)/ringfence rebuild $(VERSION) --source .

dev: .venv/dev ## everything needed to work on this, in .venv

scores: .venv/scores ## PESQ and STOI for the tests of speech (needs a C compiler)

lock: .venv/dev ## pin what pyproject.toml asks for, by hash, and say what changes in a bundle
	$(COMPILE) --extra all pyproject.toml -o requirements/run.txt
	$(COMPILE) --extra all --group dev --group build pyproject.toml -o requirements/dev.txt
	$(COMPILE) --group build -o requirements/build.txt
	$(COMPILE) --group scores -c requirements/dev.txt -o requirements/scores.txt
	$(BIN)/ringfence rebuild release lock $(SHIPPED:%=--extra %)
COMPILE = $(BIN)/uv pip compile --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --upgrade
# Extras of a bundle: all that a user may want, but for what only tests, tokens and rebuilders of packages need.
SHIPPED := devices gateway keyring lan code openssh rebuild

roots: .venv/run ## a Debian root for sandbox level 2, and its lock (needs mmdebstrap)
	@mkdir -p dist
	$(BIN)/ringfence rebuild release root bookworm -o dist/root-bookworm.tar

clean: ## remove what the targets above made
	rm -rf .venv dist build .*_cache .coverage* .hypothesis

# Every file is checked against its pinned hash, and our own package is built by the
# pinned backend instead of whatever an index offers at that minute.
INSTALL = $(BIN)/python -m pip install -q --disable-pip-version-check

.venv/run: requirements/run.txt requirements/build.txt pyproject.toml | .venv/bin/python
	$(INSTALL) --require-hashes -r requirements/run.txt -r requirements/build.txt
	$(INSTALL) --no-deps --no-build-isolation -e . && touch $@

.venv/dev: requirements/dev.txt .venv/run
	$(INSTALL) --require-hashes -r requirements/dev.txt && touch $@

# Apart, since one of them is compiled; without it the tests that score speech skip.
.venv/scores: requirements/scores.txt .venv/dev
	$(INSTALL) --require-hashes -r requirements/scores.txt && touch $@

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "needs Python 3.11, 3.12 or 3.13: install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "cannot make .venv: on Debian, apt-get install python3-venv" >&2; exit 1; }
