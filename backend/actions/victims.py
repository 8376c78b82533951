"""Who would be hit: the script's own processes rather than the supervisor that watches them."""

from functools import cached_property

from backend.actions.records import Victim
from backend.anomalies.attempts import Attempt
from backend.process.procfs import Snapshot, scan
from backend.readmodel.processes import ProcessReader, ProcessTree

NAMED = 20
"""Processes of one job that are named."""


class Witness:
    """Names the victims of one plan; /proc is read at most once for all of them."""

    def __init__(self) -> None:
        self._reader = ProcessReader()

    @cached_property
    def _snapshot(self) -> Snapshot:
        return scan()

    def victim(
        self, job_id: int, name: str, node: str | None, attempt: Attempt | None, happens: str, outcome: str = ""
    ) -> Victim:
        """The job with its processes, so far as they can be seen from here."""
        tree = self._tree(attempt)
        main = next(iter([*tree.own, *tree.rows]), None)
        pid = main.pid if main else attempt.process_id if attempt and not attempt.released else None
        cmdline = main.cmdline if main else ""
        return Victim(job_id, name, node, pid, cmdline, happens, outcome, tree.own, tree.more)

    def _tree(self, attempt: Attempt | None) -> ProcessTree:
        if attempt is None or not attempt.started or not attempt.here:
            return ProcessTree()
        return self._reader.of_attempt(attempt, self._snapshot, NAMED + 1)
