"""``--help`` loads no driver, no screen, no settings: what is imported is tested, not the time."""

import subprocess
import sys

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
