"""What the database kept of removals by a worker's login: into an archive of the owner's own, and only then gone.

A worker's login may call the functions that delete what an archive has, and it alone says that there is an archive;
so the database keeps what they delete until whoever owns the tables has it in a file.
"""

from dataclasses import replace

from backend.actions.records import Context
from backend.errors import Refused
from backend.housekeeping import sql
from backend.housekeeping.archive import FETCHED_TOGETHER, Batch, new_name, register
from backend.housekeeping.archive_file import ArchiveFile, Written, verify
from backend.housekeeping.records import StepReport

LINES_PER_FILE = 20_000


def archive_kept(ctx: Context, report: StepReport, dry_run: bool) -> StepReport:
    """``report``, with the files written here; or with how much waits for the owner, when this login is not he.

    Raises Refused when a file cannot be written or read back: then nothing is dropped.
    """
    with ctx.engine.connect() as conn:
        waiting, owner = int(conn.scalar(sql.COUNT_KEPT) or 0), bool(conn.scalar(sql.OWNS))
    if not waiting:
        return report
    if dry_run or not owner:
        note = f"{waiting} archived lines stay in the database until the owner of its tables runs `jobwarden cleanup`"
        return replace(report, left=(*report.left, note))
    while True:
        ids, batch, written = _export(ctx)
        if written is None:
            return report
        archive_id = register(ctx, batch, written)
        with ctx.engine.begin() as conn:
            conn.execute(sql.DROP_KEPT, {"archive": archive_id, "ids": ids})
        report = replace(report, bytes=report.bytes + written.bytes, files=(*report.files, str(written.path)))


def _export(ctx: Context) -> tuple[list[int], Batch, Written | None]:
    """Write one file and read it back: the lines it holds, as they are numbered here and as an archive tells them."""
    ids, batch = list[int](), Batch()
    file: ArchiveFile | None = None
    directory = ctx.settings.archives
    try:
        with ctx.engine.connect().execution_options(stream_results=True, max_row_buffer=FETCHED_TOGETHER) as conn:
            for row in conn.execute(sql.EXPORT_KEPT, {"limit": LINES_PER_FILE}):
                file = file or ArchiveFile(directory, new_name())
                file.write(row.line)
                ids.append(row.id)
                batch.job_events += row.events
                batch.jobs += [{"id": row.job_id}] if row.job_id is not None else []
        if file is None:
            return ids, batch, None
        written = file.finish()
    except OSError as exc:
        if file is not None:
            file.abandon()
        raise Refused(f"the archive in {directory} cannot be written ({exc.strerror}): nothing was dropped") from exc
    except BaseException:
        if file is not None:
            file.abandon()
        raise
    verify(written, set(batch.job_ids))
    return ids, batch, written
