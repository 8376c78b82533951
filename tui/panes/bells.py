"""Redis and RQ's queues, under the list of what waits."""

from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table

from backend.domain.units import format_age, format_duration
from backend.readmodel.pages import Bell, Bells
from tui.text import Text
from tui.widgets.facts.facts import Styles


def bells_pane(bells: Bells, milliseconds: float, now: datetime, styles: Styles) -> RenderableType:
    """Return the pane: one line for Redis, one for the queue of each node."""
    if bells.error:
        said = f" ✗ Redis does not answer: {bells.error}; jobs still start, within seconds"
        return Text(said, style=styles.get("bad", ""))
    line = Text(f" ● {bells.version}", style=styles.get("good", ""))
    told = f"  answers in {milliseconds:.1f} ms, up {format_duration(bells.uptime)}, {bells.clients} clients,"
    line.append(f"{told} {bells.memory_mb:.1f} MiB", style=styles.get("dim", ""))
    return Group(line, _queues(bells.queues, now, styles)) if bells.queues else line


def _queues(queues: tuple[Bell, ...], now: datetime, styles: Styles) -> Table:
    dim = styles.get("dim", "")
    grid = Table(box=None, padding=(0, 1), show_edge=False, header_style=dim)
    grid.add_column("RQ QUEUE", min_width=12, no_wrap=True)
    for title in ("MESSAGES", "OLDEST", "LISTENERS", "FAILED"):
        grid.add_column(title, justify="right", width=9, no_wrap=True)
    for bell in queues:
        oldest = format_age((now - bell.oldest).total_seconds()) if bell.oldest else ""
        heard = Text(str(bell.listeners), style=styles.get("" if bell.listeners else "bad", ""))
        failed = Text(str(bell.failed), style=styles.get("failed" if bell.failed else "", ""))
        grid.add_row(Text(bell.node_name), str(bell.messages), oldest, heard, failed)
    return grid
