"""What the application was told, for a widget that must follow it."""

from collections.abc import Mapping
from typing import cast

from textual.widget import Widget


def chosen_keys(widget: Widget) -> Mapping[str, str]:
    """Return the key map of the application; an application without preferences has none."""
    preferences = getattr(widget.app, "preferences", None)
    return {} if preferences is None else cast("Mapping[str, str]", preferences.keys)


def settings_path(widget: Widget) -> str:
    """Return the file with the preferences, empty when there is none to name."""
    preferences = getattr(widget.app, "preferences", None)
    return "" if preferences is None or preferences.path is None else str(preferences.path)
