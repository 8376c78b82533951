"""Keys of the windows that open over a screen."""

from tui.keys.model import Group, Key

DIALOG = Group(
    "In a window",
    (
        Key("dialog.close", "escape,ctrl+c", "Esc", "close", "close", "close it and leave all as it is"),
        Key("dialog.page_up", "pageup", "PgUp", "page(-1)", "up", "scroll its text up"),
        Key("dialog.page_down", "pagedown", "PgDn", "page(1)", "down", "scroll its text down"),
    ),
)
CONFIRM = Group(
    "Before an action",
    (
        Key("confirm.dry", "ctrl+t", "^t", "dry_run", "dry run", "look once more what would be done; writes nothing"),
        Key("confirm.force", "ctrl+o", "^o", "force", "force", "ask about those too that only evidence protects"),
    ),
)
RESULTS = Group("After an action", (Key("results.close", "enter,q", "⏎ q", "close", "close", "close the results"),))
