.DEFAULT_GOAL := help
.PHONY: help recipe space space-bundle test test-fast test-slow quality hub-smoke clean

# The newest Python that is there and starts; PYTHON=/path/to/python takes another.
PYTHON  ?= $(shell for name in python3.13 python3.12 python3.11 python3; do $$name -c "" 2>/dev/null && echo $$name && break; done)
VENV    := .venv
BIN     := $(VENV)/bin
RUN     ?= math-r16
PROFILE ?= nano
# One thread per process: parallel work means processes here (two torch threads on a busy machine are many times slower).
export OMP_NUM_THREADS ?= 1
export OMP_WAIT_POLICY ?= passive
# The processes that tests start would each compile the toolkit anew.
unexport PYTHONDONTWRITEBYTECODE
# Each file of tests is one process' work, the longest first; see tests/conftest.py.
SPREAD  := -n 2 --dist loadgroup --no-loadscope-reorder

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

recipe: $(VENV)/ready  ## run an experiment: make recipe RUN=math-r16 [PROFILE=nano] [ARGS=--dry-run]
	@$(BIN)/fss run "$(RUN)" --profile "$(PROFILE)" $(ARGS)

space: $(VENV)/ready-space  ## the Space on this machine: see the law, extrapolate it, plan with it; prints its address
	cd spaces/law && ../../$(BIN)/python app.py

space-bundle: $(VENV)/ready  ## the Space as a folder of its own, build/space: make space-bundle [ARGS="--data org/name-results@v1.0.0"]
	$(BIN)/fss space bundle build/space $(ARGS)

# What trains models, starts servers, browsers or processes of its own.
HEAVY := pipeline spaces hub hub_server teachers synthesis students evaluation models nano \
	test_benchmarks.py test_cli.py test_docs.py test_examples.py test_package.py test_streams.py test_workers.py

test-fast: $(VENV)/ready-dev  ## the tests that train nothing and start no server or browser
	$(BIN)/pytest $(SPREAD) $(addprefix --ignore=tests/,$(HEAVY))

test: $(VENV)/ready-dev  ## the tests, with a small run of the whole chain
	$(BIN)/pytest $(SPREAD) --durations=20

test-slow: $(VENV)/ready-dev  ## full counts: kills, faults, coverage of intervals
	$(BIN)/pytest $(SPREAD) -m "slow or not slow" --durations=20

quality: $(VENV)/ready-dev  ## style, types and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

hub-smoke: $(VENV)/ready-dev  ## push, tag, load, check and delete a tiny release at the real Hub: make hub-smoke REPO=org/name
	$(BIN)/python -m benchmarks.hub_smoke "$(REPO)"

clean:  ## remove the environment and caches; the workspace with your results stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# uv takes a third of pip's time; pip stands in where only its own settings name an index that can be reached.
WHAT    = --quiet --constraint constraints.txt --editable '.[$(EXTRA)]'
INSTALL = $(BIN)/uv pip install --python $(BIN)/python --compile-bytecode $(WHAT) || $(BIN)/python -m pip install $(WHAT)
$(VENV)/ready: EXTRA = run
$(VENV)/ready-space: EXTRA = run,space
$(VENV)/ready-dev: EXTRA = dev

# torch first and exactly: an open range would fetch another build of several gigabytes.
$(VENV)/ready: constraints.txt setup.cfg setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed; name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.13"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $$(grep -E '^(torch|uv)==' constraints.txt)
	$(INSTALL)
	@touch $@

$(VENV)/ready-space $(VENV)/ready-dev: $(VENV)/ready
	$(INSTALL)
	@touch $@
