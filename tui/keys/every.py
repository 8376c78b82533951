"""All key tables there are, for who must know them by name: the key map and the palette."""

import importlib
import pkgutil
from functools import cache

import tui.keys
from tui.keys.acts import ACT, UNDO
from tui.keys.app import APP
from tui.keys.model import Group
from tui.keys.screens import GO

EVERYWHERE = (ACT, UNDO, GO, APP)
"""Groups that go with every screen."""
ALONE = ("dialogs", "pickers", "prompt", "windows")
"""Modules of what has the keyboard to itself while it is open."""


@cache
def every_group() -> tuple[Group, ...]:
    """Return the groups of every module of keys."""
    return tuple(group for module in pkgutil.iter_modules(tui.keys.__path__) for group in _groups(module.name))


@cache
def windows() -> tuple[Group, ...]:
    """Return the groups under which the keys of a screen do not work."""
    return tuple(group for name in ALONE for group in _groups(name))


def _groups(module: str) -> tuple[Group, ...]:
    found = vars(importlib.import_module(f"tui.keys.{module}")).values()
    return tuple(value for value in found if isinstance(value, Group))
