"""The words that stand in the jobs now, to be offered while somebody types a filter."""

from dataclasses import dataclass

from sqlalchemy import Connection

from backend.readmodel.statements import statement


@dataclass(frozen=True, slots=True)
class Words:
    """Accounts, nodes and partitions, each sorted; the first few hundred of each."""

    accounts: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()


def read_words(conn: Connection) -> Words:
    """Read the words by hopping from one to the next in an index: a few milliseconds, however many jobs there are."""
    found: dict[str, list[str]] = {"account": [], "node": [], "partition": []}
    for kind, word in conn.execute(statement("words")):
        found[kind].append(word)
    return Words(*(tuple(sorted(set(found[kind]))) for kind in ("account", "node", "partition")))
