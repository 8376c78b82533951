"""Colour roles of a widget as Rich styles: foreground and emphasis only, so that they go over any background."""

from rich.style import Style
from textual.widget import Widget


def role_style(widget: Widget, component: str) -> Style:
    """Return the foreground style of a component class, with transparency already mixed in."""
    style = widget.get_component_rich_style(component)
    return Style(color=style.color, bold=style.bold, dim=style.dim, italic=style.italic)


def badge_style(widget: Widget, component: str) -> Style:
    """Return the style of a component class with its background."""
    style = widget.get_component_rich_style(component)
    return Style(color=style.color, bgcolor=style.bgcolor, bold=style.bold)
