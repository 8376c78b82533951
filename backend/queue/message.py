"""A launch message as it lies in Redis. Whoever can write to Redis can put anything there: what is not to the letter
one of ours is never interpreted, neither its function nor its callbacks, dependencies, meta or packed data.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from rq.job import Job, JobStatus

LAUNCH = "jobwarden.backend.queue.doorbell.launch"
FORMER = "backend.queue.bell.launch"
"""What versions before the one import name wrote: their messages may lie in Redis across an upgrade."""
LONGEST = 256 * 1024
"""Bytes of a message's data, unpacked: some ten thousand allocations."""
LARGEST_ID = 2**63 - 1
EMPTY = ("success_callback_name", "failure_callback_name", "stopped_callback_name", "group_id")
"""Fields that RQ always writes and that are empty in a message of ours."""
KNOWN = frozenset(
    (*EMPTY, "status", "created_at", "data", "started_at", "ended_at", "last_heartbeat", "worker_name", "origin",
     "description", "enqueued_at", "timeout", "result_ttl", "failure_ttl", "ttl")
)  # fmt: skip
"""All fields of a message of ours (rq 3.0). Any other asks RQ for something that we never ask for."""


class NotOursError(ValueError):
    """A message that is none of ours; the text says what gave it away."""


class LaunchMessage(Job):
    """RQ's job, restored from the allocation ids alone. ``refusal`` says why it is not to be run, empty when it is."""

    refusal = ""

    def restore(self, raw_data: Mapping[Any, Any]) -> None:
        """Take over what a message of ours can say, and nothing of any other. Never raises."""
        try:
            ids = allocation_ids(raw_data)
        except NotOursError as exc:
            self.refusal, ids = str(exc), []
        self._func_name, self._instance, self._args, self._kwargs = LAUNCH, None, [ids], {}
        self._status, self.timeout, self.result_ttl = JobStatus.QUEUED, -1, 0


def allocation_ids(fields: Mapping[Any, Any]) -> list[int]:
    """The ids in a message as Redis gives it. Raises NotOursError."""
    named = {_text(name): value for name, value in fields.items()}
    if unknown := sorted(named.keys() - KNOWN):
        raise NotOursError(f"it has the field {unknown[0][:40]!r}")
    if filled := [name for name in EMPTY if named.get(name)]:
        raise NotOursError(f"it has a {filled[0]}")
    try:
        function, instance, arguments, named_arguments = json.loads(_unpacked(named.get("data", b"")))
    except (ValueError, TypeError, RecursionError) as exc:
        raise NotOursError("its data is not a launch message") from exc
    if function not in (LAUNCH, FORMER) or (instance, named_arguments) != (None, {}):
        raise NotOursError(f"it asks for {str(function)[:80]!r}")
    if not (isinstance(arguments, list) and len(arguments) == 1 and isinstance(arguments[0], list)):
        raise NotOursError("its argument is not a list of allocation ids")
    if not all(type(item) is int and 0 < item <= LARGEST_ID for item in arguments[0]):
        raise NotOursError("its argument is not a list of allocation ids")
    return list(arguments[0])


def _unpacked(data: bytes) -> bytes:
    """The data, at most LONGEST bytes of them: a few packed bytes can stand for gigabytes."""
    if not isinstance(data, bytes) or len(data) > LONGEST:
        raise NotOursError("its data are too large")
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, LONGEST)
    except zlib.error:
        return data  # RQ can be told not to pack
    if unpacker.unconsumed_tail:
        raise NotOursError("its data are too large")
    return unpacked


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
