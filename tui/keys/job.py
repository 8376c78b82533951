"""Keys of the screen of one job."""

from tui.keys.model import Group, Key

JOB = Group(
    "Look",
    (
        Key("job.back", "escape,backspace", "Esc", "back", "back", "back to the list", rank=1),
        Key("job.next", "right_square_bracket", "]", "section(1)", "next part", "next part of the job", rank=2),
        Key("job.previous", "left_square_bracket", "[", "section(-1)", "part before", "part before of the job"),
        Key("job.log", "L", "L", "toggle_log", "log", "show or hide the log", rank=80),
        Key("job.focus", "tab", "Tab", "app.focus_next", "focus", "between the part and the log"),
    ),
)
