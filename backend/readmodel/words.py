"""The words that stand in the jobs now, to be offered while somebody types a filter."""

from sqlalchemy import Connection

from backend.readmodel.pages import Words
from backend.readmodel.statements import statement

__all__ = ["Words", "read_words"]


def read_words(conn: Connection) -> Words:
    """Read the words by hopping from one to the next in an index: a few milliseconds, however many jobs there are."""
    found: dict[str, list[str]] = {"account": [], "node": [], "partition": []}
    for kind, word in conn.execute(statement("words")):
        found[kind].append(word)
    return Words(*(tuple(sorted(set(found[kind]))) for kind in ("account", "node", "partition")))
