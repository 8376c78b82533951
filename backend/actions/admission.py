"""Which jobs are taken into the queue: the one way in for the command line, Python and resubmission.

A partition that no node is in is a mistyped one, and refused as Slurm does it. What no node can hold today may be meant
for one that comes tomorrow: it is taken, and said at once.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from jobwarden.backend.actions.results import user_name
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.directives import parse_directives
from jobwarden.backend.domain.options import NOTHING_SAID, Here, Options, build_request, parse_item
from jobwarden.backend.domain.pending_reason import NodeFacts, WaitingJob, never_starts
from jobwarden.backend.domain.request import JobRequest
from jobwarden.backend.domain.script import check_script, read_script
from jobwarden.backend.domain.units import shorten
from jobwarden.backend.errors import InputError
from jobwarden.backend.process.spool import script_name
from jobwarden.backend.queries.workers import read_nodes
from jobwarden.backend.state import machine

TOGETHER = 2000
"""Jobs in one statement; however many there are, all are in the caller's one transaction."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """Ids of new jobs in the order given, and what their submitter should hear of them."""

    ids: list[int]
    warnings: tuple[str, ...]


def submit(conn: Connection, requests: Sequence[JobRequest], actor: str) -> Submitted:
    """Submit jobs inside the caller's transaction. Raises InputError for a partition that no node is in."""
    warnings = admit(conn, requests)
    ids: list[int] = []
    for start in range(0, len(requests), TOGETHER):
        ids += machine.submit(conn, requests[start : start + TOGETHER], actor)
    return Submitted(ids, warnings)


def admit(conn: Connection, wanted: Iterable[WaitingJob]) -> tuple[str, ...]:
    """Why any of these cannot start on any node there is. Raises InputError for a partition that no node is in.

    Before the first worker has joined, everything is taken.
    """
    nodes = read_nodes(conn, ())
    if not nodes:
        return ()
    found: dict[str, None] = {}
    for one in {(one.partition, one.cpus, one.memory_mb, one.gpus): one for one in wanted}.values():
        _check_partition(one.partition, nodes)
        if why := never_starts(one, nodes):
            found[why] = None
    return tuple(found)


def _check_partition(partition: str, nodes: Sequence[NodeFacts]) -> None:
    known = sorted({name for node in nodes for name in node.partitions})
    if partition not in known:
        there = ", ".join(known[:10]) + (" ..." if len(known) > 10 else "")
        raise InputError(f"no node is in partition {shorten(partition)}: there is {there or 'none'}")


# What was named to submit, as a request.


def requests_of(
    items: Iterable[tuple[str, object]], settings: Settings, typed: Options = NOTHING_SAID
) -> list[JobRequest]:
    """Requests of many items, each with how it is called when it is wrong (``line 3``).

    ``typed`` wins over what an item says, and that over the leading comments of its script; a script that many name is
    read once. Raises InputError for the first item that could never run.
    """
    read, here, account = cache(_read), Here(), user_name()
    found = []
    for called, given in items:
        try:
            item = parse_item(given)
            if item.script is None:
                text, submitted = check_script(str(item.text).encode("utf-8", "surrogatepass")), ""
                said = parse_directives(text)
            else:
                text, said, submitted = read(item.script)
            options = typed.over(item.options).over(said)
            found.append(request_of(settings, text, item.arguments, options, submitted, here, account))
        except InputError as exc:
            raise InputError(f"{called}: {exc}") from None
    return found


def _read(script: str) -> tuple[str, Options, str]:
    if script == "-":
        raise InputError("standard input is no script here: give a path or a text")
    text = read_script(script)
    return text, parse_directives(text), submitted_path(script)


def request_of(
    settings: Settings,
    text: str,
    arguments: Sequence[str],
    options: Options,
    submitted: str = "",
    here: Here | None = None,
    account: str | None = None,
) -> JobRequest:
    """The request for a script with everything that was said about it; the settings fill in the rest.

    ``here`` and ``account`` are what several requests of one user share.
    """
    name = default_name(submitted)
    return build_request(
        text,
        arguments,
        options if options.name or not name else replace(options, name=name),
        account=account or user_name(),
        memory_mb=settings.default_memory_mb,
        time_limit=settings.default_time_limit,
        submitted=submitted,
        here=here,
    )


def submitted_path(script: str) -> str:
    """The absolute path of what was named to submit, nothing for standard input.

    In a job, whose ``$0`` is a copy below the spool, the copy stands for the file that it was made of.
    """
    if script == "-":
        return ""
    path = os.path.abspath(script)  # noqa: PTH100 (keeps links)
    allocation, job = os.environ.get("JOBWARDEN_ALLOCATION_ID"), os.environ.get("JOBWARDEN_JOB_ID")
    if allocation and job and path.endswith(f"/{allocation}/{script_name(job)}"):
        return os.environ.get("JOBWARDEN_SCRIPT", "")
    return path


def default_name(submitted: str) -> str | None:
    """The script's file name, as far as it can be a job's name; None for what has no file."""
    base = os.path.basename(submitted)  # noqa: PTH119 (what was typed, not a file)
    return "".join(char for char in base if char.isprintable())[:200].strip() or None
