"""What the list of jobs says when it has nothing to list."""

from backend.readmodel.lists import Window
from tui.widgets.table.cursor import Message_
from tui.widgets.table.empty import could_not_run, none_matches


def nothing_to_show(window: Window) -> Message_:
    """Return the lines to show: loading, a filter that failed or matches nothing, or no job at all."""
    if not window.loaded:
        return [("loading jobs …", "dim")]
    if window.error:
        return could_not_run(window.error)
    if window.query.filter:
        return none_matches("job", window.query.filter)
    return [
        ("no jobs yet", "plain"),
        ("", "dim"),
        ("submit one from another terminal:", "dim"),
        ("", "dim"),
        ("jobwarden submit job.sh", "good"),
        ("echo 'sleep 60' | jobwarden submit - --name nap", "good"),
    ]
