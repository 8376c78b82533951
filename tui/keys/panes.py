"""The key that goes between a list and the pane under it."""

from tui.keys.model import Group, Key

PANE = Group(
    "Pane",
    (Key("pane.focus", "tab", "Tab", "app.focus_next", "pane", "between the list and the pane under it"),),
)
