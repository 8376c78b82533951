"""Whether a part is still there: timers, callbacks and messages may reach one that has left the screen."""

from textual.widget import Widget


def on_screen(widget: Widget) -> bool:
    """Return whether a part, with all it is made of, is on its screen and stays there for now."""
    parts = [node for node in widget.ancestors_with_self if isinstance(node, Widget)]
    return widget.is_attached and widget.is_mounted and not any(part._pruning or part._closing for part in parts)
