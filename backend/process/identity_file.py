"""Who the supervisor of an allocation is, as its folder says it, and an operator's order to end it: for ends without
the database.

One file of a fixed size holds both, so that a full disk stops no order. A job that runs as the user of the worker can
write to it: nothing here is proof. Whoever acts on it looks whether the process carries the allocation's cookie.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from jobwarden.backend.files import open_within, read_within
from jobwarden.backend.process.identity import ProcessIdentity

NAME = "identity"
SIZE = 2048
_ORDER_AT = 512
_ACTOR, _REASON = 200, 1000
"""Bytes of an order's texts."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a folder says: whose attempt it is, and which process supervises it."""

    job_id: int
    allocation_id: int
    cookie: str
    identity: ProcessIdentity


@dataclass(frozen=True, slots=True)
class KillOrder:
    """To end the job as killed: ``actor`` wanted it for ``reason`` at ``at_ns`` (since the epoch)."""

    actor: str
    at_ns: int
    reason: str | None = None


def read_identity(folder: str) -> Named | None:
    """What the folder says; None when that is nothing, or nothing that could be true."""
    try:
        line = read_within(folder, NAME, SIZE)[:_ORDER_AT].partition(b"\n")[0].decode("ascii")
        job, allocation, cookie, pid, ticks, boot_id, namespace = line.split()
        who = ProcessIdentity(_number(pid), _number(ticks), boot_id, _number(namespace))
        return Named(_number(job), _number(allocation), cookie, who) if who.pid > 1 else None
    except (OSError, ValueError):
        return None


def write_order(folder: str, order: KillOrder) -> None:
    """Leave an order in the folder, durably; it takes no room on the disk. Raises OSError."""
    lines = (str(order.at_ns), _line(order.actor, _ACTOR), _line(order.reason or "", _REASON))
    fd = open_within(folder, NAME, os.O_WRONLY)
    try:
        os.pwrite(fd, "".join(f"{line}\n" for line in lines).encode().ljust(SIZE - _ORDER_AT), _ORDER_AT)
        os.fsync(fd)
    finally:
        os.close(fd)


def read_order(folder: str) -> KillOrder | None:
    """The order that was left in the folder; None without one."""
    try:
        text = read_within(folder, NAME, SIZE)[_ORDER_AT:].decode()
        at_ns, actor, reason, _ = text.split("\n")
        return KillOrder(_line(actor, _ACTOR), _number(at_ns), _line(reason, _REASON) or None) if actor else None
    except (OSError, ValueError):
        return None


def from_spool(order: KillOrder, folder: str) -> tuple[str, str]:
    """Actor and reason for the audit, which say that nobody but the spool vouches for them."""
    node = Path(folder).parent.name
    return f"{order.actor} (spool of {node})", f"{order.reason or 'killed'} (kill --local, from the spool of {node})"


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 19 and int(word) < 2**63):
        raise ValueError(word)
    return int(word)


def _line(text: str, most: int) -> str:
    """One printable line of at most so many bytes."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain.encode("utf-8", "replace")[:most].decode("utf-8", "ignore").strip()
