"""How the dashboard looks and sounds to this person: the environment wins over the TOML file, and it over defaults."""

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from jobwarden.backend.config.settings_file import first_there, in_config_folder, read_toml
from jobwarden.backend.errors import InputError
from jobwarden.tui.config.keymap import check_keys
from jobwarden.tui.theme.themes import DEFAULT, THEMES

PREFIX = "JOBWARDEN_TUI_"
FILE = PREFIX + "CONFIG"
"""The variable that names the file to read."""
NAME = "dashboard.toml"

Tables = Mapping[str, tuple[str, ...]]
"""Names of the columns of each table."""


class Preferences(BaseModel):
    """One frozen set of preferences; made by :func:`load_preferences`, or directly in tests."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    theme: str = DEFAULT
    """Colours: dark, light, nord, contrast, or ansi (the sixteen colours of the terminal)."""

    bell: bool = True
    """Whether the terminal rings when an anomaly appears."""

    title_badge: bool = True
    """Whether the title of the terminal's window counts anomalies, as ``⚠2 jobwarden``."""

    mouse: bool = True
    """Whether the mouse works here; without it the terminal's own selection does."""

    poll_seconds: float = Field(default=1.0, ge=0.25, le=60)
    """Seconds between two readings when no notification comes; more is kinder to a database far away."""

    keys: Mapping[str, str] = Field(default_factory=dict)
    """Other keys by the name of the binding, commas between alternatives; the help page has the names."""

    columns: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Columns of a table, in order, until others are chosen on the screen: ``jobs = ["id", "state", "name"]``."""

    _path: Path | None = None

    @field_validator("theme")
    @classmethod
    def _known_theme(cls, name: str) -> str:
        return one_of(name, THEMES, "theme")

    @field_validator("keys")
    @classmethod
    def _known_keys(cls, keys: Mapping[str, str]) -> Mapping[str, str]:
        return check_keys(keys)

    @field_validator("columns")
    @classmethod
    def _known_columns(
        cls, columns: Mapping[str, tuple[str, ...]], info: ValidationInfo
    ) -> Mapping[str, tuple[str, ...]]:
        if info.context is None or not columns:
            return columns
        tables: Tables = info.context()
        for table, names in columns.items():
            known = tables[one_of(table, tables, "table")]
            for name in names:
                one_of(name, known, f"column of {table}")
            if not names or len(set(names)) < len(names):
                raise ValueError(f"{table}: needs at least one column, and none of them twice")
        return columns

    @property
    def path(self) -> Path | None:
        """The file that was read, or that would be read if it existed; None when made directly."""
        return self._path


def load_preferences(
    home: Path, environ: Mapping[str, str] | None = None, *, tables: Callable[[], Tables]
) -> Preferences:
    """Read the preferences of a person from the TOML file and the environment.

    ``tables`` tells which columns there are; it is called only when somebody chose some.

    The file is ``$JOBWARDEN_TUI_CONFIG``, else ``dashboard.toml`` in the home, else ``jobwarden/dashboard.toml`` in the
    XDG configuration directory. Raises InputError, one line, that names the value and where it was set.
    """
    env = os.environ if environ is None else environ
    path, exists = _file(home, env)
    origins: dict[str, str] = {}
    values: dict[str, Any] = {}
    for key, value in (read_toml(path) if exists else {}).items():
        values[_setting(key, f"in {path}")], origins[key] = value, f"in {path}"
    for variable, name in _variables(env).items():
        values[name], origins[name] = env[variable], f"in {variable}"
    try:
        made = Preferences.model_validate(values, context=tables)
    except ValidationError as error:
        raise InputError(_one_line(error, origins)) from error
    made._path = path
    return made


def one_of(name: str, known: Iterable[str], what: str) -> str:
    """Return ``name`` when it is known; raises ValueError that names the nearest one."""
    names = list(known)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1, cutoff=0)
    raise ValueError(f"no {what} {name!r}: the nearest known one is {near[0]!r}")


def _file(home: Path, env: Mapping[str, str]) -> tuple[Path, bool]:
    """The file that counts, and whether it is there. One that was named must be there: then it is read anyway."""
    if named := env.get(FILE):
        return Path(named), True
    found = first_there(home / NAME, in_config_folder(env, NAME))
    return found or home / NAME, found is not None


def _variables(env: Mapping[str, str]) -> dict[str, str]:
    """Variable -> preference for everything that is set; tables can be set only in the file."""
    return {
        variable: _setting(variable.removeprefix(PREFIX).lower(), "in the environment", variable)
        for variable, value in env.items()
        if variable.startswith(PREFIX) and variable != FILE and value
    }


def _setting(name: str, where: str, shown: str = "") -> str:
    known = [key for key in Preferences.model_fields if not shown or key not in ("keys", "columns")]
    try:
        return one_of(name, known, "setting")
    except ValueError:
        near = difflib.get_close_matches(name[:80], known, n=1, cutoff=0)[0]
        nearest = PREFIX + near.upper() if shown else near
        given = (shown or name)[:80]
        raise InputError(f"unknown setting {given} {where}: the nearest known one is {nearest}") from None


def _one_line(error: ValidationError, origins: Mapping[str, str]) -> str:
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"])
    said = problem["msg"].removeprefix("Value error, ")
    given = "" if said != problem["msg"] else f" (not {str(problem['input'])[:80]!r})"
    return f"{place} {origins.get(str(problem['loc'][0]), '')}: {said[:1].lower()}{said[1:]}{given}"
