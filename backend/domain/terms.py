"""Filters of short lists, the audit and the nodes: ``field:value text !text``.

Terms are separated by blanks and all must hold; ``!`` in front negates one, ``a,b`` after ``:`` means either, ``*``
stands for any text.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from backend.domain.filters import Field, Kind
from backend.domain.units import shorten
from backend.errors import InputError

MAX_FILTER = 500
"""Characters in a filter."""


@dataclass(frozen=True, slots=True)
class PlainTerm:
    """One condition; ``field`` None is free text, any of the ``values`` will do."""

    field: str | None
    values: tuple[str, ...]
    negated: bool = False


def parse_terms(typed: str, fields: Mapping[str, Field]) -> tuple[PlainTerm, ...]:
    """Return the terms of a filter as typed. Raises InputError that names the word which is wrong.

    >>> parse_terms("job:12 !retry", {"job": Field("job", Kind.NUMBER, "")})[1]
    PlainTerm(field=None, values=('retry',), negated=True)
    """
    if len(typed) > MAX_FILTER or not typed.isprintable():
        raise InputError(f"filter: longer than {MAX_FILTER} characters, or not printable")
    return tuple(_term(word, fields) for word in typed.split())


def _term(word: str, fields: Mapping[str, Field]) -> PlainTerm:
    negated, said = word.startswith("!"), word.removeprefix("!")
    name, colon, rest = said.partition(":")
    if not said or (colon and not rest):
        raise InputError(f"filter: nothing to look for in {shorten(word)}")
    if not colon:
        return PlainTerm(None, (said,), negated)
    field = fields.get(name.lower())
    if field is None:
        nearest = difflib.get_close_matches(name.lower(), fields, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(fields)}"
        raise InputError(f"filter: no field {shorten(name)}; {hint}")
    values = tuple(value for value in rest.split(",") if value)
    _check(field, values)
    return PlainTerm(field.name, values, negated)


def _check(field: Field, values: tuple[str, ...]) -> None:
    if not values:
        raise InputError(f"filter: {field.name} needs a value")
    for value in values:
        if field.kind is Kind.NUMBER and not (value.isascii() and value.isdigit() and len(value) < 19):
            raise InputError(f"filter: {field.name} is a number, not {shorten(value)}")
        if field.kind is Kind.WORD and value.lower() not in field.values:
            raise InputError(f"filter: no {field.name} {shorten(value)}; known are {', '.join(field.values)}")
