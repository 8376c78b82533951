"""All key tables there are, for who must know them by name: the key map and the palette."""

import importlib
import pkgutil
from functools import cache

import tui.keys
from tui.keys.acts import ACT
from tui.keys.app import APP
from tui.keys.model import Group

EVERYWHERE = (ACT, APP)
"""Groups that go with every screen."""


@cache
def every_group() -> tuple[Group, ...]:
    """Return the groups of every module of keys."""
    modules = (importlib.import_module(f"tui.keys.{module.name}") for module in pkgutil.iter_modules(tui.keys.__path__))
    found = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Group)}
    return tuple(found.values())
