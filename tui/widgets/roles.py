"""Colour roles of a widget as Rich styles: foreground and emphasis only, so that they go over any background."""

from rich.style import Style
from textual.widget import Widget

from tui.widgets.presence import on_screen


def role_style(widget: Widget, component: str) -> Style:
    """Return the foreground style of a component class, with transparency already mixed in."""
    style = _style(widget, component)
    return Style(color=style.color, bold=style.bold, dim=style.dim, italic=style.italic)


def badge_style(widget: Widget, component: str) -> Style:
    """Return the style of a component class with its background."""
    style = _style(widget, component)
    return Style(color=style.color, bgcolor=style.bgcolor, bold=style.bold)


def _style(widget: Widget, component: str) -> Style:
    """None at all for a widget that has left the screen: Textual takes its styles away before its last message."""
    try:
        return widget.get_component_rich_style(component)
    except KeyError:
        if on_screen(widget):
            raise
        return Style.null()
