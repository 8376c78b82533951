"""Keys of the line that a filter is typed into."""

from tui.keys.model import Group, Key

PROMPT = Group(
    "While typing a filter",
    (
        Key("prompt.take", "tab", "Tab", "take", "take", "take the marked suggestion"),
        Key("prompt.next", "ctrl+n", "^n", "suggestion(1)", "next", "the next suggestion"),
        Key("prompt.previous", "shift+tab", "⇧Tab", "suggestion(-1)", "previous", "the suggestion before"),
        Key("prompt.earlier", "up", "↑", "earlier(1)", "earlier", "an earlier filter"),
        Key("prompt.later", "down", "↓", "earlier(-1)", "later", "a later filter"),
        Key("prompt.close", "escape", "Esc", "close", "close", "give up"),
    ),
)
