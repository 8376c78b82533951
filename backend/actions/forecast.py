"""What clean-up does to an anomaly, in the very words of the result: a dry run and the deed share them."""

from backend.actions.records import ItemResult, done, nothing, refused
from backend.anomalies.attempts import Attempt
from backend.anomalies.detect import Anomaly, explain
from backend.domain.states import AnomalyKind, JobState
from backend.process.outcome import EndCause, Verdict, judge
from backend.process.record import Record, doubt

NEVER_STARTED = "never started: back to PENDING"
RELEASED = "released"
ASKED_BEFORE = "its worker was asked before to end it"

_HOW = {AnomalyKind.ORPHAN: "TERM, grace, KILL, then ", AnomalyKind.STRAY: "TERM, grace, KILL: "}


def forecast(anomaly: Anomaly) -> ItemResult:
    """The result that clean-up has when nothing changes in between; looks, and writes nothing."""
    attempt = anomaly.attempt
    match anomaly.kind:
        case AnomalyKind.ORPHAN | AnomalyKind.LOST | AnomalyKind.UNRECORDED:
            return done(attempt.job_id, _forecast_end(anomaly))
        case AnomalyKind.STRAY:
            return done(attempt.job_id, stray_ended(released=not attempt.released))
        case AnomalyKind.LEAKED:
            return done(attempt.job_id, RELEASED)
        case AnomalyKind.OVERDUE:
            asked = attempt.asked_ago > 0
            return nothing(attempt.job_id, ASKED_BEFORE) if asked else done(attempt.job_id, asked_now(attempt))
        case AnomalyKind.STUCK:
            news = attempt.stuck is None and not (attempt.released and attempt.node_drained)
            return stuck(attempt, explain(anomaly), changed=news)
        case AnomalyKind.UNREACHABLE:
            return refused(attempt.job_id, unreachable(attempt))


def would(anomaly: Anomaly) -> str:
    """What clean-up would do, with the way there: ``TERM, grace, KILL, then FAILED (OPERATOR), released``."""
    return f"{_HOW.get(anomaly.kind, '')}{forecast(anomaly).message}"


def _forecast_end(anomaly: Anomaly) -> str:
    if not anomaly.attempt.started:
        return NEVER_STARTED
    record = anomaly.evidence.record
    cause = orphan_cause(anomaly.attempt) if anomaly.kind is AnomalyKind.ORPHAN and record is None else None
    return recorded(verdict(anomaly.attempt, record, cause))


def orphan_cause(attempt: Attempt) -> EndCause:
    """Why clean-up ends an orphan: a time limit that nobody watched over counts as reached."""
    return EndCause.TIMEOUT if attempt.over_limit > 0 else EndCause.KILLED


def verdict(attempt: Attempt, record: Record | None, cause: EndCause | None) -> Verdict:
    """How an attempt ended whose processes are gone."""
    group = attempt.group
    return judge(
        record,
        cause=cause,
        out_of_memory=group is not None and group.out_of_memory(),
        rebooted=attempt.rebooted,
        script=f"{attempt.spool_dir}/job_{attempt.job_id}.sh" if attempt.spool_dir else "",
        work_dir=attempt.work_dir,
        doubt=doubt(attempt.spool_dir, attempt.record_key) if attempt.spool_dir and record is None else "",
    )


def recorded(ended: Verdict) -> str:
    """``FAILED (OPERATOR), released``."""
    if ended.state is JobState.PENDING:
        return NEVER_STARTED
    return f"{ended.state}{f' ({ended.reason})' if ended.reason else ''}, {RELEASED}"


def stray_ended(*, released: bool) -> str:
    """The words for processes that outlived their job and were ended."""
    return f"ended what outlived it{f', {RELEASED}' if released else ''}"


def asked_now(attempt: Attempt) -> str:
    """The words for a command left to a live worker."""
    return f"asked the worker of {attempt.node_name} to end it"


def stuck(attempt: Attempt, why: str, *, changed: bool) -> ItemResult:
    """The result for processes that cannot be ended; what changes is that the node is drained."""
    drained = changed or attempt.node_drained
    node = f", node {attempt.node_name} {'is drained' if drained else 'takes jobs all the same'}"
    return ItemResult(attempt.job_id, False, changed, f"cannot be ended{node}: {why}")


def unreachable(attempt: Attempt) -> str:
    """Why nothing is done from here, and what can be."""
    return (
        f"its processes can only be seen on host {attempt.hostname}: start its worker there, or, when that host is"
        " gone for good, use mark-failed --force and release --force"
    )
