"""What the list of jobs says when it has nothing to list."""

from backend.readmodel.lists import Window

Line = tuple[str, str]
"""Text and colour role."""


def nothing_to_show(window: Window) -> list[Line]:
    """Return the lines to show: loading, a filter that failed or matches nothing, or no job at all."""
    if not window.loaded:
        return [("loading jobs …", "dim")]
    if window.error:
        return [
            ("this filter could not be run", "failed"),
            (window.error, "dim"),
            ("/ to change it, esc to clear it", "dim"),
        ]
    if window.query.filter:
        return [
            (f"no job matches  {window.query.filter}", "plain"),
            ("", "dim"),
            ("/ to change it, esc to clear it", "dim"),
        ]
    return [
        ("no jobs yet", "plain"),
        ("", "dim"),
        ("submit one from another terminal:", "dim"),
        ("", "dim"),
        ("jobwarden submit job.sh", "good"),
        ("echo 'sleep 60' | jobwarden submit - --name nap", "good"),
    ]
