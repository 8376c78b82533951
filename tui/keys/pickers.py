"""Keys of the windows that choose from a list."""

from tui.keys.model import Group, Key

PICK = Group("Choose", (Key("pick.close", "escape,ctrl+c", "Esc", "close", "close", "close and change nothing"),))
CHOOSE_COLUMNS = Group(
    "Choose columns",
    (
        Key("columns.shown", "space", "Space", "shown", "show", "automatic, always or never"),
        Key("columns.up", "shift+up,K", "K ⇧↑", "shift(-1)", "up", "further to the left"),
        Key("columns.down", "shift+down,J", "J ⇧↓", "shift(1)", "down", "further to the right"),
        Key("columns.wider", "plus,right,l", "+ →", "widen(1)", "wider", "wider"),
        Key("columns.narrower", "minus,left,h", "- ←", "widen(-1)", "narrower", "narrower"),
        Key("columns.reset", "r", "r", "reset", "reset", "as they were made"),
    ),
)
CHOOSE_VIEW = Group(
    "Saved views",
    (
        Key("views.save", "s", "s", "save", "save", "save the list as it is now under a name"),
        Key("views.delete", "d,delete", "d", "delete", "delete", "delete the view"),
    ),
)
