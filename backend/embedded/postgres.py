"""The embedded PostgreSQL: made, started, recovered and stopped by its own programs."""

from __future__ import annotations

import os
import re
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from jobwarden.backend.embedded import home_lock, logins, processes
from jobwarden.backend.embedded.binaries import PostgresBinaries, postgres_for
from jobwarden.backend.embedded.home import LONGEST_SOCKET, Home, explained
from jobwarden.backend.embedded.processes import command_prefix
from jobwarden.backend.errors import Refused, Unavailable
from jobwarden.backend.files import read_trusted, trusted_users
from jobwarden.backend.process.identity import parse_pid

NAMES = ("postgres",)
SPACE_FOR_NEW_MB = 100
START_SECONDS = 60
ORPHANS_MAY_FINISH_SECONDS = 5.0
ORPHANS_MUST_GO_SECONDS = 30.0
STOP_SIGNALS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0))
"""Fast shutdown (clients are told), then the immediate one (the write-ahead log repairs it)."""

CONFIGURATION = """\
# Written at every start; put settings of your own into postgresql.conf after the include.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = {socket_mode}
max_connections = 200
shared_buffers = 128MB
jit = off
client_connection_check_interval = '1s'
autovacuum_naptime = '15s'
max_wal_size = '512MB'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
logging_collector = on
log_directory = '{log}'
log_filename = 'postgres-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] '
"""


def socket_path(home: Home) -> Path:
    """The socket that the server listens on."""
    return home.sockets / LONGEST_SOCKET


def ready(home: Home) -> bool:
    """Whether the server accepts connections now; costs two system calls and starts nothing."""
    return _listening(home) and _reports_ready(home)


def running_pid(home: Home) -> int | None:
    """The postmaster of this home if it lives; a reused or zombie process id does not count."""
    pid = _recorded_pid(home)
    return pid if pid in processes.working_in(home.postgres, NAMES) else None


def start(home: Home) -> None:
    """Bring the server up, whatever state its last life left behind. Call it under the lock of the home.

    Raises Refused or Unavailable with the server's own reason.
    """
    # It may be on its way up, or on its way down: one that shuts down never reports that it is ready.
    processes.wait_until(lambda: not _listening(home) or _reports_ready(home), START_SECONDS)
    if _listening(home):
        if _reports_ready(home):
            logins.set_up(home)  # whoever started it may have ended before he came to that
            return
        raise Unavailable(f"PostgreSQL of {home.path} has been starting for {START_SECONDS} s: see {home.log}")
    _end_unreachable(home)
    _wait_for_orphans(home)
    with explained(home):
        binaries = postgres_for(home.postgres)
        if not home.postgres.exists():
            _initialise(home, binaries)
        _configure(home)
        _forget_locks(home)
        _launch(home, binaries)
    logins.set_up(home)


def stop(home: Home) -> bool:
    """Shut the server down to its last process; False when it did not run.

    Raises Refused or Unavailable when something of it will not end.
    """
    pid = running_pid(home)
    if pid is not None and not processes.end(pid, STOP_SIGNALS, lambda pid: pid == running_pid(home)):
        raise Refused(f"PostgreSQL (process {pid}) did not stop: see {home.log}")
    _wait_for_orphans(home)
    return pid is not None


def _initialise(home: Home, binaries: PostgresBinaries) -> None:
    """Make the data directory under another name, so that an interrupted initdb leaves no half of one."""
    free_mb = shutil.disk_usage(home.path).free >> 20
    if free_mb < SPACE_FOR_NEW_MB:
        raise Refused(f"{home.path} has {free_mb} MB of disk left and a new database needs {SPACE_FOR_NEW_MB}")
    fresh = home.path / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    collation = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
    command = [
        binaries.program("initdb"), "-D", str(fresh), "-U", logins.SUPERUSER, "--auth=trust", "--encoding=UTF8",
        "--locale=C", *collation,
    ]  # fmt: skip
    done = processes.run([*command_prefix(fresh, real_user=home.shared), *command], cwd=home.path)
    if done.code != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise _failure(home, done.output)
    with (fresh / "postgresql.conf").open("a") as file:
        file.write("\ninclude 'jobwarden.conf'\n")
    fresh.rename(home.postgres)


def _configure(home: Home) -> None:
    text = CONFIGURATION.format(
        sockets=_quoted(f'"{home.sockets}"'), log=_quoted(str(home.log)), socket_mode="0777" if home.shared else "0700"
    )
    file = home.postgres / "jobwarden.conf"
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
    logins.write_access(home)


def _launch(home: Home, binaries: PostgresBinaries) -> None:
    """Start through pg_ctl, which detaches the server and leaves no child to us.

    PGDATA instead of -D: pg_ctl would put the path into a shell command.
    """
    command = [binaries.program("pg_ctl"), "start", "-w", "-s", "-t", str(START_SECONDS)]
    prefix = command_prefix(home.postgres, real_user=home.shared)
    with home_lock.holding(home) as lock:
        env = {"PGDATA": str(home.postgres)}
        done = processes.run([*prefix, *command], cwd=home.postgres, env=env, keep=[lock])
    if done.code != 0:
        raise _failure(home, done.output)


def _end_unreachable(home: Home) -> None:
    """End a server that lives but lost its socket (a cleaned /tmp, a moved home): nobody can connect to it."""
    pid = running_pid(home)
    if pid is not None and not processes.end(pid, STOP_SIGNALS, lambda pid: pid == running_pid(home)):
        raise Unavailable(f"PostgreSQL (process {pid}) of {home.path} lost its socket and does not stop: kill {pid}")


def _wait_for_orphans(home: Home) -> None:
    """Wait for processes that a killed server left behind: two generations on one data directory would ruin it."""

    def gone() -> bool:
        return not processes.working_in(home.postgres, NAMES)

    if processes.wait_until(gone, ORPHANS_MAY_FINISH_SECONDS):
        return
    for pid in processes.working_in(home.postgres, NAMES):
        processes.end(pid, [(signal.SIGTERM, 0.0)], lambda pid: pid in processes.working_in(home.postgres, NAMES))
    if not processes.wait_until(gone, ORPHANS_MUST_GO_SECONDS):
        left = ", ".join(str(pid) for pid in processes.working_in(home.postgres, NAMES))
        raise Unavailable(f"processes of the former PostgreSQL of {home.path} still run: end {left} and try again")


def _forget_locks(home: Home) -> None:
    """Remove lock files whose owner is proven gone.

    PostgreSQL itself takes a zombie, or a stranger with the same process id, for a running server. That nothing
    works on the data any more was checked under our own lock just before.
    """
    (home.postgres / "postmaster.pid").unlink(missing_ok=True)
    socket = socket_path(home)
    socket.unlink(missing_ok=True)
    socket.with_name(f"{socket.name}.lock").unlink(missing_ok=True)


def _listening(home: Home) -> bool:
    """Whether it is ours that accepts connections; raises Refused when somebody else does."""
    return processes.listening(socket_path(home), _owners(home))


def _owners(home: Home) -> frozenset[int]:
    """Who the server may run as, and write its files: we, or the user to whom `unprivileged` handed the data over."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return trusted_users() | {home.postgres.lstat().st_uid}
    return trusted_users()


def _recorded_pid(home: Home) -> int | None:
    try:
        return parse_pid("".join(_lock_lines(home)[:1]).strip())
    except ValueError:
        return None


def _reports_ready(home: Home) -> bool:
    """The eighth line of postmaster.pid, which pg_ctl reads too (miscadmin.h, PM_STATUS_READY)."""
    lines = _lock_lines(home)
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _lock_lines(home: Home) -> list[str]:
    try:
        content = read_trusted(home.postgres / "postmaster.pid", owners=_owners(home))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return content.decode(errors="replace").splitlines()


def _failure(home: Home, output: str) -> Unavailable:
    """The first reason in what the server printed, else in its newest log."""
    reason = _reason(output) or _reason(_newest_log(home)) or "no reason given"
    return Unavailable(f"PostgreSQL of {home.path} did not start: {reason}; its log is in {home.log}")


def _reason(text: str) -> str | None:
    """The line that says why: that of the fatal error, or the one before it that names the wrong setting."""
    match = re.search(r"(?:FATAL|PANIC|error|ERROR):\s+(.+)", text)
    if match and match[1].endswith("contains errors"):
        match = re.search(r"LOG:\s+(.+)", text) or match
    return match[1].strip() if match else None


def _newest_log(home: Home) -> str:
    logs = sorted(home.log.glob("postgres-*.log"), key=os.path.getmtime)
    return logs[-1].read_text(errors="replace")[-4096:] if logs else ""


def _quoted(text: str) -> str:
    """For between single quotes in postgresql.conf."""
    return text.replace("\\", "\\\\").replace("'", "''")
