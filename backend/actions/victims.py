"""Who would be hit: the supervisor of the job, as lists and evidence name it, and the script it watches."""

from functools import cached_property

from backend.actions.records import Victim
from backend.anomalies.attempts import Attempt
from backend.domain.pids import name_processes
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
        script = next(iter(tree.own), None)
        supervisor = next((row.pid for row in tree.rows if row.supervisor), None)
        if not tree.rows and attempt and not attempt.released:  # cannot be seen from here
            supervisor = attempt.process_id
        named = [pid for pid in (supervisor, script.pid if script else None) if pid is not None]
        return Victim(
            job_id,
            name,
            node,
            next(iter(named), None),
            script.cmdline if script else next((row.cmdline for row in tree.rows), ""),
            happens,
            outcome,
            tree.own,
            tree.more,
            name_processes(named, supervisor),
        )

    def _tree(self, attempt: Attempt | None) -> ProcessTree:
        if attempt is None or not attempt.started or not attempt.here:
            return ProcessTree()
        return self._reader.of_attempt(attempt, self._snapshot, NAMED + 1)
