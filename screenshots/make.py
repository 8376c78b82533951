"""Takes the pictures again, from the running program: ``make screenshots``.

A home of its own with real servers, the demonstration's jobs and its lost worker; the pictures are what the dashboard
draws there, as SVG.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from jobwarden.backend.actions.client import Operator
from jobwarden.backend.actions.targets import ActionRequest, Scope
from jobwarden.backend.config.settings import Settings, load_settings
from jobwarden.backend.demo import catalog, start
from jobwarden.backend.feeds.snapshot import SnapshotFeed
from jobwarden.backend.services.lifecycle import bring_up
from jobwarden.backend.services.shutdown import take_down
from jobwarden.tui.app.main import JobwardenApp

HERE = Path(__file__).resolve().parent
SIZE = (132, 38)
COPY = "in-copy"
"""Argument of the process that runs the copy."""
NODE = {"JOBWARDEN_NODE_NAME": "node-a", "JOBWARDEN_NODE_CPUS": "4", "JOBWARDEN_NODE_MEMORY_MB": "4096"}
JOBS = sum(entry.count for entry in (*catalog.ORDINARY, *catalog.ABANDONED))
SURVIVOR = len(catalog.ABANDONED) - 1
"""Lines down to an orphan that lives: the list shows the newest job first."""
BUSY_SECONDS = 8.0
"""After which some jobs have ended, some run and some wait."""
PICTURES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("dashboard", ("down",) * SURVIVOR),
    ("log", ("tab", "z", "slash", *"after", "enter")),
    ("", ("escape", "escape")),
    ("job", ("1", "shift+tab", "enter")),
    ("orphans", ("escape", "2")),
    ("clean", ("C",)),
    ("nodes", ("escape", "3")),
    ("queue", ("4",)),
    ("events", ("5",)),
    ("palette", ("1", "colon", *"ki")),
    ("help", ("escape", "question_mark")),
)
"""Name of a picture ("" for none) and the keys that lead to what it shows from the one before."""


def main() -> None:
    """Run a copy of the program in /tmp, so that the pictures show no path of this machine."""
    with tempfile.TemporaryDirectory(prefix="jobwarden-", ignore_cleanup_errors=True) as folder:
        shutil.copytree(HERE.parent / "jobwarden", Path(folder) / "jobwarden")  # what its links lead to
        ours = ("JOBWARDEN_", "DATABASE_URL", "REDIS_URL")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment = {**clean, **NODE, "JOBWARDEN_HOME": f"{folder}/home", "PYTHONPATH": folder}
        subprocess.run([sys.executable, "-P", __file__, COPY], env=environment, check=True)


def take_pictures() -> None:
    """Bring a demonstration up, take the pictures, take it down with its jobs."""
    settings = load_settings()
    try:
        print(*bring_up(settings), sep="\n")
        for line in start(settings):
            print(line)
        operator = Operator(settings)
        asyncio.run(_take(settings, operator))
        _end_jobs(operator)
    finally:
        take_down(settings)


async def _take(settings: Settings, operator: Operator) -> None:
    app = JobwardenApp(lambda deliver: SnapshotFeed(settings, deliver), operator)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(BUSY_SECONDS)
        for name, keys in PICTURES:
            await _press(pilot, *keys)
            if name:
                _save(pilot, name)


async def _press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys and give what they ask for the time to arrive."""
    await pilot.press(*keys)
    await pilot.pause(1.5)


def _save(pilot: Pilot[None], name: str) -> None:
    file = HERE / f"{name}.svg"
    file.write_text(pilot.app.export_screenshot(title=f"jobwarden: {name}"), "utf-8")
    print(file.relative_to(HERE.parent))


def _end_jobs(operator: Operator) -> None:
    """Leave no process behind. The home is new, so its jobs are numbered from 1."""
    jobs = Scope(tuple(range(1, JOBS + 1)))
    for action in ("clean", "cancel"):
        operator.perform(ActionRequest(action, jobs, "the pictures are taken"))


if __name__ == "__main__":
    take_pictures() if COPY in sys.argv[1:] else main()
