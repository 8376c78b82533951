"""Write docs/settings.md from the settings themselves: ``python tools/settings_page.py``."""

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from jobwarden.backend.config.settings import PREFIX, Settings, docs, names

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

HEAD = """\
# Settings

Written from the code by `make docs`. Each setting comes from its environment variable, else from the TOML file, else
from its default; `jobwarden config` prints every value in force and where it comes from. The file is the one that
`JOBWARDEN_CONFIG` names, else `jobwarden.toml` in the home, else `$XDG_CONFIG_HOME/jobwarden/jobwarden.toml`; its keys
are the names below. An unknown name is refused, with the nearest known one.

| setting | variable | default | accepted | meaning |
|---|---|---|---|---|
"""

COMPUTED = {
    "home": "`$XDG_STATE_HOME/jobwarden`, else `~/.local/state/jobwarden`",
    "node_name": "the host name",
}
"""Defaults that differ from machine to machine."""


def page() -> str:
    """Return the whole page."""
    meanings = docs()
    return HEAD + "".join(_row(name, Settings.model_fields[name], meanings[name]) for name in names())


def _row(name: str, field: FieldInfo, said: str) -> str:
    variable = name.upper() if name in ("database_url", "redis_url") else PREFIX + name.upper()
    meaning = " ".join(said.split()).replace("|", "\\|")
    return f"| `{name}` | `{variable}` | {_default(name, field)} | {_accepted(field)} | {meaning} |\n"


def _default(name: str, field: FieldInfo) -> str:
    if name in COMPUTED:
        return COMPUTED[name]
    value: Any = field.default
    if value is None:
        return "unset"
    return f"`{','.join(value) if isinstance(value, tuple) else str(value).lower()}`"


def _accepted(field: FieldInfo) -> str:
    signs = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    bounds = [f"{sign} {getattr(rule, key)}" for rule in field.metadata for kind, (sign, key) in signs.items()
              if isinstance(rule, kind)]  # fmt: skip
    return ", ".join(bounds)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
