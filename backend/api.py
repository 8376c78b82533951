"""Jobs from Python, on the installation that the settings name.

Every call raises an error of :mod:`jobwarden.backend.errors`, none of a database. To cancel or to release may be
repeated; to submit may not: after an Unavailable the job may be there or not, and once more may be a second job.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jobwarden.backend.actions import admission
from jobwarden.backend.actions.results import Context, ItemResult, current_actor
from jobwarden.backend.actions.run import perform
from jobwarden.backend.actions.targets import ActionRequest, Scope, no_such_job
from jobwarden.backend.config.settings import load_settings
from jobwarden.backend.domain.directives import parse_directives
from jobwarden.backend.domain.options import UNLIMITED, Options
from jobwarden.backend.domain.script import check_script
from jobwarden.backend.errors import Refused
from jobwarden.backend.queries.jobs import existing_jobs
from jobwarden.backend.services.session import open_session


def submit_job(
    script: str,
    *,
    arguments: Sequence[str] = (),
    name: str | None = None,
    account: str | None = None,
    partition: str | None = None,
    cpus: int | None = None,
    memory_mb: int | None = None,
    gpus: int | None = None,
    time_limit: int | None = None,
    priority: int | None = None,
    work_dir: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    held: bool | None = None,
    unlimited: bool = False,
) -> int:
    """Submit the text of a script; the new job's id.

    What is not said comes from ``#JOBWARDEN`` lines of the script, then from the settings. ``memory_mb`` is MiB,
    ``time_limit`` seconds, and ``unlimited`` overrides every limit. Raises InputError for what could never run,
    Refused when there is no installation to submit to or it may not be done, Unavailable when it cannot be reached.
    """
    said = Options(
        name=name,
        account=account,
        partition=partition,
        cpus=cpus,
        memory_mb=memory_mb,
        gpus=gpus,
        time_limit=UNLIMITED if unlimited else time_limit,
        priority=priority,
        work_dir=None if work_dir is None else str(work_dir),
        environment=environment,
        held=held,
    )
    text = check_script(script.encode("utf-8", "surrogatepass"))
    with open_session(program="api") as session:
        request = admission.request_of(session.settings, text, arguments, said.over(parse_directives(text)))
        with session.engine.begin() as conn:
            return admission.submit(conn, [request], current_actor()).ids[0]


def submit_jobs(requests: Iterable[Mapping[str, object]]) -> list[int]:
    """Submit many jobs at once, all of them or none; their ids, in the order given.

    Each is a mapping in the words of `jobwarden submit`: ``script`` (a path) or ``text``, ``arguments``, ``name``,
    ``account``, ``partition``, ``cpus``, ``memory``, ``gpus``, ``time``, ``priority``, ``work_dir``, ``env``, ``hold``.
    Raises as submit_job does; an InputError names the request by its place, from 1.
    """
    settings = load_settings()
    named = ((f"request {place}", request) for place, request in enumerate(requests, 1))
    found = admission.requests_of(named, settings)
    with open_session(settings, program="api") as session:
        with session.engine.begin() as conn:
            return admission.submit(conn, found, current_actor()).ids


def cancel_job(job_id: int, reason: str | None = None) -> bool:
    """Cancel a job and wait for its end; whether this call ended it. Raises InputError for an unknown id."""
    return _perform("cancel", job_id, reason).changed


def release_resources(job_id: int, reason: str | None = None) -> bool:
    """Release what a finished job still holds; whether this call did. Raises Refused while the job may be alive."""
    return _perform("release", job_id, reason).changed


def _perform(action: str, job_id: int, reason: str | None) -> ItemResult:
    with open_session(program="api") as session:
        with session.engine.connect() as conn:
            if not existing_jobs(conn, [job_id]):
                raise no_such_job(conn, session.settings, job_id)
        context = Context(session.engine, session.settings, current_actor())
        [result] = perform(context, ActionRequest(action, Scope((job_id,)), reason))
    if not result.ok:
        raise Refused(f"job {job_id} {result.message}")
    return result
