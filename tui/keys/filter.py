"""Keys of a list that can be filtered."""

from tui.keys.model import Group, Key

FILTER = Group(
    "Filter",
    (
        Key("list.filter", "slash", "/", "filter", "filter", "show only what matches; the words are below", rank=2),
        Key("list.clear", "escape", "Esc", "clear", "all", "clear the filter"),
    ),
)
