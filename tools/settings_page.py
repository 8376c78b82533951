"""Write docs/settings.md from the settings themselves: ``python tools/settings_page.py``."""

from dataclasses import fields
from pathlib import Path

from jobwarden.backend.config.settings import PREFIX, RULES, Settings, docs, names

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
    meanings, defaults = docs(), {one.name: one.default for one in fields(Settings)}
    return HEAD + "".join(_row(name, defaults[name], meanings[name]) for name in names())


def _row(name: str, default: object, said: str) -> str:
    variable = name.upper() if name in ("database_url", "redis_url") else PREFIX + name.upper()
    meaning = " ".join(said.split()).replace("|", "\\|")
    return f"| `{name}` | `{variable}` | {_default(name, default)} | {RULES[name].accepts} | {meaning} |\n"


def _default(name: str, value: object) -> str:
    if name in COMPUTED:
        return COMPUTED[name]
    if value is None:
        return "unset"
    return f"`{','.join(value) if isinstance(value, tuple) else str(value).lower()}`"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
