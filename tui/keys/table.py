"""Keys of every table."""

from tui.keys.model import Group, Key

TABLE = Group(
    "Move",
    (
        Key("table.up", "up,k", "↑ k", "cursor(-1)", "up", "one row up"),
        Key("table.down", "down,j", "↓ j", "cursor(1)", "down", "one row down"),
        Key("table.page_up", "pageup,ctrl+b", "PgUp ^b", "page(-1.0)", "page up", "one screen up"),
        Key("table.page_down", "pagedown,ctrl+f", "PgDn ^f", "page(1.0)", "page down", "one screen down"),
        Key("table.half_up", "ctrl+u", "^u", "page(-0.5)", "half up", "half a screen up"),
        Key("table.half_down", "ctrl+d", "^d", "page(0.5)", "half down", "half a screen down"),
        Key("table.top", "g,home", "g Home", "top", "first", "first row, and stay with what is new"),
        Key("table.bottom", "G,end", "G End", "bottom", "last", "last row"),
        Key("table.open", "enter", "⏎", "open", "open", "open the row: of a job its attempts, history, script", rank=1),
    ),
)

MARK = Group(
    "Mark, hold still, order",
    (
        Key("table.mark", "space", "Space", "mark", "mark", "mark or unmark the row", rank=2),
        Key("table.mark_up", "shift+up", "⇧↑", "mark_moving(-1)", "mark up", "mark the row and the one above"),
        Key("table.mark_down", "shift+down", "⇧↓", "mark_moving(1)", "mark down", "mark the row and the one below"),
        Key(
            "table.mark_range",
            "V",
            "V",
            "mark_range",
            "range",
            "begin a range that marks as you move; again to end it",
        ),
        Key(
            "table.mark_all",
            "asterisk",
            "*",
            "mark_all",
            "all",
            "mark all that match, also those off the screen",
        ),
        Key("table.unmark", "u", "u", "unmark", "unmark", "take all marks away"),
        Key("table.pause", "p", "p", "pause", "pause", "pause or resume the list", rank=32),
        Key("table.order", "o", "o", "order", "order", "choose the column to order by", rank=30),
        Key("table.columns", "w", "w", "columns", "columns", "choose columns, their order and widths", rank=31),
        Key("table.reverse", "O", "O", "reverse", "reverse", "reverse the sort order"),
    ),
)
