"""What can be configured: the environment wins over the TOML file, which wins over the defaults.

Every verb reads the settings before anything else, so they are plain dataclasses: a library for this takes longer to
load than most verbs need for all they do.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from jobwarden.backend.config import host_resources, rules
from jobwarden.backend.config.rules import SettingError, setting
from jobwarden.backend.config.settings_file import config_file, default_home, exposed, read_toml
from jobwarden.backend.errors import InputError
from jobwarden.backend.harmless import hide_beyond_host
from jobwarden.backend.harmless import hide_password as hide_password

PREFIX = "JOBWARDEN_"

DASHBOARD_PREFIX = "JOBWARDEN_TUI_"
"""Variables that only the dashboard reads, and checks."""

SECRET = frozenset({"database_url", "redis_url", "alert_webhook", "alert_command"})
"""Settings that may hold a password: their words are in no message and no ``repr``."""

POSTGRESQL = {"postgres": "postgresql", "postgresql": "postgresql", "postgresql+psycopg2": "postgresql"}
REDIS = {scheme: scheme for scheme in ("redis", "rediss", "unix")}
"""Schemes of the servers' URLs, and how each is written from then on."""

NOT_SETTINGS = frozenset(
    {
        "JOBWARDEN_CONFIG",
        "JOBWARDEN_FAULT",
        "JOBWARDEN_JOB_ID",
        "JOBWARDEN_ALLOCATION_ID",
        "JOBWARDEN_COOKIE",
        "JOBWARDEN_NODE",
        "JOBWARDEN_SCRIPT",
        "JOBWARDEN_SUBMIT_DIR",
    }
)
"""Variables of ours that are no settings: the file to read, and what every job finds in its environment."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One frozen set of settings; made by :func:`load_settings`, or directly in tests.

    Raises SettingError, a ValueError, for the first one that cannot be.
    """

    database_url: str | None = setting(None, rules.url(POSTGRESQL, "postgresql://"), secret=True)
    """PostgreSQL to use (variable DATABASE_URL). Unset: the embedded server of this home."""

    redis_url: str | None = setting(None, rules.url(REDIS, "redis://, rediss:// or unix://"), secret=True)
    """Redis or Valkey to use (variable REDIS_URL). Unset: the embedded server of this home."""

    home: Path = setting(lambda: default_home(os.environ), rules.path())
    """Directory for everything local: embedded servers, logs, spool. Two homes are two installations."""

    socket_dir: Path | None = setting(None, rules.path(optional=True))
    """Where the embedded servers put their sockets when the path of the home is too long for one. Unset: /tmp."""

    node_name: str = setting(
        socket.gethostname,
        rules.words(r"[^\s/:]{1,255}", "must be a name of at most 255 characters without blank, / or :"),
    )
    """Name of this node, one worker at a time. Default: the host name."""

    node_cpus: int | None = setting(None, rules.whole(1, 65536, optional=True))
    """CPUs that this node gives to jobs. Unset: those that this process may use."""

    node_memory_mb: int | None = setting(None, rules.whole(1, 1 << 30, optional=True))
    """Memory in MiB that this node gives to jobs. Unset: that of the host, or of its control group."""

    node_gpus: int | None = setting(None, rules.whole(0, 65536, optional=True))
    """GPUs that this node gives to jobs. Unset: the NVIDIA devices seen in /dev."""

    partitions: tuple[str, ...] = setting(("main",), rules.names())
    """Partitions that this node serves; in the environment a list with commas."""

    heartbeat_seconds: float = setting(2.0, rules.number(0, 3600, above=True))
    """Seconds between two heartbeats of a worker."""

    lease_seconds: float = setting(10.0, rules.number(0, 86400, above=True))
    """Seconds after its last heartbeat at which a worker counts as dead; more than heartbeat_seconds."""

    run_jobs_as: Literal["auto", "submitter", "worker"] = setting("auto", rules.choice("auto", "submitter", "worker"))
    """Whom jobs run as: submitter, the Unix user of whoever submitted them (for a worker that is root); worker, the
    worker's own user. auto: submitter for a worker that is root, but worker in a home that only root can reach."""

    allow_root_jobs: bool = setting(False, rules.flag())
    """Whether a job may run as root where jobs run as their submitters."""

    job_umask: str = setting("022", rules.words("0?[0-7]{1,3}", "must be an octal number like 022"))
    """File mode creation mask of jobs, octal, whatever the worker's own is."""

    job_open_files: int = setting(1024, rules.whole(16, 1 << 20))
    """Files that a job may open until it raises this soft limit itself; at most the worker's hard limit."""

    pids_limit: int | None = setting(None, rules.whole(0, 4_194_304, optional=True))
    """Processes that one job may have; without a control group, that its user may have in all. 0: no limit.
    Unset: 4096, but no limit where jobs of the worker's own user get no control group."""

    shared: bool = setting(False, rules.flag())
    """Whether every local user may submit to the embedded servers of this home, each with a login of his own."""

    kill_grace_seconds: float = setting(10.0, rules.number(0, 86400))
    """Seconds between TERM and KILL."""

    cgroup: Literal["auto", "off"] = setting("auto", rules.choice("auto", "off"))
    """Whether each job gets a control group (v2) where the worker may make one, or none at all: auto or off."""

    limit_memory: bool = setting(False, rules.flag())
    """Whether the kernel ends a job that takes more memory than it asked for. Needs the delegated memory controller."""

    default_memory_mb: int = setting(256, rules.whole(1, 1 << 30))
    """MiB that are set aside for a job that asks for no memory."""

    default_time_limit: int | None = setting(None, rules.whole(1, optional=True))
    """Seconds that a job may run when it asks for no limit. Unset: for ever."""

    starve_seconds: float = setting(300.0, rules.number(0))
    """Seconds a job may be overtaken by smaller ones; after that, room is kept free for it."""

    poll_seconds: float = setting(1.0, rules.number(0, 60, above=True))
    """Seconds between two looks at the database when no notification comes."""

    patience_seconds: float = setting(60.0, rules.number(0, 86400))
    """Seconds that `submit --wait`, `logs -f` and `events -f` wait for a database that does not answer."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", rules.choice("DEBUG", "INFO", "WARNING", "ERROR", upper=True)
    )
    """What the worker's log keeps: DEBUG, INFO, WARNING or ERROR."""

    log_format: Literal["text", "json"] = setting("text", rules.choice("text", "json"))
    """How the worker's log is written: text for people, json for programs (one object a line)."""

    retention_days: float = setting(30.0, rules.number(0, 36500))
    """Days that a finished job and its events stay in the database, until `housekeeping` moves them to the archive."""

    spool_retention_hours: float = setting(168.0, rules.number(0, 876_000))
    """Hours that a finished job's script and log stay on its node, where `housekeeping` gets no --max-age-hours."""

    archive_dir: Path | None = setting(None, rules.path(optional=True))
    """Directory for archives of finished jobs. Unset: archive in the home."""

    log_limit_mb: int = setting(1024, rules.whole(0, 1 << 30))
    """MiB that the log of one job may take on the disk, give or take a tenth or 16 MiB; of a larger one the middle is
    cut out. 0: no limit."""

    disk_reserve_mb: int = setting(256, rules.whole(0, 1 << 30))
    """MiB, but at most a tenth of the disk: with less free where the spool lies, the logs of jobs stop growing. A
    quarter of it is held in the home by a file, which is given up for our own writes when the disk is full. 0: none."""

    disk_free_percent: float = setting(5.0, rules.number(0, 100))
    """Percent of the disks of spool and data that must be free for `health` to be content."""

    alert_orphans: float | None = setting(10, rules.number(0, off=True))
    """More anomalies than this (what `orphans` lists) raise an alert; off for none."""

    alert_dead_workers: float | None = setting(0, rules.number(0, off=True))
    """More nodes without their worker than this raise an alert; off for none."""

    alert_disk_percent: float | None = setting(90, rules.number(0, 100, off=True))
    """A disk of spool or data fuller than this raises an alert of its node; off for none."""

    alert_reserve_mb: float | None = setting(0, rules.number(0, off=True))
    """A disk of a spool that lacks more than so many MiB of its reserve (disk_reserve_mb) raises an alert of its node:
    logs of jobs do not grow. off for none."""

    alert_waiting_seconds: float | None = setting(3600, rules.number(0, off=True))
    """A job that waits longer than this, and is not held, raises an alert; off for none."""

    alert_failure_percent: float | None = setting(50, rules.number(0, 100, off=True))
    """A larger share of FAILED among the jobs that ended within alert_window_seconds raises an alert; off for none.
    Jobs that an operator ended are left out."""

    alert_window_seconds: float = setting(900, rules.number(0, 86400, above=True))
    """Seconds over which the failure rate is taken; fewer than ten ended jobs are no rate."""

    alert_for_seconds: float = setting(10, rules.number(0, 86400))
    """Seconds a threshold must stay exceeded before an alert, and stay met before its recovery."""

    alert_poll_seconds: float = setting(5, rules.number(0, 3600, above=True))
    """Seconds between two judgements."""

    alert_reminder_seconds: float | None = setting(14400, rules.number(60, 31_536_000, off=True))
    """Seconds after which an alert that is still open is told once more, with the numbers of then; off for never."""

    alert_command: str | None = setting(None, rules.command(), secret=True)
    """Command to run for each alert, reminder and recovery: JSON on its standard input, ALERT_STATUS, ALERT_RULE and
    ALERT_MESSAGE in its environment, thirty seconds to end. No shell; ~ is your home directory."""

    alert_webhook: str | None = setting(None, rules.webhook(), secret=True)
    """URL (http or https) that gets each alert, reminder and recovery as a POST of JSON; ten seconds to answer, all in
    all. Redirects are not followed: set the final address."""

    _origins: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    _warning: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, rule in RULES.items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, rule(value))
            except ValueError as error:
                raise SettingError(name, value, str(error)) from error
        if self.lease_seconds <= self.heartbeat_seconds:
            why = f"must be more than heartbeat_seconds, which is {self.heartbeat_seconds:g}"
            raise SettingError("lease_seconds", self.lease_seconds, why)

    def but(self, **changes: Any) -> Settings:
        """The same but for these."""
        return replace(self, **changes)

    @property
    def cpus(self) -> int:
        """CPUs this node offers: as set, else as found."""
        return host_resources.cpus() if self.node_cpus is None else self.node_cpus

    @property
    def memory_mb(self) -> int:
        """MiB of memory this node offers: as set, else as found."""
        return host_resources.memory_mb() if self.node_memory_mb is None else self.node_memory_mb

    @property
    def archives(self) -> Path:
        """Where archives are written."""
        return self.archive_dir or self.home / "archive"

    @property
    def gpus(self) -> int:
        """GPUs this node offers: as set, else as found."""
        return host_resources.gpus() if self.node_gpus is None else self.node_gpus

    @property
    def warning(self) -> str | None:
        """What is not right with the file that was read, and yet no reason to refuse it; one line."""
        return self._warning[0] if self._warning else None


RULES: dict[str, rules.Rule] = {one.name: one.metadata["rule"] for one in fields(Settings) if one.init}
"""What each setting may be, in the order of the settings."""


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting as ``jobwarden config`` shows it; a password in ``value`` is already hidden."""

    name: str
    value: str | int | float | None
    origin: str
    doc: str


def describe(settings: Settings) -> list[SettingLine]:
    """Every setting with its value, where that came from, and what it is for."""
    origins = settings._origins
    meanings = docs()
    return [
        SettingLine(name, _shown(getattr(settings, name)), origins.get(name, "default"), meanings[name])
        for name in names()
    ]


def docs() -> dict[str, str]:
    """What each setting is for: the words below it in the code, read only when somebody asks."""
    import ast
    import inspect

    found = {}
    [definition] = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(definition, ast.ClassDef)
    for one, words in pairwise(definition.body):
        match one, words:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(said))):
                found[name] = inspect.cleandoc(said)
    return found


def names() -> list[str]:
    """Every setting, in the order in which a reader needs them."""
    return sorted(RULES, key=lambda name: name.startswith("alert_"))


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the TOML file and the environment.

    The file is ``$JOBWARDEN_CONFIG``, else ``jobwarden.toml`` in the home, else ``jobwarden/jobwarden.toml`` in the
    XDG configuration directory; others must not be able to change it. Raises InputError that names the setting and
    where it was set.
    """
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    file = config_file(env)
    read = {} if file is None else read_toml(file)
    for key, value in read.items():
        values[_known(key, f"in {file}")], origins[key] = value, str(file)
    for variable, name in _variables(env).items():
        values[name], origins[name] = env[variable], variable
    if "home" not in values:
        values["home"] = default_home(env)
    try:
        settings = Settings(**values)
    except SettingError as error:
        raise InputError(_one_line(error, origins)) from error
    settings._origins.update(origins)
    if file is not None and (said := exposed(file, read)):
        settings._warning.append(said)
    return settings


def _variables(env: Mapping[str, str]) -> dict[str, str]:
    """Variable -> setting for everything that is set (an empty variable counts as unset)."""
    found = {name.upper(): name for name in ("database_url", "redis_url") if env.get(name.upper())}
    for variable in env:
        ours = variable.startswith(PREFIX) and not variable.startswith(DASHBOARD_PREFIX)
        if ours and variable not in NOT_SETTINGS and env[variable]:
            found[variable] = _known(variable[len(PREFIX) :].lower(), "in the environment", variable)
    return found


def _known(name: str, where: str, shown: str | None = None) -> str:
    """``name`` when it is a setting; else InputError that names the nearest one."""
    if name in RULES:
        return name
    import difflib  # slow to import, and needed only for a mistake

    near = difflib.get_close_matches(name[:80], RULES, n=1, cutoff=0)
    nearest = PREFIX + near[0].upper() if shown else near[0]
    raise InputError(f"unknown setting {(shown or name)[:80]} {where}: the nearest known one is {nearest}")


def _one_line(error: SettingError, origins: Mapping[str, str]) -> str:
    """The problem as one line that names the setting and where it was set; no password is repeated."""
    origin = origins.get(error.name, "default")
    where = origin if origin.isupper() else f"{error.name} in {origin}"
    given = "" if error.name in SECRET else f" (not {str(error.value)[:80]!r})"
    return f"{where}: {error.why}{given}"


def _shown(value: Any) -> str | int | float | None:
    """A value as printed: no password or token in it, lists with commas."""
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str):
        return hide_beyond_host(value)
    return value  # type: ignore[no-any-return]
