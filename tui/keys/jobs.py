"""Keys of the list of jobs."""

from tui.keys.model import Group, Key

LIST = Group(
    "Look",
    (
        Key(
            "jobs.views", "b", "b", "views", "views", "open a saved view, or save this one: filter, order, columns", 33
        ),
        Key("jobs.log", "L", "L", "toggle_log", "log", "show or hide the log", rank=80),
        Key("jobs.focus", "tab", "Tab", "app.focus_next", "focus", "between the list and the log"),
    ),
)
