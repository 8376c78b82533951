# Everything lives in .venv and in JOBWARDEN_HOME; nothing here needs root.
PYTHON_IN_VENV = .venv/bin/python
PYTEST_ARGS = -n 4
# Of a soak: seconds of faults, of the monkey: of typing; of both and of fuzzing: the seed to replay (empty: a new one).
DURATION = 600
SEED =
# Of fuzzing: inputs for each target, and the one target to try (empty: all).
INPUTS = 100000
TARGET =

.PHONY: install run test lint bench bench-notice bench-scale bench-dashboard bench-logs soak fuzz monkey screenshots docs lock sbom clean

install:
	@sh tools/install.sh

run: install
	.venv/bin/jobwarden up

lint: install
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m mypy
	$(PYTHON_IN_VENV) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())'

test: lint
	$(PYTHON_IN_VENV) -m pytest $(PYTEST_ARGS)

bench: install
	$(PYTHON_IN_VENV) -m benchmarks

# How soon a lost worker is seen (about 20 minutes), and what thousands of jobs cost.
bench-notice: install
	$(PYTHON_IN_VENV) -m benchmarks.notice

bench-dashboard: install
	$(PYTHON_IN_VENV) -m benchmarks.dashboard

# Over a log of 10 GiB: it needs the room on the disk, and the memory to be read from memory.
bench-logs: install
	$(PYTHON_IN_VENV) -m benchmarks.logs --size 10

bench-scale: install
	$(PYTHON_IN_VENV) -m benchmarks.scale

soak: install
	$(PYTHON_IN_VENV) -m benchmarks.soak --duration $(DURATION) $(if $(SEED),--seed $(SEED))

# Every reader of what others wrote, with INPUTS spoilt inputs each: `make fuzz INPUTS=1000 TARGET='settings file'`.
fuzz: install
	$(PYTHON_IN_VENV) -m tests.fuzz --inputs $(INPUTS) $(if $(SEED),--seed $(SEED)) $(if $(TARGET),--target '$(TARGET)')

# Random keys at the dashboard, DURATION seconds at each of three sizes.
monkey: install
	$(PYTHON_IN_VENV) -m tests.monkey --seconds $(DURATION) $(if $(SEED),--seed $(SEED))

screenshots: install
	$(PYTHON_IN_VENV) screenshots/make.py

# The documents that are written from the code; a test fails when they are out of date.
docs: install
	$(PYTHON_IN_VENV) -m tools.settings_page
	$(PYTHON_IN_VENV) -m tools.security_page
	$(PYTHON_IN_VENV) -m tests.matrix

# Raise what is locked to the newest that pyproject.toml allows; needs pip-tools and the oldest Python.
lock:
	sh tools/lock.sh

# What an installation consists of, for those who have to know when something in it is found to be unsafe.
sbom: install
	@mkdir -p build
	$(PYTHON_IN_VENV) -m tools.sbom > build/jobwarden.cdx.json

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	rm -f backend/process/jobwarden-shim
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
