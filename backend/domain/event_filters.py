"""The filter of the audit: ``job:12 actor:alice* action:kill,clean state:failed node:gpu* text !text``.

Terms are separated by blanks and all must hold; ``!`` in front negates one, ``a,b`` after ``:`` means either, ``*``
stands for any text. A word without a field is looked for in actor, action and reason; a number also matches the job.
"""

import difflib
from dataclasses import dataclass

from backend.domain.states import JobState
from backend.domain.units import shorten
from backend.errors import InputError

MAX_FILTER = 500
"""Characters in a filter."""
FIELDS: dict[str, str] = {
    "job": "number of the job",
    "actor": "who did it",
    "action": "what was done",
    "state": "state that the job came into",
    "node": "node it is about",
}
"""Names that may stand before the colon, each with one line of help."""


@dataclass(frozen=True, slots=True)
class EventTerm:
    """One condition; ``field`` None is free text, any of the ``values`` will do."""

    field: str | None
    values: tuple[str, ...]
    negated: bool = False


def parse_event_filter(typed: str) -> tuple[EventTerm, ...]:
    """Return the terms of a filter as typed. Raises InputError that names the word which is wrong.

    >>> parse_event_filter("job:12 !retry")[1]
    EventTerm(field=None, values=('retry',), negated=True)
    """
    if len(typed) > MAX_FILTER or not typed.isprintable():
        raise InputError(f"filter: longer than {MAX_FILTER} characters, or not printable")
    return tuple(_term(word) for word in typed.split())


def _term(word: str) -> EventTerm:
    negated, said = word.startswith("!"), word.removeprefix("!")
    name, colon, rest = said.partition(":")
    if not said or (colon and not rest):
        raise InputError(f"filter: nothing to look for in {shorten(word)}")
    if not colon:
        return EventTerm(None, (said,), negated)
    field = name.lower()
    if field not in FIELDS:
        nearest = difflib.get_close_matches(field, FIELDS, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(FIELDS)}"
        raise InputError(f"filter: no field {shorten(name)}; {hint}")
    values = tuple(value for value in rest.split(",") if value)
    _check(field, values)
    return EventTerm(field, values, negated)


def _check(field: str, values: tuple[str, ...]) -> None:
    if not values:
        raise InputError(f"filter: {field} needs a value")
    for value in values:
        if field == "job" and not (value.isascii() and value.isdigit() and len(value) < 19):
            raise InputError(f"filter: {shorten(value)} is no job number")
        if field == "state" and value.upper() not in JobState.__members__:
            raise InputError(f"filter: no state {shorten(value)}; known are {', '.join(JobState).lower()}")
