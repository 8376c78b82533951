"""Keys that open the screens, made from the table of screens."""

from tui.keys.model import Group, Key
from tui.screens.table import SCREENS

GO = Group(
    "Screens",
    tuple(
        Key(f"go.{entry.name}", entry.key, entry.key, f"app.go('{entry.name}')", entry.name, entry.help)
        for entry in SCREENS
    ),
)
