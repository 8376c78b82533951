"""Who may know whom: the contracts in pyproject.toml, and what really is imported when the program runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "textual",
    "sqlalchemy",
    "psycopg2",
    "rq",
    "redis",
    "alembic",
    "pydantic",
    "psutil",
    "tui",
    "jobwarden.backend.worker",
)


def imported(statement: str) -> list[str]:
    """Those of HEAVY that are loaded in a fresh interpreter after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout.split()


def test_the_command_loads_nothing_heavy_before_it_knows_the_verb() -> None:
    assert imported("import jobwarden.backend.cli.main") == []


def test_help_loads_nothing_heavy() -> None:
    run = "from click.testing import CliRunner\nfrom jobwarden.backend.cli.main import main"
    call = "import contextlib, io, sys\nsys.argv = ['jobwarden', '--help']"
    quiet = "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()"
    assert imported(f"{run}\n{call}\n{quiet}") == []


@pytest.mark.parametrize("module", ["jobwarden.backend.process", "jobwarden.backend.domain"])
def test_lower_layers_know_no_database(module: str) -> None:
    every = f"import pkgutil, importlib, {module} as package"
    load = f"[importlib.import_module('{module}.' + found.name) for found in pkgutil.iter_modules(package.__path__)]"
    assert not {"sqlalchemy", "psycopg2", "redis", "rq", "textual", "jobwarden.tui"} & set(imported(f"{every}\n{load}"))


def test_the_whole_backend_loads_without_a_screen() -> None:
    every = "import pkgutil, importlib, jobwarden.backend as backend\nskip = ('__main__', 'migrations')"
    walk = "names = [found.name for found in pkgutil.walk_packages(backend.__path__, 'jobwarden.backend.')]"
    load = "[importlib.import_module(name) for name in names if not any(part in name for part in skip)]"
    assert not {"textual", "jobwarden.tui"} & set(imported(f"{every}\n{walk}\n{load}"))


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from importlinter.cli import lint_imports_command as main; main(['--no-cache'])"
    env = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env=env)


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("backend/domain/states.py", "import jobwarden.backend.database"),
        ("backend/process/__init__.py", "import sqlalchemy"),
        ("backend/errors.py", "import jobwarden.tui"),
        ("backend/queries/jobs.py", "import jobwarden.backend.actions"),
        ("tui/widgets/facts.py", "import jobwarden.tui.screens"),
        ("backend/config/settings.py", "import textual"),
        ("tui/__init__.py", "import jobwarden.backend.state"),
    ],
)
def test_the_contracts_notice_a_breach(tmp_path: Path, module: str, line: str) -> None:
    for name in ("backend", "jobwarden", "tui", "pyproject.toml"):
        subprocess.run(["cp", "-a", ROOT / name, tmp_path / name], check=True)
    assert contracts(tmp_path).returncode == 0
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    done = contracts(tmp_path)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout
