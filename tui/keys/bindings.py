"""Every key of the dashboard, in groups: the key line, the help, the palette and the key map are made from them."""

from jobwarden.backend.actions.catalog import ACTIONS, Action
from jobwarden.tui.keys.model import Key, KeyGroup
from jobwarden.tui.screen_registry import SCREENS


def acts(*first: str) -> KeyGroup:
    """Return the keys of all actions that have one, these first on the line of keys, in this order."""
    with_key = [action for action in ACTIONS.values() if action.key]
    ordered = sorted(with_key, key=lambda action: first.index(action.name) if action.name in first else len(first))
    return KeyGroup("Act on the marked rows, else the selected row", tuple(map(_key, ordered, range(3, 99))))


def _key(action: Action, rank: int) -> Key:
    run = f"act('{action.name}')"
    return Key(f"act.{action.name}", action.key, action.key, run, action.label, action.help, rank, True)


ACT = acts("clean")
QUEUE_ACT = acts("priority", "hold", "unhold", "cancel")
UNDO = KeyGroup(
    "Undo",
    (Key("act.undo", "Z", "Z", "undo", "undo", "undo the last hold, unhold, priority, drain or resume", acts=True),),
)


# Keys that work on every screen.

APP = KeyGroup(
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
            "label rows and panes with letters; type one to jump there",
        ),
        Key(
            "app.copy", "Y", "Y", "app.copy('id')", "copy id", "copy the job id; `:copy` also has row, pid and command"
        ),
        Key("app.export", "e", "e", "app.palette('export ')", "export", "write the listed rows to a CSV or JSON file"),
        Key("app.pager", "v", "v", "app.open_log", "view log", "open the log of the selected job in $PAGER"),
        Key("app.editor", "E", "E", "app.open_script", "view script", "open a copy of the job's script in $EDITOR"),
        Key("app.suspend", "ctrl+z", "^z", "app.suspend_process", "suspend", "suspend to the shell; `fg` resumes"),
        Key("app.help", "question_mark,f1", "?", "help", "help", "this help", rank=90),
        Key(
            "app.quit",
            "q,ctrl+q,ctrl+c",
            "q",
            "app.quit",
            "quit",
            "quit the dashboard; workers and jobs keep running",
            rank=91,
        ),
    ),
)


# Keys of the dialogs that open over a screen.

DIALOG = KeyGroup(
    "In a dialog",
    (
        Key("dialog.close", "escape,ctrl+c", "Esc", "close", "close", "close, without a change"),
        Key("dialog.page_up", "pageup", "PgUp", "page(-1)", "up", "scroll up"),
        Key("dialog.page_down", "pagedown", "PgDn", "page(1)", "down", "scroll down"),
    ),
)
CONFIRM = KeyGroup(
    "Before an action",
    (
        Key("confirm.dry", "ctrl+t", "^t", "dry_run", "dry run", "show what would be done; changes nothing"),
        Key("confirm.force", "ctrl+o", "^o", "force", "force", "include the jobs refused on evidence, and ask again"),
    ),
)
RESULTS = KeyGroup("After an action", (Key("results.close", "enter,q", "⏎ q", "close", "close", "close the results"),))


# Keys of the audit.

EVENTS = KeyGroup("Look", (Key("events.job", "f", "f", "only_job", "this job", "show only the events of this job", 3),))


# Keys of a list that can be filtered.

FILTER = KeyGroup(
    "Filter",
    (
        Key("list.filter", "slash", "/", "filter", "filter", "show only matching rows; fields below", rank=2),
        Key("list.clear", "escape", "Esc", "clear", "clear filter", "clear the filter"),
    ),
)


# Keys of the screen of one job.

JOB = KeyGroup(
    "Look",
    (
        Key("job.back", "escape,backspace", "Esc", "back", "back", "back to the list", rank=1),
        Key("job.next", "right_square_bracket", "]", "section(1)", "next section", "next section of the job", rank=2),
        Key(
            "job.previous", "left_square_bracket", "[", "section(-1)", "previous section", "previous section of the job"
        ),
        Key("job.log", "L", "L", "toggle_log", "log", "show or hide the log", rank=80),
        Key("job.focus", "tab", "Tab", "app.focus_next", "focus", "switch between the section and the log"),
    ),
)


# Keys of the list of jobs.

LIST = KeyGroup(
    "Look",
    (
        Key("jobs.views", "b", "b", "views", "views", "open or save a view: filter, sort order, columns", 33),
        Key("jobs.log", "L", "L", "toggle_log", "log", "show or hide the log", rank=80),
        Key("jobs.focus", "tab", "Tab", "app.focus_next", "focus", "switch between the list and the log"),
    ),
)


# Keys of the log panel, and of the screen that shows a log alone.

LOG = KeyGroup(
    "Log (after tab)",
    (
        Key("log.up", "up,k", "↑ k", "scroll(-1)", "up", "one line up; pauses following"),
        Key("log.down", "down,j", "↓ j", "scroll(1)", "down", "one line down; resumes following at the end"),
        Key("log.page_up", "pageup,ctrl+b", "PgUp ^b", "page(-1.0)", "page up", "one page up"),
        Key("log.page_down", "pagedown,ctrl+f", "PgDn ^f", "page(1.0)", "page down", "one page down"),
        Key("log.half_up", "ctrl+u", "^u", "page(-0.5)", "half up", "half a page up"),
        Key("log.half_down", "ctrl+d", "^d", "page(0.5)", "half down", "half a page down"),
        Key("log.left", "left,h", "← h", "side(-8)", "left", "scroll left"),
        Key("log.right", "right,l", "→ l", "side(8)", "right", "scroll right; kept while following"),
        Key("log.top", "g,home", "g Home", "top", "first", "first line of the log"),
        Key("log.bottom", "G,end,f", "G End f", "bottom", "follow", "go to the end and follow"),
        Key(
            "log.goto",
            "ctrl+g",
            "^g",
            "goto",
            "go to",
            "go to 1200, 50%, 14:30 or -10m (times in the lines, else of arrival)",
        ),
        Key("log.search", "slash", "/", "search", "search", "search upwards; ^r regular expression, ^t ignore case"),
        Key("log.next", "n", "n", "match('down')", "next", "next match below"),
        Key("log.previous", "N", "N", "match('up')", "previous", "next match above"),
        Key("log.only", "ampersand", "&", "only", "filter", "show only lines that match; empty shows all"),
        Key("log.wrap", "w", "w", "wrap", "wrap", "wrap long lines"),
        Key("log.times", "t", "t", "times", "times", "arrival times of lines, since the log was opened"),
        Key("log.numbers", "number_sign", "#", "numbers", "numbers", "show line numbers; counts the lines first"),
        Key("log.copy", "y", "y", "copy", "copy", "copy the last lines to the clipboard"),
        Key("log.save", "S", "S", "save", "save", "save the log to a new file; only shown lines when filtered"),
        Key("log.zoom", "z", "z", "zoom", "full screen", "toggle full screen"),
        Key(
            "log.give_up",
            "escape",
            "Esc",
            "give_up",
            "cancel search",
            "cancel a search or count; then clear highlights; then the filter",
        ),
    ),
)
_LINE = ("search", "next", "only", "goto", "bottom", "wrap", "times", "numbers", "copy", "save", "zoom")
"""What the key line of the log screen names, most useful first."""


def _ranked(key: Key) -> Key:
    name = key.id.removeprefix("log.")
    shown = "n N" if name == "next" else key.shown.split()[-1]
    rank = _LINE.index(name) + 1 if name in _LINE else 0
    return Key(key.id, key.keys, shown, key.action, key.label, key.help, rank, key.acts)


LOG_LINE = KeyGroup(LOG.title, tuple(_ranked(key) for key in LOG.keys))
"""The same keys, as the key line of the log screen has them."""
LOG_SCREEN = KeyGroup(
    "Look",
    (Key("logscreen.back", "escape,backspace,L", "Esc", "back", "back", "back to the previous screen", rank=89),),
)


# Keys of the screen of the nodes.

NODES = KeyGroup(
    "Act on the node",
    (
        Key("nodes.drain", "d", "d", "node('drain')", "drain", "start no new jobs; running jobs go on", 2, True),
        Key("nodes.resume", "r", "r", "node('resume')", "resume", "give the node new jobs again", 3, True),
    ),
)


# The key that goes between a list and the pane under it.

PANE = KeyGroup(
    "Pane",
    (Key("pane.focus", "tab", "Tab", "app.focus_next", "pane", "switch between the list and the pane below it"),),
)


# Keys of the windows that choose from a list.

PICK = KeyGroup("Choose", (Key("pick.close", "escape,ctrl+c", "Esc", "close", "close", "cancel; changes nothing"),))
CHOOSE_COLUMNS = KeyGroup(
    "Choose columns",
    (
        Key("columns.shown", "space", "Space", "shown", "show", "show if there is room, always or never"),
        Key("columns.up", "shift+up,K", "K ⇧↑", "shift(-1)", "up", "move left"),
        Key("columns.down", "shift+down,J", "J ⇧↓", "shift(1)", "down", "move right"),
        Key("columns.wider", "plus,right,l", "+ →", "widen(1)", "wider", "wider"),
        Key("columns.narrower", "minus,left,h", "- ←", "widen(-1)", "narrower", "narrower"),
        Key("columns.reset", "r", "r", "reset", "reset", "reset to the default columns"),
    ),
)
CHOOSE_VIEW = KeyGroup(
    "Saved views",
    (
        Key("views.save", "s", "s", "save", "save", "save the current list under a name"),
        Key("views.delete", "d,delete", "d", "delete", "delete", "delete the view"),
    ),
)


# Keys of the line that a filter is typed into.

PROMPT = KeyGroup(
    "While typing a filter",
    (
        Key("prompt.take", "tab", "Tab", "take", "take", "take the selected suggestion"),
        Key("prompt.next", "ctrl+n", "^n", "suggestion(1)", "next", "next suggestion"),
        Key("prompt.previous", "shift+tab", "⇧Tab", "suggestion(-1)", "previous", "previous suggestion"),
        Key("prompt.earlier", "up", "↑", "earlier(1)", "earlier", "previous filter"),
        Key("prompt.later", "down", "↓", "earlier(-1)", "later", "next filter"),
        Key("prompt.close", "escape", "Esc", "close", "close", "cancel"),
    ),
)


# Keys that open the screens, made from the table of screens.

GO = KeyGroup(
    "Screens",
    tuple(
        Key(f"go.{entry.name}", entry.key, entry.key, f"app.go('{entry.name}')", entry.name, entry.help)
        for entry in SCREENS
    ),
)


# Keys of every table.

TABLE = KeyGroup(
    "Move",
    (
        Key("table.up", "up,k", "↑ k", "cursor(-1)", "up", "one row up"),
        Key("table.down", "down,j", "↓ j", "cursor(1)", "down", "one row down"),
        Key("table.page_up", "pageup,ctrl+b", "PgUp ^b", "page(-1.0)", "page up", "one page up"),
        Key("table.page_down", "pagedown,ctrl+f", "PgDn ^f", "page(1.0)", "page down", "one page down"),
        Key("table.half_up", "ctrl+u", "^u", "page(-0.5)", "half up", "half a page up"),
        Key("table.half_down", "ctrl+d", "^d", "page(0.5)", "half down", "half a page down"),
        Key("table.top", "g,home", "g Home", "top", "first", "first row; new rows stay in view"),
        Key("table.bottom", "G,end", "G End", "bottom", "last", "last row"),
        Key("table.open", "enter", "⏎", "open", "open", "open the row; a job shows attempts, history, script", rank=1),
    ),
)

MARK = KeyGroup(
    "Mark, pause, sort",
    (
        Key("table.mark", "space", "Space", "mark", "mark", "mark or unmark the row", rank=2),
        Key("table.mark_up", "shift+up", "⇧↑", "mark_moving(-1)", "mark up", "mark the row and the one above"),
        Key("table.mark_down", "shift+down", "⇧↓", "mark_moving(1)", "mark down", "mark the row and the one below"),
        Key(
            "table.mark_range",
            "V",
            "V",
            "mark_range",
            "range",
            "start a range, move to extend it, again to end it",
        ),
        Key(
            "table.mark_all",
            "asterisk",
            "*",
            "mark_all",
            "mark all",
            "mark all matching rows, also those off the screen",
        ),
        Key("table.unmark", "u", "u", "unmark", "unmark", "unmark all rows"),
        Key("table.pause", "p", "p", "pause", "pause", "pause or resume the list", rank=32),
        Key("table.order", "o", "o", "order", "sort", "choose the column to sort by", rank=30),
        Key("table.columns", "w", "w", "columns", "columns", "choose the columns, their order and widths", rank=31),
        Key("table.reverse", "O", "O", "reverse", "reverse sort", "reverse the sort order"),
    ),
)


# Keys of the page of keys.

HELP = KeyGroup(
    "On this page",
    (
        Key("help.close", "question_mark,q,f1", "? q", "close", "close", "close the help"),
        Key("help.names", "n", "n", "names", "names", "show binding names, for [keys] in the settings"),
    ),
)
