"""Keys that a person chose instead of ours: checked before the screen opens, and shown wherever keys are shown."""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace

from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from tui.keys.every import EVERYWHERE, every_group, windows
from tui.keys.model import Group, Key

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


def remapped(groups: Iterable[Group], chosen: Mapping[str, str]) -> list[Group]:
    """Return the groups with the chosen keys, as the key line and the help show them."""
    return [Group(group.title, tuple(_remapped(key, chosen) for key in group.keys)) for group in groups]


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


def _check_doubles(group: Group, chosen: Mapping[str, str]) -> None:
    """Refuse a chosen key that another binding of the same part of the screen has, or one that works everywhere."""
    taken: dict[str, str] = {}
    around = [] if group in (*EVERYWHERE, *windows()) else [key for one in EVERYWHERE for key in one.keys]
    for key in (*group.keys, *around):
        for one in _split(chosen.get(key.id, key.keys)):
            name = _CHARACTER.get(one, one)
            other = taken.setdefault(name, key.id)
            if other != key.id and (key.id in chosen or other in chosen):
                raise ValueError(f"key {one!r} is given to both {other} and {key.id}")
