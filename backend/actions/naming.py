"""How a person names jobs, in the shell and on the screen: by ids, or by a filter."""

from collections.abc import Sequence

from backend.actions.scope import Scope
from backend.domain.filters import parse_filter
from backend.domain.units import shorten
from backend.errors import InputError


def parse_id(text: str) -> int:
    """A job id as typed; InputError when it is not a number."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InputError(f"{shorten(text)} is not a job id: ids are whole numbers")
    return int(text)


def parse_scope(words: Sequence[str], filter_text: str | None = None) -> Scope:
    """What ``words`` and a filter apart from them name. InputError when that is nothing, or might be a slip.

    Words are ids, or a filter each word of which names a field: ``kill 12 1x`` must not turn into a search.
    """
    if filter_text is not None and not filter_text.strip():
        raise InputError("the filter is empty, which would stand for every job: name at least one condition")
    if any(_names_a_field(word) for word in words):
        if filter_text is not None:
            raise InputError("two filters: put all conditions into one")
        return Scope(filter=_of_fields(" ".join(words)))
    ids = tuple(dict.fromkeys(parse_id(part) for word in words for part in word.split(",") if part))
    if not ids and filter_text is None:
        raise InputError("no job is named: give ids, or a filter like state:running")
    return Scope(ids, filter_text)


def _of_fields(typed: str) -> str:
    """A filter in which no word is a mere search. ``kind`` passes: who evaluates it knows whether it may be there."""
    for term in parse_filter(typed, anomalies=True).terms:
        if term.field is None:
            word = shorten(term.values[0].text)
            raise InputError(f"{word} is no id and names no field: say in which it is looked for, as in name:train*")
    return typed


def _names_a_field(word: str) -> bool:
    return any(operator in word for operator in ":=<>")
