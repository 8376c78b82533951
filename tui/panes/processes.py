"""The process tree of a job."""

from rich.console import RenderableType
from rich.table import Table

from backend.domain.units import format_duration, format_memory
from backend.readmodel.trees import ProcessRow, ProcessTree
from tui.commands import shown_command
from tui.text import Text
from tui.widgets.facts.facts import Styles

STATES = {"R": "running", "S": "sleeping", "D": "in kernel", "T": "stopped", "Z": "zombie", "I": "idle", "t": "traced"}
"""Letters of /proc/PID/stat in words."""
SHOWN = 200
"""Processes that are listed one by one."""


def process_tree(tree: ProcessTree, styles: Styles) -> RenderableType:
    """Return the tree, supervisor first; what may be the job's without proof stands apart."""
    dim = styles.get("dim", "")
    if tree.unseen:
        return Text(f" {tree.unseen}", style=dim)
    if not tree.rows and not tree.suspects:
        return Text(" no process of it is left", style=dim)
    grid = Table(box=None, padding=(0, 1), expand=True, show_edge=False, header_style=dim)
    for title, width in (("PID", 8), ("CPU%", 5), ("MEM", 7), ("AGE", 9)):
        grid.add_column(title, justify="right", width=width, no_wrap=True)
    grid.add_column("STATE", width=9, no_wrap=True)
    grid.add_column("COMMAND", ratio=1, no_wrap=True, overflow="ellipsis")
    for row in tree.rows[:SHOWN]:
        grid.add_row(*_cells(row, styles))
    if len(tree.rows) > SHOWN:
        grid.add_row("", "", "", "", "", Text(f"… and {len(tree.rows) - SHOWN:,} more", style=dim))
    if tree.suspects:
        grid.add_row("", "", "", "", "", Text("may be of the job, without proof; never signalled:", style=dim))
    for row in tree.suspects[:SHOWN]:
        grid.add_row(*_cells(row, styles))
    return grid


def _cells(row: ProcessRow, styles: Styles) -> tuple[RenderableType, ...]:
    """What may not be seen is a dash: zero would be a claim."""
    dim = styles.get("dim", "")
    indent = "  " * (row.depth - 1) + "└ " if row.depth else ""
    command = "supervisor" if row.supervisor else shown_command(row.cmdline) or "—"
    return (
        str(row.pid),
        "—" if row.cpu_percent is None else f"{row.cpu_percent:.0f}",
        "—" if row.memory_mb is None else format_memory(max(1, round(row.memory_mb))),
        format_duration(row.age_seconds),
        Text(STATES.get(row.state, row.state), style=styles.get("failed" if row.state in "DTZ" else "dim", "")),
        Text(indent + command, style=dim if row.supervisor else ""),
    )
