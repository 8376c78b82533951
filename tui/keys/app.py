"""Keys that work on every screen."""

from tui.keys.model import Group, Key

APP = Group(
    "Program",
    (
        Key(
            "app.palette",
            "colon,ctrl+p",
            ":",
            "app.palette",
            "command",
            "type a command: screen, action, theme ...",
            85,
        ),
        Key(
            "app.jump",
            "semicolon",
            ";",
            "app.jump",
            "jump",
            "letters on rows and parts of the screen: type one to go there",
        ),
        Key("app.copy", "Y", "Y", "app.copy('id')", "copy id", "copy the job's id; `:copy` has row, pid and command"),
        Key("app.export", "e", "e", "app.palette('export ')", "export", "write the listed rows to a CSV or JSON file"),
        Key("app.pager", "v", "v", "app.open_log", "view log", "the selected job's log in $PAGER"),
        Key("app.editor", "E", "E", "app.open_script", "view script", "a copy of the job's script in $EDITOR"),
        Key("app.suspend", "ctrl+z", "^z", "app.suspend_process", "suspend", "back to the shell; `fg` comes back"),
        Key("app.help", "question_mark,f1", "?", "help", "help", "this page", rank=90),
        Key(
            "app.quit", "q,ctrl+q,ctrl+c", "q", "app.quit", "quit", "close the screen; workers and jobs go on", rank=91
        ),
    ),
)
