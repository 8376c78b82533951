"""Keys that work on every screen."""

from tui.keys.model import Group, Key

APP = Group(
    "Leave",
    (
        Key("app.help", "question_mark,f1", "?", "help", "help", "this page", rank=90),
        Key("app.quit", "q,ctrl+q", "q", "app.quit", "quit", "close the screen; workers and jobs go on", rank=91),
    ),
)
