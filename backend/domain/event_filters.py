"""The filter of the audit: ``job:12 actor:alice* action:kill,clean state:failed node:gpu* text !text``.

A word without a field is looked for in actor, action and reason; a number also matches the job.
"""

from backend.domain.filters import Field, Kind
from backend.domain.states import JobState
from backend.domain.terms import PlainTerm, parse_terms

DONE = (
    "submit", "allocate", "start", "finish", "requeue", "adopt", "sql", "worker-started", "worker-stopped",
    "worker-lost", "cancel", "kill", "mark-failed", "release", "clean", "resubmit", "hold", "unhold",
    "priority", "drain", "resume", "users",
)  # fmt: skip
"""What is done most, to be offered; any other word may be looked for too."""
FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("job", Kind.NUMBER, "number of the job"),
        Field("actor", Kind.TEXT, "who did it"),
        Field("action", Kind.TEXT, "what was done", DONE),
        Field("state", Kind.WORD, "state that the job came into", tuple(state.lower() for state in JobState)),
        Field("node", Kind.TEXT, "node it is about"),
    )
}
"""Names that may stand before the colon."""


def parse_event_filter(typed: str) -> tuple[PlainTerm, ...]:
    """Return the terms of a filter of the audit. Raises InputError."""
    return parse_terms(typed, FIELDS)
