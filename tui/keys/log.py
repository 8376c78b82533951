"""Keys of the log panel."""

from tui.keys.model import Group, Key

LOG = Group(
    "Log (after tab)",
    (
        Key("log.up", "up,k", "↑ k", "scroll(-1)", "up", "one line up; pauses following"),
        Key("log.down", "down,j", "↓ j", "scroll(1)", "down", "one line down"),
        Key("log.page_up", "pageup,ctrl+b", "PgUp ^b", "page(-1.0)", "page up", "one screen up"),
        Key("log.page_down", "pagedown,ctrl+f", "PgDn ^f", "page(1.0)", "page down", "one screen down"),
        Key("log.left", "left,h", "← h", "side(-8)", "left", "to the left on a long line"),
        Key("log.right", "right,l", "→ l", "side(8)", "right", "to the right on a long line"),
        Key("log.top", "g,home", "g Home", "top", "first", "first line that is loaded"),
        Key("log.bottom", "G,end,f", "G End f", "bottom", "follow", "the end, and follow it"),
    ),
)
