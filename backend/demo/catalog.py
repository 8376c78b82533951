"""The demonstration's jobs, as data: which scripts run, with what, and what is to be seen."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jobwarden.backend.domain.request import JobRequest

SCRIPTS = Path(__file__).with_name("scripts")
ACCOUNT = "demo"
"""Account of every job of the demonstration: ``jobwarden jobs account:demo`` lists them."""

MEMORY_MB = 16
"""MiB set aside for each, so that even a small machine is limited by its CPUs."""

WHOLE_NODE = -1
"""As a number of CPUs: all that the node has."""


@dataclass(frozen=True, slots=True)
class DemoJob:
    """``count`` jobs of one script. ``cpus`` may be WHOLE_NODE, ``time_limit`` is in seconds.

    ``spares``: at most so many that a CPU is left for whoever tries a job of his own beside them.
    """

    name: str
    script: str
    arguments: tuple[str, ...] = ()
    count: int = 1
    cpus: int = 1
    time_limit: int | None = None
    priority: int = 0
    held: bool = False
    spares: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


PICTURES = ("sunrise.jpg", "harbour at night.jpg", "Zürich.jpg")

ORDINARY = (
    DemoJob("chatty", "chatty.sh", ("20",), priority=20),
    DemoJob("thumbnails", "thumbnails.sh", PICTURES, count=6),
    DemoJob("backup", "backup.sh", ("/mnt/backup",), count=2),
    DemoJob("mean", "mean.py", count=3),
    DemoJob("crash", "crash.sh", count=2),
    DemoJob("slow query", "slow_query.sh", count=2, time_limit=3),
    DemoJob("checksums", "checksums.sh", ("[a-m]*",), count=4),
    DemoJob(
        "greet", "greet.py", ("two words", 'it\'s "quoted"', "日本\nsecond line"), environment={"GREETING": "grüß Gott"}
    ),
    DemoJob("import orders", "import_orders.py", count=2),
    DemoJob("not installed", "not_installed.sh"),
    DemoJob("stubborn", "stubborn.sh", time_limit=5),
    DemoJob("thumbnails", "thumbnails.sh", PICTURES, count=4, held=True),
    DemoJob("training", "training.sh", ("120",), count=3, priority=-10, spares=True),
    DemoJob("whole node", "checksums.sh", ("*",), cpus=WHOLE_NODE, priority=-20),
    DemoJob("too big", "training.sh", cpus=512, priority=-20),
)
"""What the first node gets. Short jobs come first, so that something moves on the smallest machine."""

ABANDONED = (
    DemoJob("survivor", "survivor.sh", count=3),
    DemoJob("finisher", "finisher.sh"),
    DemoJob("casualty", "survivor.sh"),
)
"""What runs on the second node when its worker is killed."""

CASUALTY = "casualty"
"""The job whose processes are killed as well, as an out-of-memory killer would: a LOST one."""


def requests(
    entries: tuple[DemoJob, ...], *, partition: str, cpus: int, environment: Mapping[str, str] | None = None
) -> list[JobRequest]:
    """Requests for ``entries``; ``cpus`` is what a whole node has, ``environment`` goes to every job."""
    return [
        _request(entry, partition, cpus, {**(environment or {}), **entry.environment})
        for entry in entries
        for _ in range(_count(entry, cpus))
    ]


def _count(entry: DemoJob, cpus: int) -> int:
    return max(1, min(entry.count, cpus - 1)) if entry.spares else entry.count


def _request(entry: DemoJob, partition: str, cpus: int, environment: Mapping[str, str]) -> JobRequest:
    this_python = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"} if entry.script.endswith(".py") else {}
    return JobRequest(
        name=entry.name,
        account=ACCOUNT,
        partition=partition,
        script=(SCRIPTS / entry.script).read_text("utf-8"),
        arguments=entry.arguments,
        work_dir="/",
        environment={**this_python, **environment},
        cpus=cpus if entry.cpus == WHOLE_NODE else entry.cpus,
        memory_mb=MEMORY_MB,
        time_limit=entry.time_limit,
        priority=entry.priority,
        held=entry.held,
    )
