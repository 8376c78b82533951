"""Jobs run as whoever submitted them, and as nobody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.database.roles import grant_roles
from jobwarden.backend.embedded import logins
from jobwarden.backend.embedded.home import trusted_home
from jobwarden.backend.errors import LaunchError
from jobwarden.backend.process.user import find_user, locked
from tests.support.accounts import Account, new_account
from tests.support.cli import Cli
from tests.support.ordinary import SITE_PACKAGES
from tests.support.processes import reap, wait_until, working_below
from tests.worker.farm import FAST, PATIENCE, Farm, alive
from tests.worker.installation import Installation, brought_up

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="only root starts jobs as others")]


@pytest.fixture
def accounts() -> Iterator[Callable[[], Account]]:
    """Makes accounts that go with the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(new_account())


@dataclass
class Site:
    """A worker that is root, in a home that all may pass, and logins of its database."""

    farm: Farm
    engine: Engine
    stack: ExitStack

    def login(self, name: str, role: str = "submitter") -> Cli:
        """The command under a database login of this name."""
        with self.engine.begin() as conn:
            conn.execute(text(f'CREATE ROLE "{name}" LOGIN IN ROLE jobwarden_{role}'))
        self.stack.callback(self._forget, name)
        url = make_url(self.engine.url).set(username=name).render_as_string(hide_password=False)
        return Cli({**self.farm.cli.env, "DATABASE_URL": url}, self.farm.cli.cwd)

    def submit(self, cli: Cli, script: str, *options: str | Path) -> int:
        marked = ["--env", f"JWTEST_MARK={self.farm.mark}", *options]
        done = cli("submit", *marked, "-", input=f"#!/bin/sh\n{script}\n")
        assert done.code == 0, done
        return int(done.out)

    def _forget(self, name: str) -> None:
        with self.engine.begin() as conn:
            conn.execute(text(f'DROP OWNED BY "{name}"'))
            conn.execute(text(f'DROP ROLE "{name}"'))


@pytest.fixture
def site(engine: Engine, redis_url: str, mark: str, tmp_path: Path) -> Iterator[Site]:
    """See Site."""
    grant_roles(engine)
    home = Path(tempfile.mkdtemp(prefix="jw-"))
    home.chmod(0o755)
    url = engine.url
    settings = Settings(home=home, database_url=url, redis_url=redis_url, node_name="node1")
    env = {"JOBWARDEN_HOME": str(home), "DATABASE_URL": url, "REDIS_URL": redis_url, "JOBWARDEN_NODE_NAME": "node1"}
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("JOBWARDEN_", "PG", "XDG_"))}
    cli = Cli({**plain, **env, "JWTEST_MARK": mark, **FAST}, Path("/tmp"))
    farm = Farm(cli, engine, settings, mark, tmp_path)
    with ExitStack() as stack:
        yield Site(farm, engine, stack)
        farm.clean_up()
    reap(lambda: working_below(home))
    shutil.rmtree(home, ignore_errors=True)


def wait(farm: Farm, job: int) -> str:
    farm.ended(job)
    return farm.log(job).decode()


@pytest.mark.attempt("jobs run as their submitter, in a private work directory, out of reach of the records", fault=5)
def test_a_job_runs_as_its_submitter(site: Site, accounts: Callable[[], Account]) -> None:
    """A submitter's job runs with the rights of the worker, which is root."""
    alice = accounts()
    site.farm.worker()
    cli = site.login(alice.name)
    script = 'id -u; id -g; umask; pwd; echo "$HOME $USER"; ls -ld "$(dirname "$0")"; exit 4'
    job = site.submit(cli, script, "--work-dir", alice.home)
    said = wait(site.farm, job).splitlines()
    assert said[:5] == [str(alice.uid)] * 2 + ["0022", str(alice.home), f"{alice.home} {alice.name}"]
    assert said[5].startswith("drwx--x--x") and " root " in said[5]
    row = site.farm.job(job)
    assert (row.state, row.exit_code, row.submitted_by) == ("FAILED", 4, alice.name)
    log = Path(site.farm.allocation(job).spool_dir, "output.log").stat()
    assert (log.st_uid, log.st_mode & 0o777) == (alice.uid, 0o600)


@pytest.mark.attempt("a job writes to its own record, the log of another, the worker's files", fault=8)
def test_what_a_job_of_another_user_cannot_touch(site: Site, accounts: Callable[[], Account]) -> None:
    """A job replaces its record, kills its supervisor, and reads what its worker and other jobs have."""
    alice, bob = accounts(), accounts()
    worker = site.farm.worker()
    secret = site.submit(site.login(bob.name), "echo secret; sleep 600")
    wait_until(lambda: b"secret" in site.farm.log(secret), PATIENCE)
    other = site.farm.allocation(secret)
    toml = site.farm.settings.home / "jobwarden.toml"
    toml.write_text('log_level = "INFO"\n')
    toml.chmod(0o600)
    attacks = [
        'echo forged > "$(dirname "$0")/exit_status"',
        'rm -f "$(dirname "$0")/exit_status"',
        'mkfifo "$(dirname "$0")/exit_status.new"',
        'mv "$(dirname "$0")" "$(dirname "$0").gone"',
        "kill -9 $PPID",
        "kill -STOP $PPID",
        f"kill -9 {worker.pid}",
        f"cat {toml}",
        f"cat /proc/{worker.pid}/environ",
        "cat /proc/$PPID/environ",
        "ls /proc/$PPID/fd",
        f"cat {other.spool_dir}/output.log",
        f"cat {other.spool_dir}/job_{secret}.sh",
        f"ls {site.farm.spool()}",
        f"kill -9 {other.process_id}",
    ]
    lines = "\n".join(f"({attack}) >/dev/null 2>&1 && echo 'done: {n}'" for n, attack in enumerate(attacks))
    job = site.submit(site.login(alice.name), f"{lines}\necho end; exit 9")
    assert wait(site.farm, job) == "end\n"
    assert site.farm.job(job).exit_code == 9
    assert alive(worker.pid) and alive(other.process_id)


@pytest.mark.attempt("uid 0, unknown, locked and expired users", fault=5)
@pytest.mark.parametrize("who", ["root", "nosuchuser", "locked", "expired"])
def test_a_user_that_may_not_be_had(site: Site, accounts: Callable[[], Account], who: str) -> None:
    """A login maps to root, to nobody at all, or to an account that was shut."""
    name = who
    if who in ("locked", "expired"):
        name = accounts().name
        subprocess.run(["chpasswd"], input=f"{name}:secret\n", text=True, check=True)
        command = ["usermod", "--lock", name] if who == "locked" else ["usermod", "--expiredate", "1970-01-02", name]
        subprocess.run(command, check=True, capture_output=True)
    worker = site.farm.worker()
    cli = site.login(f"login_{uuid.uuid4().hex[:8]}")
    login = cli.env["DATABASE_URL"].split("//")[1].split("@")[0]
    site.farm.execute("INSERT INTO unix_users VALUES (:login, :user)", login=login, user=name)
    job = site.submit(cli, "id -u > /tmp/never")
    row = site.farm.ended(job)
    assert (row.state, row.failure_reason) == ("FAILED", "LAUNCH_ERROR")
    words = {"root": "allow_root_jobs", "nosuchuser": "no user", "locked": "is locked", "expired": "is expired"}
    assert words[who] in row.error_msg
    assert worker.process.poll() is None


def test_root_where_a_setting_allows_it(site: Site) -> None:
    site.farm.worker(JOBWARDEN_ALLOW_ROOT_JOBS="true")
    cli = site.login(f"login_{uuid.uuid4().hex[:8]}")
    login = cli.env["DATABASE_URL"].split("//")[1].split("@")[0]
    site.farm.execute("INSERT INTO unix_users VALUES (:login, 'root')", login=login)
    assert wait(site.farm, site.submit(cli, "id -u")) == "0\n"


@pytest.mark.attempt("the account of a job decides nothing", fault=5)
def test_the_account_decides_nothing(site: Site, accounts: Callable[[], Account]) -> None:
    """A submitter names another user as the account of his job, or as its submitter."""
    alice, bob = accounts(), accounts()
    site.farm.worker()
    cli = site.login(alice.name)
    job = site.submit(cli, "id -un", "--account", bob.name)
    assert wait(site.farm, job) == f"{alice.name}\n"
    member = make_engine(cli.env["DATABASE_URL"])
    columns = "(name, account, script, work_dir, memory_mb, submitted_by)"
    with member.connect() as conn, pytest.raises(Exception, match="permission denied"):
        conn.execute(text(f"INSERT INTO jobs {columns} VALUES ('j', 'a', 'id', '/', 1, :who)"), {"who": bob.name})
    member.dispose()


@pytest.mark.attempt("an operator resubmits a script that somebody else wrote", fault=5)
def test_a_job_submitted_again_stays_its_submitters(site: Site, accounts: Callable[[], Account]) -> None:
    """alice lets her job fail and waits for an operator to run it again, with his rights."""
    alice, bob = accounts(), accounts()
    site.farm.worker()
    first = site.submit(site.login(alice.name), "id -un; exit 1")
    site.farm.ended(first)
    done = site.login(bob.name, "operator")("resubmit", "--yes", str(first))
    assert done.code == 0, done
    second = site.farm.scalar("SELECT max(id) FROM jobs")
    assert wait(site.farm, second) == f"{alice.name}\n"
    assert site.farm.job(second).submitted_by == alice.name


@pytest.mark.attempt("who maps logins to users: an operator, and it is audited", fault=5)
def test_only_an_operator_maps_logins(site: Site, accounts: Callable[[], Account]) -> None:
    """A submitter gives himself another user's name."""
    alice = accounts()
    refused = site.login(f"s_{uuid.uuid4().hex[:8]}")("users", "map", "me", alice.name)
    assert (refused.code, "jobwarden_operator" in refused.err) == (1, True)
    operator = site.login(f"o_{uuid.uuid4().hex[:8]}", "operator")
    assert operator("users", "map", "ci", alice.name, "--reason", "builds").code == 0
    assert "nothing to do" in operator("users", "map", "ci", alice.name).out
    assert operator("users", "--json").json == [{"login": "ci", "unix_user": alice.name}]
    event = site.farm.rows("SELECT action, reason, detail FROM events ORDER BY id DESC LIMIT 1")[0]
    assert (event.action, event.reason, event.detail["to"]) == ("users", "builds", alice.name)
    assert operator("users", "unmap", "ci").code == 0
    assert operator("users", "map", "ci", "a b").code == 2


def test_a_work_dir_that_the_user_may_not_enter(site: Site, accounts: Callable[[], Account]) -> None:
    alice, bob = accounts(), accounts()
    site.farm.worker()
    job = site.submit(site.login(alice.name), "echo ran", "--work-dir", bob.home)
    row = site.farm.ended(job)
    assert (row.failure_reason, "cannot change to" in row.error_msg) == ("LAUNCH_ERROR", True)


@pytest.mark.attempt("LD_PRELOAD and the like against the supervisor")
def test_variables_for_the_loader_do_nothing_to_the_supervisor(site: Site, accounts: Callable[[], Account]) -> None:
    """Variables of the job reach the supervisor, which is root until it starts the script."""
    alice = accounts()
    library = alice.home / "evil.so"
    source = 'int puts(const char*); __attribute__((constructor)) void f(void){ puts("evil"); }'
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=source, text=True, check=True)
    library.chmod(0o755)
    site.farm.worker()
    tunables = "GLIBC_TUNABLES=glibc.malloc.mxfast=glibc.malloc.mxfast=A"
    options = (
        "--env",
        tunables,
        "--env",
        f"LD_PRELOAD={library}",
        "--env",
        f"LD_AUDIT={library}",
        "--env",
        "LD_LIBRARY_PATH=/nowhere",
    )
    job = site.submit(site.login(alice.name), "exit 0", *options, "--work-dir", alice.home)
    said = wait(site.farm, job)
    assert said.count("evil") <= 2, "only in the shell, which is alice's own"


@pytest.mark.attempt("LD_PRELOAD and the like against the supervisor")
def test_the_supervisor_has_none_of_the_variables_of_the_job(site: Site, accounts: Callable[[], Account]) -> None:
    """What a C library obeys in its environment must not be what a user chose, in a process that is root."""
    alice = accounts()
    site.farm.worker()
    options = ("--env", "GLIBC_TUNABLES=glibc.malloc.check=3", "--env", "MINE=a\nb", "--env", "EMPTY=")
    script = 'echo "$GLIBC_TUNABLES|$MINE|$EMPTY|${EMPTY+set}"; sleep 600'
    job = site.submit(site.login(alice.name), script, *options)
    wait_until(lambda: b"set" in site.farm.log(job), PATIENCE)
    assert site.farm.log(job) == b"glibc.malloc.check=3|a\nb||set\n"
    pid = site.farm.allocation(job).process_id
    found = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    names = {entry.partition(b"=")[0].decode() for entry in found if entry}
    assert names == {"JOBWARDEN_JOB_ID", "JOBWARDEN_ALLOCATION_ID", "JOBWARDEN_COOKIE", "JOBWARDEN_NODE"}


@pytest.mark.attempt("a fork bomb against the whole node", fault=5)
def test_a_job_has_so_many_processes_and_no_more(site: Site, accounts: Callable[[], Account]) -> None:
    """A job starts processes until nobody else can."""
    alice = accounts()
    site.farm.worker(JOBWARDEN_PIDS_LIMIT="20", JOBWARDEN_CGROUP="off")
    count = "n=0; while [ $n -lt 60 ]; do sleep 30 & n=$((n+1)); done 2>/dev/null; echo all"
    job = site.submit(site.login(alice.name), f"({count}); echo $?; kill -9 -1")
    site.farm.ended(job)
    assert b"all" not in site.farm.log(job)


def test_a_worker_that_is_not_root_says_whom_its_jobs_run_as(farm: Farm) -> None:
    farm.worker()
    [worker] = farm.cli("workers", "--json").json
    assert worker["jobs_as"] == "root"
    assert "all jobs run as root" in farm.cli("health").out


def test_jobs_of_others_need_a_home_that_they_can_reach(site: Site) -> None:
    inner = site.farm.settings.home / "closed"
    inner.mkdir(mode=0o700)
    done = site.farm.cli("worker", JOBWARDEN_HOME=str(inner / "home"))
    assert (done.code, done.err.count("\n")) == (1, 1), done
    assert f"cannot pass {inner}" in done.err


def test_an_account_without_a_password_is_open() -> None:
    assert locked("nobody") is None
    with pytest.raises(LaunchError, match="no user"):
        find_user("nul\0", login="x", allow_root=False)


# A shared home ------------------------------------------------------------------------------------------------------


@pytest.fixture
def shared(mark: str, tmp_path: Path, accounts: Callable[[], Account]) -> Iterator[tuple[Installation, Account]]:
    """A home of root that all may submit to, and a user of this host."""
    alice = accounts()
    home = Path(tempfile.mkdtemp(prefix="jw-"))
    home.chmod(0o755)
    with brought_up(home, tmp_path, mark, options=("--shared",)) as made:
        yield made, alice
    reap(lambda: working_below(home))
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.attempt("every local user submits without a password, as himself", fault=4)
def test_a_local_user_of_a_shared_home(shared: tuple[Installation, Account]) -> None:
    """In a shared home the kernel says who is who: nobody is root, the owner, or another user."""
    made, alice = shared
    env = {"JOBWARDEN_HOME": str(made.home), "JWTEST_MARK": made.mark}
    done = alice.jobwarden("submit", "--wait", "-", input="#!/bin/sh\nid -un; pwd\n", **env)
    assert done.code == 0, done
    job = int(done.out.split()[0])
    said = alice.jobwarden("logs", job, **env)
    assert said.out == f"{alice.name}\n{alice.home}\n", said
    assert alice.jobwarden("jobs", **env).code == 0
    for verb in (("kill", "--yes", job), ("users", "map", alice.name, "root"), ("down",), ("up", "--no-tui")):
        refused = alice.jobwarden(*verb, **env)
        assert (refused.code != 0, "Traceback" in refused.err) == (True, False), refused
    sockets = f"host={made.home}/run"
    for login in ("jobwarden", "postgres", "root"):
        code = f"import psycopg2; psycopg2.connect('dbname=jobwarden user={login} {sockets}')"
        tried = alice.run("/usr/bin/python3", "-c", code, PYTHONPATH=str(SITE_PACKAGES))
        assert tried.code != 0
        assert "eer authentication failed" in tried.err or "does not exist" in tried.err, tried
    assert made.worker["jobs_as"] == "*"


@pytest.mark.attempt("a shared home of an ordinary user would give his rights away")
def test_only_root_shares_a_home(accounts: Callable[[], Account]) -> None:
    """An ordinary user shares his home: whoever submits would run what he likes as that user."""
    alice = accounts()
    done = alice.jobwarden("up", "--no-tui", "--shared", JOBWARDEN_HOME=str(alice.home / "home"))
    assert (done.code, "only root can share a home" in done.err) == (1, True), done


@pytest.mark.attempt("the everyday login of the embedded database is no superuser", fault=1)
def test_the_everyday_login_is_an_ordinary_role(installation: Installation) -> None:
    """Whoever gets into the database as its everyday user has a shell."""
    with installation.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication FROM pg_roles"
                       " WHERE rolname = current_user")  # fmt: skip
        assert cursor.fetchone() == (False,)
        with pytest.raises(Exception, match=r"permission denied|must be"):
            cursor.execute("COPY (SELECT 1) TO PROGRAM 'id'")


def test_a_home_of_before_gets_the_ordinary_role(installation: Installation) -> None:
    """Its first role was the superuser and owned everything: all is kept, and it is one no more."""
    job = installation.submit("exit 0")
    installation.ended(job)
    home = trusted_home(installation.settings)
    # As before: the owner of all is the bootstrap superuser by the everyday name.
    with logins._session(home, "postgres", "jobwarden") as cursor:
        cursor.execute("CREATE ROLE other SUPERUSER LOGIN")
        cursor.execute("REASSIGN OWNED BY jobwarden TO postgres")
        cursor.execute("DROP OWNED BY jobwarden")
    with logins._session(home, "other", "postgres") as cursor:
        cursor.execute("DROP ROLE jobwarden")
        cursor.execute("ALTER ROLE postgres RENAME TO jobwarden")
    with logins._session(home, "jobwarden", "postgres") as cursor:
        cursor.execute("DROP ROLE other")
    assert installation.cli("down").code == 0
    assert installation.cli("up", "--no-tui").code == 0
    assert installation.show(job)["state"] == "COMPLETED"
    with installation.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                       " AND pg_get_userbyid(relowner) <> 'jobwarden'")  # fmt: skip
        assert cursor.fetchone() == (0,)
    again = installation.submit("exit 0")
    assert installation.ended(again).state == "COMPLETED"
