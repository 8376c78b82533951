"""Labels with their values; what wraps stays aligned under its value, not under the label."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from textual.widgets import Static

from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import ROLES, badge_style, role_style

LABEL = 12
"""Cells of a label."""
Styles = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fact:
    """One label with its value in a colour role ("" for plain)."""

    label: str
    value: str
    role: str = ""


def facts(rows: Iterable[Fact], styles: Styles) -> Table:
    """Return the facts as two columns."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=LABEL, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.expand = True
    for row in rows:
        label = Text(f" {row.label}", style=styles.get("dim", ""))
        grid.add_row(label, Text(row.value, style=styles.get(row.role, "")))
    return grid


def heading(title: str) -> Text:
    """Return the line over a part of a pane."""
    return Text(f" {title}", style="bold")


class Pane(Static):
    """Text in the colour roles of the theme."""

    COMPONENT_CLASSES = {f"pane--{role}" for role in (*ROLES, "alarm")}  # noqa: RUF012 (as Textual declares it)

    def styles_of_roles(self) -> dict[str, str]:
        """Return the style of each colour role in the theme of now."""
        styles = {role: str(role_style(self, f"pane--{role}")) for role in ROLES}
        return {**styles, "alarm": str(badge_style(self, "pane--alarm"))}

    def show(self, content: RenderableType) -> None:
        """Show another text."""
        self.update(content)
