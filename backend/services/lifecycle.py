"""How an installation comes up: the worker in the background, jobs without a worker, and what a logout would end."""

import os
import pwd
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, Engine, text
from jobwarden.backend.database.engine import SCHEMA_VERSION, check_schema, current_version
from jobwarden.backend.database.roles import grant_roles
from jobwarden.backend.database.upgrade import upgrade
from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.domain.units import counted
from jobwarden.backend.embedded import logins, ownership, postgres
from jobwarden.backend.embedded.home import (
    Home,
    explained,
    is_guest,
    locate,
    prepare,
    share,
    sole,
    trusted_home,
    unshare,
)
from jobwarden.backend.embedded.servers import Urls, ensure, setup_url
from jobwarden.backend.errors import InputError, Refused
from jobwarden.backend.files import open_trusted, owner_name
from jobwarden.backend.process.identity import ran_here
from jobwarden.backend.queries.models.jobs import WorkerRow
from jobwarden.backend.queries.workers import read_workers
from jobwarden.backend.services.session import make_room, open_engine

# Nodes of this machine that jobs run on while no worker cares for them: what ``up`` and ``down`` tell of.

_RUNNING = text("""
    SELECT node_name, count(*) FROM jobs WHERE state = 'RUNNING' AND node_name IS NOT NULL GROUP BY 1 ORDER BY 1
""")


def abandoned_nodes(conn: Connection) -> dict[str, int]:
    """How many jobs run on each node of this machine that has no live worker."""
    ours = _without_worker(read_workers(conn))
    return {name: jobs for name, jobs in conn.execute(_RUNNING) if name in ours}


def told(abandoned: dict[str, int], own_node: str) -> list[str]:
    """A line for each, with what takes its jobs over again."""
    lines = []
    for name, jobs in abandoned.items():
        how = "the next `jobwarden up`" if name == own_node else f"`jobwarden worker --node {name}`"
        keep = "keeps" if jobs == 1 else "keep"
        lines.append(f"{counted(jobs, 'job')} of node {name} {keep} running: {how} takes over")
    return lines


def _without_worker(workers: Iterable[WorkerRow]) -> set[str]:
    served: set[str] = set()
    seen: set[str] = set()
    for worker in workers:
        if worker.state is not WorkerState.DEAD:
            served.add(worker.node_name)
        if ran_here(machine_id=worker.machine_id, boot_id=worker.boot_id, hostname=worker.hostname):
            seen.add(worker.node_name)
    return seen - served


START_SECONDS = 30.0
"""How long a worker may take to be ONLINE."""
END_SECONDS = 20.0
"""How long one that is not wanted after all may take to end before it is killed."""
_POLL_SECONDS = 0.05


def bring_up(settings: Settings, *, shared: bool | None = None, take_over: bool = False) -> list[str]:
    """Servers, schema, worker, each only when it is not there; lines that say what runs now, and what does not.

    ``shared`` opens the home to every local user, or closes it; None leaves it as it is. ``take_over`` forgets a host
    that ran it and is gone for good.
    """
    home = trusted_home(settings)
    if is_guest(home):
        raise Refused(f"{home.path} is another user's: he brings it up, and you can use it when he shares it")
    make_room(settings)
    prepare(home)
    with sole(home) as lock:
        taken = ownership.take_over(home) if take_over else None
        if shared is not None:
            set_shared(settings, home, shared)
        urls = ensure(settings)
        with open_engine(urls.database_url, settings) as engine:
            _prepare_schema(settings, urls, engine)
            admitted = admit(settings)
            worker = live_worker(engine, settings) or start_worker(engine, settings, lock)
            with engine.connect() as conn:
                others = told(abandoned_nodes(conn), settings.node_name)
    runs = f"node {worker.node_name}: worker {worker.id} {worker.state} (pid {worker.pid}), home {settings.home}"
    return [*filter(None, [taken]), runs, *admitted, *others]


def _prepare_schema(settings: Settings, urls: Urls, engine: Engine) -> None:
    """Upgrade a database that is ours alone, or empty; for any other the administrator decides."""
    with engine.connect() as conn:
        found = current_version(conn)
    if found is None or (settings.database_url is None and found < SCHEMA_VERSION):
        upgrade(urls.database_url)
    check_schema(engine)


def live_worker(engine: Engine, settings: Settings) -> WorkerRow | None:
    """The worker that serves the node of ``settings`` now."""
    with engine.connect() as conn:
        workers = read_workers(conn)
    alive = (w for w in workers if w.node_name == settings.node_name and w.state is not WorkerState.DEAD)
    return next(alive, None)


def start_worker(
    engine: Engine,
    settings: Settings,
    lock: int,
    log_name: str = "worker.log",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> WorkerRow:
    """Start a worker for the node of ``settings`` in the background and wait until it is ONLINE.

    ``lock`` is that of the home (`sole`): the worker shares it until it is registered, so it is never overlooked.
    ``variables`` are added to its environment. Raises Refused with the last line of its log when it does not start;
    then nothing of it is left.
    """
    home = locate(settings)
    log = home.log / log_name
    with explained(home), os.fdopen(open_trusted(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "jobwarden",
                "worker",
                "--node",
                settings.node_name,
                "--lock",
                str(lock),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
            pass_fds=[lock],
            env={**os.environ, "JOBWARDEN_HOME": str(settings.home), **variables},
        )
    worker = None
    try:
        worker = _await_worker(engine, settings, process, log)
        return worker
    finally:
        if worker is None or worker.pid != process.pid:
            _end(process)


def _await_worker(engine: Engine, settings: Settings, process: subprocess.Popen[bytes], log: Path) -> WorkerRow:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        # Asked before looking: when another worker was faster, ours ends and that one is found.
        ended = process.poll() is not None
        worker = live_worker(engine, settings)
        if worker is not None:
            return worker
        if ended:
            raise Refused(f"the worker stopped at once: {last_line(log)} (log: {log})")
        time.sleep(_POLL_SECONDS)
    raise Refused(f"the worker is not online after {START_SECONDS:.0f} s: {last_line(log)} (log: {log})")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a worker that did not become one."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_line(log: Path) -> str:
    """The last line of a log that is not empty."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "it wrote nothing"


# Whether logging out would end what `jobwarden up` starts: systemd-logind ends what a session leaves behind, where it
# is told to, and the user's manager with the last session of who does not linger.

CGROUP = Path("/proc/self/cgroup")
LINGER = Path("/var/lib/systemd/linger")
ASK_SECONDS = 5.0
_SESSION = re.compile(r"/session-[^/]+\.scope(/|$)", re.MULTILINE)

ENDS = "servers, worker and jobs may be killed when you log out"


def danger(cgroup: Path = CGROUP, linger: Path = LINGER) -> str | None:
    """One line that says so and what to do; None without danger, or when it cannot be known.

    What is started here stays in the control group that this process is in.
    """
    uid = os.geteuid()
    try:
        inside, name = cgroup.read_text(), pwd.getpwuid(uid).pw_name
    except (OSError, KeyError):
        return None
    if uid == 0:
        return None  # logind leaves root's processes alone, unless told otherwise
    lingers = (linger / name).exists()
    if f"/user@{uid}.service" in inside:
        return None if lingers else f"{ENDS}: prevent it by `loginctl enable-linger`"
    if not _SESSION.search(inside) or not _session_is_cleared():
        return None
    first = "" if lingers else "`loginctl enable-linger`, then "
    again = "`jobwarden down` and `systemd-run --user --scope jobwarden up --no-tui`"
    return f"{ENDS} (logind has KillUserProcesses=yes): prevent it by {first}{again}"


def _session_is_cleared() -> bool:
    """Whether logind kills what is left of a session; it is asked, as its configuration has many files."""
    program = shutil.which("loginctl")
    if program is None:
        return False
    words = [program, "show-session", "--property=KillUserProcesses", "--value"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False  # nobody answers: it cannot be known
    return done.returncode == 0 and done.stdout.strip() == "yes"


# A home that every local user may submit to: opened and closed with ``jobwarden up``.

_OWNER_IS_HIMSELF = text("INSERT INTO unix_users (login, unix_user) VALUES (:login, :user) ON CONFLICT DO NOTHING")
"""The owner of a home logs in by another name than his own, which could be somebody else's."""


def set_shared(settings: Settings, home: Home, wanted: bool) -> None:
    """Open the home to every local user, or close it again; nothing when it is so already.

    Raises Refused while its database runs the other way, for a home that nobody else can reach, and for an owner other
    than root: whoever submitted to it would run what he likes as that user.
    """
    if wanted == home.shared:
        return
    if settings.database_url is not None:
        raise InputError("--shared is about the embedded database, and DATABASE_URL names another")
    if wanted and os.geteuid() != 0:
        raise Refused("only root can share a home: the jobs of others would run with the rights of its owner")
    if postgres.running_pid(home) is not None:
        raise Refused(f"{home.path} is running {'un' if wanted else ''}shared: `jobwarden down` first")
    prepare(home)
    prepare(share(home) if wanted else unshare(home))


def admit(settings: Settings) -> list[str]:
    """The group roles, and a login for every local user of a shared home; a line for those that are new."""
    home = trusted_home(settings)
    if settings.database_url is not None or not home.shared:
        return []
    with open_engine(setup_url(settings), settings, program="setup") as engine:
        grant_roles(engine)
        with engine.begin() as conn:
            conn.execute(_OWNER_IS_HIMSELF, {"login": logins.ROLE, "user": owner_name(home.path.stat().st_uid)})
    new = logins.add_local_users(home)
    return [f"logins for {len(new)} local users: {', '.join(new[:10])}{' …' if len(new) > 10 else ''}"] if new else []


def add_login(settings: Settings, name: str) -> str:
    """Give one local user a login; the line that says so. Raises InputError and Refused."""
    home = trusted_home(settings)
    if is_guest(home) or not home.shared or settings.database_url is not None:
        raise Refused("logins of local users are made in a shared home, by its owner: see `jobwarden up --shared`")
    try:
        pwd.getpwnam(name)
    except (KeyError, ValueError):
        raise InputError(f"this host has no user {name!a}") from None
    return f"{name} may submit now" if logins.add_user(home, name) else f"{name} has a login already: nothing to do"
