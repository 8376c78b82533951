"""Keys of the screen of one job."""

from tui.keys.model import Group, Key

JOB = Group(
    "Look",
    (
        Key("job.back", "escape,backspace", "Esc", "back", "back", "back to the list", rank=1),
        Key("job.log", "L", "L", "toggle_log", "log", "show or hide the log", rank=80),
        Key("job.focus", "tab", "Tab", "app.focus_next", "focus", "between the detail and the log"),
    ),
)
