"""The operating guide and the files in deploy as data: what an operator would copy out of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "operating.md"
DEPLOY = ROOT / "deploy"

THEIR_HOME = "/var/lib/jobwarden"
THEIR_COMMANDS = "/opt/jobwarden/bin"
"""Where the documents put things; a test has them elsewhere."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block below a heading."""

    heading: str
    language: str
    text: str


def blocks() -> list[Block]:
    """All of the guide, in order."""
    found, heading = [], ""
    pattern = r"^## (?P<heading>[^\n]*)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$"
    for match in re.finditer(pattern, GUIDE.read_text(), flags=re.MULTILINE | re.DOTALL):
        if match["heading"] is not None:
            heading = match["heading"]
        else:
            found.append(Block(heading, match["language"], match["text"]))
    return found


def section(heading: str, language: str = "sh") -> list[str]:
    """The blocks of one section; fails when the guide has none there any more."""
    found = [block.text for block in blocks() if (block.heading, block.language) == (heading, language)]
    assert found, f"no {language} below '{heading}' in {GUIDE}"
    return found


def block(heading: str, *, of: str, language: str = "sh") -> str:
    """The one block of a section that holds the words ``of``."""
    [found] = [text for text in section(heading, language) if of in text]
    return found


@dataclass(frozen=True, slots=True)
class CronTable:
    """A crontab: variables, and commands without their times."""

    variables: dict[str, str]
    commands: list[str]

    def command(self, verb: str) -> str:
        """The one command that runs ``jobwarden VERB``."""
        [found] = [command for command in self.commands if command.startswith(f"jobwarden {verb} ")]
        return found


def crontab() -> CronTable:
    """deploy/crontab, read as cron does: NAME=value lines, then five fields of time and a command."""
    lines = [line for line in (DEPLOY / "crontab").read_text().splitlines() if line and not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    return CronTable(variables, [line.split(None, 5)[5] for line in lines if not re.match(r"[A-Z_]+=", line)])


def exec_start(unit: str) -> str:
    """The command line of a unit."""
    [found] = re.findall(r"^ExecStart=(.*)$", (DEPLOY / unit).read_text(), flags=re.MULTILINE)
    return str(found)
