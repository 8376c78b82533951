"""The columns of the audit."""

from collections.abc import Mapping
from typing import Any

from backend.readmodel.records import EventRow
from tui.looks import STATE_LOOKS
from tui.widgets.table.columns import Cell, Column, Moment


def _at(row: EventRow, moment: Moment) -> Cell:
    """The day only where it is not today."""
    at, now = row.at.astimezone(), moment.now.astimezone()
    return Cell(at.strftime("      %H:%M:%S" if at.date() == now.date() else "%m-%d %H:%M:%S"), "dim")


def _about(row: EventRow, _: Moment) -> Cell:
    return Cell(str(row.job_id)) if row.job_id else Cell(str(row.detail.get("node_name", "")), "dim")


def _state(row: EventRow, _: Moment) -> Cell:
    if row.to_state is None or row.to_state is row.from_state:
        return Cell("")
    look = STATE_LOOKS[row.to_state]
    return Cell(str(look), look.role)


def said(detail: Mapping[str, Any]) -> str:
    """Return the evidence of an event as ``key=value``; what another column shows is left out."""
    return " ".join(f"{key}={value}" for key, value in detail.items() if key != "node_name" and value is not None)


def _why(row: EventRow, _: Moment) -> Cell:
    return Cell("  ".join(part for part in (row.reason or "", said(row.detail)) if part))


EVENT_COLUMNS: tuple[Column[EventRow], ...] = (
    Column("at", "AT", 14, 0, _at),
    Column("about", "JOB/NODE", 9, 0, _about, right=True, sort=lambda row: row.job_id),
    Column("action", "ACTION", 12, 0, lambda row, _: Cell(row.action), sort=lambda row: row.action),
    Column("state", "BECAME", 11, 1, _state, sort=lambda row: row.to_state),
    Column("actor", "ACTOR", 16, 2, lambda row, _: Cell(row.actor), flexible=True, widest=26,
           sort=lambda row: row.actor),
    Column("why", "REASON", 12, 0, _why, flexible=True, widest=240, reason=True),
)  # fmt: skip
"""In the order shown."""
