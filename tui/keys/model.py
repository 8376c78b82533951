"""What a key is: bindings, the key line, the help and the palette are made from tables of these."""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Key:
    """One entry: ``keys`` as Textual names them (commas between alternatives), ``shown`` as people read them.

    ``rank`` orders the key line, lower first; 0 leaves it out. ``acts`` marks what a read-only screen does not have.
    """

    id: str
    keys: str
    shown: str
    action: str
    label: str
    help: str
    rank: int = 0
    acts: bool = False


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """Keys that the help shows under one heading."""

    title: str
    keys: tuple[Key, ...]


def bindings(*groups: KeyGroup) -> list[BindingType]:
    """Make Textual's bindings of some groups; each has its id, so that a key map can change it."""
    return [
        Binding(key.keys, key.action, key.label, id=key.id, show=False, priority=False)
        for group in groups
        for key in group.keys
    ]


def without_acts(groups: Iterable[KeyGroup]) -> list[KeyGroup]:
    """Leave out what a read-only screen does not have."""
    kept = ((group.title, tuple(key for key in group.keys if not key.acts)) for group in groups)
    return [KeyGroup(title, keys) for title, keys in kept if keys]
