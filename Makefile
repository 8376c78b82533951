# Everything lives in .venv and in JOBWARDEN_HOME; nothing here needs root.
PYTHON_IN_VENV = .venv/bin/python
PYTEST_ARGS = -n 4
# Tests of `make quick`: those that need no server, and none that takes long.
QUICK = -m "not slow" tests/domain tests/scheduler tests/config tests/logs tests/process/test_exit_status.py tests/tui/config
# Of a soak: seconds of faults, of the monkey: of typing; of both and of fuzzing: the seed to replay (empty: a new one).
DURATION = 600
SEED =
# Of fuzzing: inputs for each target, and the one target to try (empty: all).
INPUTS = 100000
TARGET =

.PHONY: help install run test coverage quick lint bench bench-long bench-notice bench-scale bench-dashboard bench-logs soak fuzz monkey screenshots docs lock sbom clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

install: ## make .venv with the locked packages and this checkout in it
	@sh tools/install.sh

run: install ## start an installation and open the dashboard
	.venv/bin/jobwarden up

lint: install ## ruff, mypy, layers, sizes
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .
	$(PYTHON_IN_VENV) -m mypy
	$(PYTHON_IN_VENV) -m mypy screenshots/make.py hatch_build.py
	$(PYTHON_IN_VENV) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())'
	$(PYTHON_IN_VENV) -m tools.house

test: lint ## every test, as in CI
	$(PYTHON_IN_VENV) -m pytest $(PYTEST_ARGS)

quick: lint ## lint and the fast tests, in less than 90 seconds
	$(PYTHON_IN_VENV) -m pytest $(PYTEST_ARGS) -q $(QUICK)

coverage: install ## the tests that are quick, and which lines they do not reach
	$(PYTHON_IN_VENV) -m pytest $(PYTEST_ARGS) -m 'not slow' --cov --cov-report=term

bench: install .bench/installed ## throughput against its limits, and against other systems
	$(PYTHON_IN_VENV) -m benchmarks

bench-long: install ## 20,000 jobs in a row: as fast at the end, and where the CPU goes
	$(PYTHON_IN_VENV) -m benchmarks --long 20000

.bench/installed: benchmarks/peers.txt
	$(PYTHON_IN_VENV) -m venv .bench
	.bench/bin/python -m pip install --quiet --requirement benchmarks/peers.txt
	touch .bench/installed

# How soon a lost worker is seen (about 20 minutes), and what thousands of jobs cost.
bench-notice: install ## how soon a lost worker is seen
	$(PYTHON_IN_VENV) -m benchmarks.notice

bench-dashboard: install ## the screen over a million jobs
	$(PYTHON_IN_VENV) -m benchmarks.dashboard

# Over a log of 10 GiB: it needs the room on the disk, and the memory to be read from memory.
bench-logs: install ## a log of 10 GiB
	$(PYTHON_IN_VENV) -m benchmarks.logs --size 10

bench-scale: install ## what thousands of jobs cost
	$(PYTHON_IN_VENV) -m benchmarks.scale

soak: install ## random faults for DURATION seconds
	$(PYTHON_IN_VENV) -m benchmarks.soak --duration $(DURATION) $(if $(SEED),--seed $(SEED))

# Every reader of what others wrote, with INPUTS spoilt inputs each: `make fuzz INPUTS=1000 TARGET='settings file'`.
fuzz: install ## INPUTS spoilt inputs for every reader of what others wrote
	$(PYTHON_IN_VENV) -m tests.fuzz --inputs $(INPUTS) $(if $(SEED),--seed $(SEED)) $(if $(TARGET),--target '$(TARGET)')

# Random keys at the dashboard, DURATION seconds at each of three sizes.
monkey: install ## random keys at the dashboard
	$(PYTHON_IN_VENV) -m tests.monkey --seconds $(DURATION) $(if $(SEED),--seed $(SEED))

screenshots: install ## the pictures of the README
	$(PYTHON_IN_VENV) screenshots/make.py

# The documents that are written from the code; a test fails when they are out of date.
docs: install ## the pages that are written from the code
	$(PYTHON_IN_VENV) -m tools.settings_page
	$(PYTHON_IN_VENV) -m tools.security_page
	$(PYTHON_IN_VENV) -m tools.folders_page
	$(PYTHON_IN_VENV) -m tests.matrix

# Raise what is locked to the newest that pyproject.toml allows; needs pip-tools and the oldest Python.
lock: ## raise the locked packages
	sh tools/lock.sh

# What an installation consists of, for those who have to know when something in it is found to be unsafe.
sbom: install ## what an installation consists of
	@mkdir -p build
	$(PYTHON_IN_VENV) -m tools.sbom > build/jobwarden.cdx.json

clean: ## remove what was made here
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	rm -f backend/process/jobwarden-shim
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
