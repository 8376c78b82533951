"""Keys of the operator's actions, made from the table of actions."""

from backend.actions.table import ACTIONS, Action
from tui.keys.model import Group, Key


def acts(*first: str) -> Group:
    """Return the keys of all actions that have one, these first on the line of keys, in this order."""
    with_key = [action for action in ACTIONS.values() if action.key]
    ordered = sorted(with_key, key=lambda action: first.index(action.name) if action.name in first else len(first))
    return Group("Act on what is marked, else under the cursor", tuple(map(_key, ordered, range(3, 99))))


def _key(action: Action, rank: int) -> Key:
    run = f"act('{action.name}')"
    return Key(f"act.{action.name}", action.key, action.key, run, action.label, action.help, rank, True)


ACT = acts("clean")
QUEUE_ACT = acts("priority", "hold", "unhold", "cancel")
UNDO = Group(
    "Undo",
    (Key("act.undo", "Z", "Z", "undo", "undo", "undo the last hold, priority, drain ...", acts=True),),
)
