"""Ids that a restored database would give a second time: its counters are raised past what lies in the spool."""

import logging
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from backend.process.spool import job_of
from backend.state import machine
from backend.worker import sql
from backend.worker.registry import Registration

log = logging.getLogger(__name__)


def raise_past_spool(conn: Connection, me: Registration) -> None:
    """Have no id given that a folder of this node bears already, with an event where one would have been.

    Raises DBAPIError, also for folders whose numbers are none of ours.
    """
    known = conn.scalar(sql.LARGEST_ALLOCATION) or 0
    beyond = sorted(allocation for allocation in _folders(me.spool) if allocation > known)
    if not beyond:
        return
    jobs = [job for allocation in beyond if (job := job_of(f"{me.spool}/{allocation}")) is not None]
    past = {"job": max(jobs, default=0), "allocation": beyond[-1]}
    if not conn.scalar(sql.RAISE_IDS, past):
        return
    why = (
        f"{me.spool} has {len(beyond)} folders up to {beyond[-1]} that the database knows nothing of, as after it was"
        " restored: ids go on behind them"
    )
    log.warning("%s", why)
    machine.note_node(conn, me.node_name, me.actor, "ids-raised", why, {"folders": len(beyond), **past})


def _folders(spool: str) -> Iterator[int]:
    for entry in Path(spool).iterdir():
        name = entry.name
        if name.isascii() and name.isdecimal() and len(name) < 19:
            yield int(name)
