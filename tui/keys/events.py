"""Keys of the audit."""

from tui.keys.model import Group, Key

EVENTS = Group("Look", (Key("events.job", "f", "f", "only_job", "this job", "only the events of this job", 3),))
