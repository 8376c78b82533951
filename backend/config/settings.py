"""What can be configured: the environment wins over the TOML file, which wins over the defaults."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr, ValidationError, ValidationInfo, field_validator

from jobwarden.backend.config import host_resources
from jobwarden.backend.config.alert_settings import AlertSettings
from jobwarden.backend.config.settings_file import config_file, default_home, expanded, exposed, read_toml
from jobwarden.backend.errors import InputError
from jobwarden.backend.harmless import hide_beyond_host
from jobwarden.backend.harmless import hide_password as hide_password

PREFIX = "JOBWARDEN_"

DASHBOARD_PREFIX = "JOBWARDEN_TUI_"
"""Variables that only the dashboard reads, and checks."""

SECRET = frozenset({"database_url", "redis_url", "alert_webhook", "alert_command"})
"""Settings that may hold a password: their words are in no message and no ``repr``."""

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


class Settings(AlertSettings):
    """One frozen set of settings; made by :func:`load_settings`, or directly in tests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str | None = Field(default=None, repr=False)
    """PostgreSQL to use (variable DATABASE_URL). Unset: the embedded server of this home."""

    redis_url: str | None = Field(default=None, repr=False)
    """Redis or Valkey to use (variable REDIS_URL). Unset: the embedded server of this home."""

    home: Path = Field(default_factory=lambda: default_home(os.environ))
    """Directory for everything local: embedded servers, logs, spool. Two homes are two installations."""

    socket_dir: Path | None = None
    """Where the embedded servers put their sockets when the path of the home is too long for one. Unset: /tmp."""

    node_name: str = Field(default_factory=socket.gethostname, min_length=1, max_length=255, pattern=r"^[^\s/:]+$")
    """Name of this node, one worker at a time. Default: the host name."""

    node_cpus: int | None = Field(default=None, ge=1, le=65536)
    """CPUs that this node gives to jobs. Unset: those that this process may use."""

    node_memory_mb: int | None = Field(default=None, ge=1, le=1 << 30)
    """Memory in MiB that this node gives to jobs. Unset: that of the host, or of its control group."""

    node_gpus: int | None = Field(default=None, ge=0, le=65536)
    """GPUs that this node gives to jobs. Unset: the NVIDIA devices seen in /dev."""

    partitions: tuple[str, ...] = ("main",)
    """Partitions that this node serves; in the environment a list with commas."""

    heartbeat_seconds: float = Field(default=2.0, gt=0, le=3600)
    """Seconds between two heartbeats of a worker."""

    lease_seconds: float = Field(default=10.0, gt=0, le=86400, validate_default=True)
    """Seconds after its last heartbeat at which a worker counts as dead; more than heartbeat_seconds."""

    run_jobs_as: Literal["auto", "submitter", "worker"] = "auto"
    """Whom jobs run as: submitter, the Unix user of whoever submitted them (for a worker that is root); worker, the
    worker's own user. auto: submitter for a worker that is root, but worker in a home that only root can reach."""

    allow_root_jobs: bool = False
    """Whether a job may run as root where jobs run as their submitters."""

    job_umask: str = Field(default="022", pattern=r"^0?[0-7]{1,3}$")
    """File mode creation mask of jobs, octal, whatever the worker's own is."""

    job_open_files: int = Field(default=1024, ge=16, le=1 << 20)
    """Files that a job may open until it raises this soft limit itself; at most the worker's hard limit."""

    pids_limit: int | None = Field(default=None, ge=0, le=4_194_304)
    """Processes that one job may have; without a control group, that its user may have in all. 0: no limit.
    Unset: 4096, but no limit where jobs of the worker's own user get no control group."""

    shared: bool = False
    """Whether every local user may submit to the embedded servers of this home, each with a login of his own."""

    kill_grace_seconds: float = Field(default=10.0, ge=0, le=86400)
    """Seconds between TERM and KILL."""

    cgroup: Literal["auto", "off"] = "auto"
    """Whether each job gets a control group (v2) where the worker may make one, or none at all: auto or off."""

    limit_memory: bool = False
    """Whether the kernel ends a job that takes more memory than it asked for. Needs the delegated memory controller."""

    default_memory_mb: int = Field(default=256, ge=1, le=1 << 30)
    """MiB that are set aside for a job that asks for no memory."""

    default_time_limit: int | None = Field(default=None, ge=1)
    """Seconds that a job may run when it asks for no limit. Unset: for ever."""

    starve_seconds: float = Field(default=300.0, ge=0)
    """Seconds a job may be overtaken by smaller ones; after that, room is kept free for it."""

    poll_seconds: float = Field(default=1.0, gt=0, le=60)
    """Seconds between two looks at the database when no notification comes."""

    patience_seconds: float = Field(default=60.0, ge=0, le=86400)
    """Seconds that `submit --wait`, `logs -f` and `events -f` wait for a database that does not answer."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """What the worker's log keeps: DEBUG, INFO, WARNING or ERROR."""

    log_format: Literal["text", "json"] = "text"
    """How the worker's log is written: text for people, json for programs (one object a line)."""

    retention_days: float = Field(default=30.0, ge=0, le=36500, allow_inf_nan=False)
    """Days that a finished job and its events stay in the database, until `housekeeping` moves them to the archive."""

    spool_retention_hours: float = Field(default=168.0, ge=0, le=876_000, allow_inf_nan=False)
    """Hours that a finished job's script and log stay on its node, where `housekeeping` gets no --max-age-hours."""

    archive_dir: Path | None = None
    """Directory for archives of finished jobs. Unset: archive in the home."""

    log_limit_mb: int = Field(default=1024, ge=0, le=1 << 30)
    """MiB that the log of one job may take on the disk, give or take a tenth or 16 MiB; of a larger one the middle is
    cut out. 0: no limit."""

    disk_reserve_mb: int = Field(default=256, ge=0, le=1 << 30)
    """MiB, but at most a tenth of the disk: with less free where the spool lies, the logs of jobs stop growing. A
    quarter of it is held in the home by a file, which is given up for our own writes when the disk is full. 0: none."""

    disk_free_percent: float = Field(default=5.0, ge=0, le=100, allow_inf_nan=False)
    """Percent of the disks of spool and data that must be free for `health` to be content."""

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)
    _warning: str | None = PrivateAttr(default=None)

    @field_validator("*", mode="before")
    @classmethod
    def _plain_text(cls, value: Any) -> Any:
        """What no file name and no text in a database can hold."""
        if isinstance(value, str | Path) and re.search("[\0\ud800-\udfff]", str(value)):
            raise ValueError("must be text in UTF-8 without NUL")
        return value

    @field_validator("database_url")
    @classmethod
    def _only_postgresql(cls, url: str | None) -> str | None:
        if url is None:
            return None
        scheme = checked_scheme(url)
        if scheme == "postgres":
            return "postgresql" + url[len("postgres") :]
        if scheme not in ("postgresql", "postgresql+psycopg2"):
            raise ValueError("must be a postgresql:// URL")
        return url

    @field_validator("redis_url")
    @classmethod
    def _only_redis(cls, url: str | None) -> str | None:
        if url is not None and checked_scheme(url) not in ("redis", "rediss", "unix"):
            raise ValueError("must be a redis://, rediss:// or unix:// URL")
        return url

    @field_validator("home", "socket_dir", "archive_dir", mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        try:
            return None if path is None else expanded(path)
        except InputError as error:
            raise ValueError(str(error)) from error

    @field_validator("lease_seconds")
    @classmethod
    def _outlasts_a_heartbeat(cls, seconds: float, info: ValidationInfo) -> float:
        heartbeat = info.data.get("heartbeat_seconds", 0.0)  # absent when it is wrong by itself
        if seconds <= heartbeat:
            raise ValueError(f"must be more than heartbeat_seconds, which is {heartbeat:g}")
        return seconds

    @field_validator("partitions", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        names = value.split(",") if isinstance(value, str) else value
        if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
            names = tuple(dict.fromkeys(name.strip() for name in names))
            if not names or not all(names):
                raise ValueError("needs at least one name, and no empty one")
        return names

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

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
        return self._warning

    def __str__(self) -> str:
        return repr(self)


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
    for model in (AlertSettings, Settings):
        [definition] = ast.parse(inspect.getsource(model)).body
        assert isinstance(definition, ast.ClassDef)
        for field, words in pairwise(definition.body):
            match field, words:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(said))):
                    found[name] = inspect.cleandoc(said)
    return found


def names() -> list[str]:
    """Every setting, in the order in which a reader needs them."""
    return sorted(Settings.model_fields, key=lambda name: name.startswith("alert_"))


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
    except ValidationError as error:
        raise InputError(_one_line(error, origins)) from error
    settings._origins.update(origins)
    settings._warning = None if file is None else exposed(file, read)
    return settings


def checked_scheme(url: str) -> str:
    """The scheme of ``url``; raises ValueError (without the URL, which may hold a password) when it has none."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise ValueError("is not a URL")
    return scheme.lower()


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
    if name in Settings.model_fields:
        return name
    import difflib  # slow to import, and needed only for a mistake

    near = difflib.get_close_matches(name[:80], Settings.model_fields, n=1, cutoff=0)
    nearest = PREFIX + near[0].upper() if shown else near[0]
    raise InputError(f"unknown setting {(shown or name)[:80]} {where}: the nearest known one is {nearest}")


def _one_line(error: ValidationError, origins: Mapping[str, str]) -> str:
    """The first problem as one line that names the setting and where it was set; no password is repeated."""
    problem = error.errors()[0]
    name = str(problem["loc"][0])
    origin = origins.get(name, "default")
    where = origin if origin.isupper() else f"{name} in {origin}"
    given = "" if name in SECRET else f" (not {str(problem['input'])[:80]!r})"
    return f"{where}: {problem['msg'].removeprefix('Value error, ').lower()}{given}"


def _shown(value: Any) -> str | int | float | None:
    """A value as printed: no password or token in it, lists with commas."""
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str):
        return hide_beyond_host(value)
    return value  # type: ignore[no-any-return]
