"""Keys of every table."""

from tui.keys.model import Group, Key

TABLE = Group(
    "Move",
    (
        Key("table.up", "up,k", "↑ k", "cursor(-1)", "up", "one job up"),
        Key("table.down", "down,j", "↓ j", "cursor(1)", "down", "one job down"),
        Key("table.page_up", "pageup,ctrl+b", "PgUp ^b", "page(-1.0)", "page up", "one screen up"),
        Key("table.page_down", "pagedown,ctrl+f", "PgDn ^f", "page(1.0)", "page down", "one screen down"),
        Key("table.half_up", "ctrl+u", "^u", "page(-0.5)", "half up", "half a screen up"),
        Key("table.half_down", "ctrl+d", "^d", "page(0.5)", "half down", "half a screen down"),
        Key("table.top", "g,home", "g Home", "top", "newest", "newest job, and stay with what is new"),
        Key("table.bottom", "G,end", "G End", "bottom", "oldest", "oldest job"),
        Key("table.open", "enter", "⏎", "open", "open", "open the job: attempts, history, script", rank=1),
    ),
)
