"""Keys of the log panel, and of the screen that shows a log alone."""

from tui.keys.model import Group, Key

LOG = Group(
    "Log (after tab)",
    (
        Key("log.up", "up,k", "↑ k", "scroll(-1)", "up", "one line up; pauses following"),
        Key("log.down", "down,j", "↓ j", "scroll(1)", "down", "one line down; the end follows again"),
        Key("log.page_up", "pageup,ctrl+b", "PgUp ^b", "page(-1.0)", "page up", "one screen up"),
        Key("log.page_down", "pagedown,ctrl+f", "PgDn ^f", "page(1.0)", "page down", "one screen down"),
        Key("log.half_up", "ctrl+u", "^u", "page(-0.5)", "half up", "half a screen up"),
        Key("log.half_down", "ctrl+d", "^d", "page(0.5)", "half down", "half a screen down"),
        Key("log.left", "left,h", "← h", "side(-8)", "left", "to the left on a long line"),
        Key("log.right", "right,l", "→ l", "side(8)", "right", "to the right on a long line; following keeps it"),
        Key("log.top", "g,home", "g Home", "top", "first", "first line of the log"),
        Key("log.bottom", "G,end,f", "G End f", "bottom", "follow", "the end, and follow it"),
        Key(
            "log.goto",
            "ctrl+g",
            "^g",
            "goto",
            "go to",
            "1200, 50%, 14:30 or -10m: by times in the lines, else by arrival",
        ),
        Key("log.search", "slash", "/", "search", "search", "nearest above first; ^r expression, ^t any case"),
        Key("log.next", "n", "n", "match('down')", "next", "next match below"),
        Key("log.previous", "N", "N", "match('up')", "previous", "next match above"),
        Key("log.only", "ampersand", "&", "only", "filter", "show only lines that match; empty shows all"),
        Key("log.wrap", "w", "w", "wrap", "wrap", "fold long lines"),
        Key("log.times", "t", "t", "times", "times", "when lines were seen to arrive, since the log was opened here"),
        Key("log.numbers", "number_sign", "#", "numbers", "numbers", "line numbers; counts the lines first"),
        Key("log.copy", "y", "y", "copy", "copy", "the last lines into the clipboard"),
        Key("log.save", "S", "S", "save", "save", "the log into a new file; with a filter, what it shows"),
        Key("log.zoom", "z", "z", "zoom", "full screen", "the log on the whole screen, and back"),
        Key("log.give_up", "escape", "Esc", "give_up", "give up", "end a search or count; then unmark; then show all"),
    ),
)
_LINE = ("search", "next", "only", "goto", "bottom", "wrap", "times", "numbers", "copy", "save", "zoom")
"""What the key line of the log screen names, most useful first."""


def _ranked(key: Key) -> Key:
    name = key.id.removeprefix("log.")
    shown = "n N" if name == "next" else key.shown.split()[-1]
    rank = _LINE.index(name) + 1 if name in _LINE else 0
    return Key(key.id, key.keys, shown, key.action, key.label, key.help, rank, key.acts)


LOG_LINE = Group(LOG.title, tuple(_ranked(key) for key in LOG.keys))
"""The same keys, as the key line of the log screen has them."""
LOG_SCREEN = Group(
    "Look",
    (Key("logscreen.back", "escape,backspace,L", "Esc", "back", "back", "back to where the log was opened", rank=89),),
)
