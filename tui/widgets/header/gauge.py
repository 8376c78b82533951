"""A bar that shows a share with a figure beside it."""

from tui.text import Text

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(used: float, total: float, width: int) -> str:
    """Return a bar of ``width`` cells; something is never drawn as nothing, and only full is drawn full.

    >>> bar(1, 2, 4), bar(0, 0, 4)
    ('██··', '····')
    """
    if total <= 0 or used <= 0:
        return "·" * width
    eighths = min(width * 8, max(1, int(used / total * width * 8)))
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[part] if part else "")).ljust(width, "·")


def gauge(label: str, used: float, total: float, figure: str, width: int, style: str) -> Text:
    """Return ``cpu ███··· 3/4``, without the bar for no ``width``; ``style`` colours the bar."""
    drawn = f"{bar(used, total, width)} " if width else ""
    return Text.assemble((f"{label} ", "dim"), (drawn, style), figure)
