"""The processes of a job and what is known of them, as records: no database and no process is looked at here."""

from dataclasses import dataclass

from jobwarden.backend.domain.states import AnomalyKind
from jobwarden.backend.queries.models.jobs import WorkerRow


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process. ``depth`` counts from the topmost process of the job; ``state`` is the letter of proc(5).

    ``cpu_percent`` is of one CPU since the last look, at the first look since the process began. ``memory_mb`` is
    what is resident, in MiB. What this user may not see is None or "".
    """

    pid: int
    ppid: int
    depth: int
    state: str
    age_seconds: float
    cmdline: str
    user: str = ""
    cpu_percent: float | None = None
    memory_mb: float | None = None
    supervisor: bool = False


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """The processes of one attempt, parents before their children, siblings by age.

    ``suspects`` may be the job's without proof, and nobody signals them. ``unseen`` says why none can be seen from
    here; it is "" when there simply are none. ``more`` processes were not read, as they are too many.
    """

    rows: tuple[ProcessRow, ...] = ()
    suspects: tuple[ProcessRow, ...] = ()
    unseen: str = ""
    more: int = 0

    @property
    def own(self) -> tuple[ProcessRow, ...]:
        """The script's own processes, without the supervisor that only watches them."""
        return tuple(row for row in self.rows if not row.supervisor)


NEVER = ProcessTree(unseen="it was never started")


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """What this host shows of the latest attempt of a job. ``kind`` is None when nothing is wrong.

    ``record`` is the exit status in the spool in words, empty when there is none; ``would`` what clean-up would do.
    """

    job_id: int
    kind: AnomalyKind | None = None
    detail: str = ""
    would: str = ""
    worker: WorkerRow | None = None
    worker_id: int | None = None
    node_name: str = ""
    hostname: str = ""
    here: bool = True
    process_id: int | None = None
    command: str = ""
    record: str = ""
    spool_dir: str = ""
    tree: ProcessTree = NEVER
