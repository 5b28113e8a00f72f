# Every target sets up what it needs: a virtual environment in .venv, then the packages of pyproject.toml.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help run test soak memory-bound lint bench bench-server bench-quick clean debian-packages node-packages

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV) || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qqy --no-install-recommends python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,lint,bench]'
	@touch $@

run: $(STAMP)  ## three cache servers and a proxy on port 5000, stopped together by Ctrl-C
	$(BIN)/python -m mcproxy --listen 5000

# Whatever the environment says of bytecode: the tests, and the servers they start by the hundred, are compiled once.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP) debian-packages node-packages  ## every test but the soaks
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not soak" $(PYTEST_ARGS)

memory-bound: $(STAMP)  ## the process's memory under a thousand misbehaving clients, and hours of churn (CHURN_SECONDS)
	$(BIN)/python -m pytest -p no:xdist tests/memcache_server/test_memory_bound.py $(PYTEST_ARGS)

soak: $(STAMP) debian-packages  ## the tests that take minutes, one at a time
	$(BIN)/python -m pytest -m soak $(PYTEST_ARGS)

lint: $(STAMP)  ## ruff, mypy --strict, the import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

bench: $(STAMP) debian-packages  ## server, proxy, memory and hit ratios beside memcached and twemproxy: over an hour
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-server: $(STAMP) debian-packages  ## every cost of the server beside memcached
	$(BIN)/python -m benchmarks server $(BENCH_ARGS)

bench-quick: $(STAMP) debian-packages  ## the same, its main rows, in under two minutes
	$(BIN)/python -m benchmarks server --quick $(BENCH_ARGS)

debian-packages:
	@tools/debian-packages

node-packages:
	@tools/node-packages

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) tests/clients/node/node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
