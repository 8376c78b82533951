"""Jobs from Python, on the installation that the settings name.

Every call raises an error of :mod:`backend.errors`, none of a database. To cancel or to release may be repeated; to
submit may not: after an Unavailable the job may be there or not, and once more may be a second job.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from backend.actions import admission
from backend.actions.actor import current_actor, user_name
from backend.actions.perform import Context, ItemResult, perform
from backend.anomalies.missing import no_such_job
from backend.database.engine import make_engine
from backend.database.explain import explain
from backend.database.version import check_schema
from backend.domain.directives import parse_directives
from backend.domain.options import UNLIMITED, Options, build_request
from backend.domain.script import check_script
from backend.embedded.servers import attach
from backend.errors import Refused
from backend.readmodel.export import existing_jobs
from backend.settings import Settings, load_settings


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
    text = check_script(script.encode("utf-8", "surrogateescape"))
    with _installation() as (settings, engine):
        request = build_request(
            text,
            arguments,
            said.over(parse_directives(text)),
            account=user_name(),
            memory_mb=settings.default_memory_mb,
            time_limit=settings.default_time_limit,
        )
        with engine.begin() as conn:
            return admission.submit(conn, [request], current_actor()).ids[0]


def cancel_job(job_id: int, reason: str | None = None) -> bool:
    """Cancel a job and wait for its end; whether this call ended it. Raises InputError for an unknown id."""
    return _perform("cancel", job_id, reason).changed


def release_resources(job_id: int, reason: str | None = None) -> bool:
    """Release what a finished job still holds; whether this call did. Raises Refused while the job may be alive."""
    return _perform("release", job_id, reason).changed


def _perform(action: str, job_id: int, reason: str | None) -> ItemResult:
    with _installation() as (settings, engine):
        with engine.connect() as conn:
            if not existing_jobs(conn, [job_id]):
                raise no_such_job(conn, settings, job_id)
        result = perform(Context(engine, settings, current_actor()), action, [job_id], reason)[0]
    if not result.ok:
        raise Refused(f"job {job_id} {result.message}")
    return result


@contextmanager
def _installation() -> Iterator[tuple[Settings, Engine]]:
    settings = load_settings()
    engine = make_engine(attach(settings).database_url, application_name="jobwarden api", pool_size=2)
    try:
        check_schema(engine)
        yield settings, engine
    except DBAPIError as exc:
        lacking = f"this login may not do that: {str(exc.orig).partition(chr(10))[0]}"
        error = explain(exc, engine, embedded=settings.database_url is None, lacking=lacking)
        if error is None:
            raise
        raise error from exc
    finally:
        engine.dispose()
