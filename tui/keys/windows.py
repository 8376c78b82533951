"""Keys of the page of keys."""

from tui.keys.model import Group, Key

HELP = Group(
    "On this page",
    (
        Key("help.close", "question_mark,q,f1", "? q", "close", "close", "close the page"),
        Key("help.names", "n", "n", "names", "names", "the names of the bindings, for the key map in the settings"),
    ),
)
