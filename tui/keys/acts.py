"""Keys of the operator's actions, made from the table of actions."""

from backend.actions.table import ACTIONS
from tui.keys.model import Group, Key

_WITH_KEY = [action for action in ACTIONS.values() if action.key]
ACT = Group(
    "Act on the selected job",
    tuple(
        Key(
            f"act.{action.name}", action.key, action.key, f"act('{action.name}')", action.label, action.help, rank, True
        )
        for rank, action in enumerate(sorted(_WITH_KEY, key=lambda action: action.name != "clean"), start=3)
    ),
)
UNDO = Group(
    "Take back",
    (Key("act.undo", "Z", "Z", "undo", "undo", "take the last hold, priority, drain ... back", acts=True),),
)
