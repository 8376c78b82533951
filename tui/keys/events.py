"""Keys of the audit."""

from tui.keys.model import Group, Key

EVENTS = Group(
    "Look",
    (
        Key("events.filter", "slash", "/", "filter", "filter", "filter, as job:12 actor:alice* action:kill text", 2),
        Key("events.job", "f", "f", "only_job", "this job", "only the events of this job", 3),
        Key("events.clear", "escape", "Esc", "clear", "all", "clear the filter", 4),
    ),
)
