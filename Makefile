# make demo · make test    all set-up included; needs python3 (3.11 or newer) and make
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: setup demo demo-short test test-light lint types docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo        set-up, then a sweep that shows what moves the winners; ends in the path of its page"
	@echo "make test        set-up, then all tests, a few minutes on two cores"
	@echo "make test-light  set-up, then the tests without those that train, render much or start processes"
	@echo "make docs        the documentation's site, into site/"
	@echo "make lint types  ruff and mypy"
	@echo "make clean       removes the environment and runs/demo"

setup: $(READY)

# uv where it is there, else the venv's own pip brings it; the versions are those of constraints.txt
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import sys; sys.exit(f"Python 3.11 or newer is needed, this is {sys.version}" if sys.version_info < (3, 11) else 0)'
	command -v uv >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet uv
	PATH="$(CURDIR)/$(BIN):$$PATH" uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	touch $@

# killed and started again it goes on where it was
# two jobs of a sweep at a time, each on one thread
AT_ONCE := hydra/launcher=joblib hydra.launcher.n_jobs=2 threads=1

demo: setup
	@echo "1 of 3: draws people who do not exist and trains two networks on them; half a minute"
	$(BIN)/judge run experiment=demo_network
	@echo "2 of 3: a sweep of four pools over ten seeds; about a minute the first time"
	$(BIN)/judge run experiment=demo $(AT_ONCE)
	@echo "3 of 3: what each change did to who won"
	$(BIN)/judge compare runs/demo --group african --beside runs/demo-network/default

# the same path, smaller, for continuous integration
SHORT := data.n=400 data.size=64 pool.n=60 entrants.n=120
demo-short: setup
	$(BIN)/judge run experiment=demo_network hydra.run.dir=runs/demo-short-network $(SHORT) judge.training.epochs=2
	$(BIN)/judge run experiment=demo name=demo-short $(SHORT) judge.embedding.size=64 'seed=range(0,3)'
	$(BIN)/judge compare runs/demo-short --group african --beside runs/demo-short-network

# worksteal: tests take from milliseconds to a minute, and a worker that is done takes over another's
test: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-light: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

# strict: a link to nothing, a page that is in no menu or an example that fails ends it
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) site runs/demo runs/demo-network runs/demo-short runs/demo-short-network
