"""Why a worker drains its own node, in words by which the drain is known again."""

REPLACED = "the program was moved or replaced: restart the worker"
OUTDATED = "runs other code than is installed: restart it, its jobs go on"
"""Of a worker whose program was replaced under it; no drain, as long as launches work."""
FAILING = "launches fail here: "
"""Followed by how many and the last error."""


def by_worker(reason: str | None) -> bool:
    """Whether a drain with this reason is one that a worker takes back by itself."""
    return reason is not None and (reason == REPLACED or reason.startswith(FAILING))
