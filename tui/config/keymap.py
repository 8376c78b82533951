"""The key map: which keys a person chose, checked before the screen opens and shown wherever keys are shown."""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import cast

from textual.keys import KEY_NAME_REPLACEMENTS, Keys
from textual.widget import Widget

from jobwarden.tui.keys import bindings as key_bindings
from jobwarden.tui.keys.bindings import (
    ACT,
    APP,
    CHOOSE_COLUMNS,
    CHOOSE_VIEW,
    CONFIRM,
    DIALOG,
    GO,
    HELP,
    PICK,
    PROMPT,
    RESULTS,
    UNDO,
)
from jobwarden.tui.keys.model import Key, KeyGroup


def chosen_keys(widget: Widget) -> Mapping[str, str]:
    """Return the key map of the application; an application without preferences has none."""
    preferences = getattr(widget.app, "preferences", None)
    return {} if preferences is None else cast("Mapping[str, str]", preferences.keys)


def settings_path(widget: Widget) -> str:
    """Return the file with the preferences, empty when there is none to name."""
    preferences = getattr(widget.app, "preferences", None)
    return "" if preferences is None or preferences.path is None else str(preferences.path)


EVERYWHERE = (ACT, UNDO, GO, APP)
"""Groups that go with every screen."""
ALONE = (DIALOG, CONFIRM, RESULTS, PICK, CHOOSE_COLUMNS, CHOOSE_VIEW, PROMPT, HELP)
"""Groups of what has the keyboard to itself while it is open: the keys of a screen do not work there."""


@cache
def every_group() -> tuple[KeyGroup, ...]:
    """Return every group of keys there is."""
    return tuple(value for value in vars(key_bindings).values() if isinstance(value, KeyGroup))


_MODIFIERS = ("ctrl", "alt", "shift", "super")
_SHOWN = {
    "up": "↑", "down": "↓", "left": "←", "right": "→", "enter": "⏎", "escape": "Esc", "tab": "Tab", "space": "Space",
    "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End", "backspace": "⌫", "delete": "Del",
}  # fmt: skip
_CHARACTER = {
    KEY_NAME_REPLACEMENTS.get(name, name): chr(code)
    for code in range(33, 127)
    if not chr(code).isalnum()
    for name in [unicodedata.name(chr(code)).lower().replace("-", "_").replace(" ", "_")]
}
"""Textual's name of a key that types a sign -> the sign."""
_NAMES = {*(key.value for key in Keys if key.value[0] != "<"), *_CHARACTER}


def check_keys(chosen: Mapping[str, str]) -> Mapping[str, str]:
    """Return the key map; raises ValueError for an unknown binding or key, or a key that already does something."""
    groups = every_group()
    known = {key.id for group in groups for key in group.keys}
    for name, keys in chosen.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
            raise ValueError(f"no binding {name!r}: the nearest known one is {near!r}")
        for key in _split(keys):
            _check_key(name, key)
    for group in groups:
        _check_doubles(group, chosen)
    return chosen


def remapped(groups: Iterable[KeyGroup], chosen: Mapping[str, str]) -> list[KeyGroup]:
    """Return the groups with the chosen keys, as the key line and the help show them."""
    return [KeyGroup(group.title, tuple(_remapped(key, chosen) for key in group.keys)) for group in groups]


def shown(keys: str) -> str:
    """Return keys as people read them.

    >>> shown("ctrl+x,question_mark,pageup,F")
    '^x ? PgUp F'
    """
    return " ".join(_shown_key(key) for key in _split(keys))


def _remapped(key: Key, chosen: Mapping[str, str]) -> Key:
    keys = chosen.get(key.id)
    return key if keys is None else replace(key, keys=keys, shown=shown(keys))


def _shown_key(key: str) -> str:
    modifiers, _, last = ("", "", key) if len(key) == 1 else key.rpartition("+")
    name = _SHOWN.get(last) or _CHARACTER.get(last) or (last.upper() if last[1:].isdigit() else last)
    return name if not modifiers else "^" + name if modifiers == "ctrl" else f"{modifiers}+{name}"


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",")]


def _check_key(binding: str, key: str) -> None:
    """A key is one sign, or a name that Textual has for it, with modifiers before it."""
    *modifiers, last = [key] if len(key) == 1 else key.split("+")
    plain = len(last) == 1 and last.isprintable() and last != " "
    if (plain or last in _NAMES or key in _NAMES) and all(modifier in _MODIFIERS for modifier in modifiers):
        return
    near = difflib.get_close_matches(key, sorted(_NAMES), n=1, cutoff=0)[0]
    raise ValueError(f"{binding}: no key {key!r}: the nearest known one is {near!r}")


def _check_doubles(group: KeyGroup, chosen: Mapping[str, str]) -> None:
    """Refuse a chosen key that another binding of the same part of the screen has, or one that works everywhere."""
    taken: dict[str, str] = {}
    around = [] if group in (*EVERYWHERE, *ALONE) else [key for one in EVERYWHERE for key in one.keys]
    for key in (*group.keys, *around):
        for one in _split(chosen.get(key.id, key.keys)):
            name = _CHARACTER.get(one, one)
            other = taken.setdefault(name, key.id)
            if other != key.id and (key.id in chosen or other in chosen):
                raise ValueError(f"key {one!r} is given to both {other} and {key.id}")
