# Every target prepares what it needs; `make setup` is quick when there is nothing to do.
.DEFAULT_GOAL := help
.PHONY: help setup check test fuzz demo bench clean

VENV := .venv/bin
# Some images of containers forbid Python to keep its byte code. Then every start of a command takes twice as long, and
# the tests start hundreds.
export PYTHONDONTWRITEBYTECODE :=

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: ## Install what is missing: programs, .venv, sample images (root or sudo)
	@scripts/setup.sh

check: setup ## Lint, types, the arrows between the rooms, and the tests that need no I/O
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/pytest -q tests/unit tests/architecture tests/docs

# Tests that bring everything they use share the cores, and so do those of real servers and clients, each worker with
# servers of its own. Those that look at what the machine itself does come last, one at a time.
ALONE := tests/runtime
SERVERS := tests/clients tests/dropins tests/e2e tests/faults tests/fuzz tests/userdocs
TOGETHER := $(filter-out $(ALONE) $(SERVERS),$(patsubst %/,%,$(wildcard tests/*/)))

test: setup ## All tests, with real containers and databases (ARGS=... goes to pytest)
ifdef ARGS
	$(VENV)/pytest $(ARGS)
else
	$(VENV)/pytest -n 2 --dist loadfile $(TOGETHER)
	$(VENV)/pytest -n 2 --dist loadfile --durations=25 $(SERVERS)
	$(VENV)/pytest --durations=15 $(ALONE)
endif

fuzz: setup ## Send the API thousands of requests made from its own OpenAPI document
	FUZZ_EXAMPLES=400 $(VENV)/pytest -s tests/fuzz

demo: setup ## Watch real actors run, from registration to results
	$(VENV)/python -m scripts.demo

bench: setup ## Measure what the documentation promises
	@scripts/setup.sh parsl
	PYTHONPATH=tests $(VENV)/python -m bench.run

clean: ## Remove everything that setup and the tools made in this directory
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find src tests scripts bench images -name __pycache__ -prune -exec rm -rf {} +
