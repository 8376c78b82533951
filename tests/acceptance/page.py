"""The operating guide, the runbook and the files in deploy as data: what an operator would copy out of them."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "operating.md"
RUNBOOK = ROOT / "docs" / "runbook.md"
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


def blocks(page: Path = GUIDE) -> list[Block]:
    """All of the page, in order."""
    found, heading = [], ""
    pattern = r"^###? (?P<heading>[^\n]*)$|^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$"
    for match in re.finditer(pattern, page.read_text(), flags=re.MULTILINE | re.DOTALL):
        if match["heading"] is not None:
            heading = match["heading"].strip("`")
        else:
            found.append(Block(heading, match["language"], textwrap.dedent(match["text"])))
    return found


def section(heading: str, language: str = "sh", page: Path = GUIDE) -> list[str]:
    """The blocks of one section; fails when the page has none there any more."""
    found = [block.text for block in blocks(page) if (block.heading, block.language) == (heading, language)]
    assert found, f"no {language} below '{heading}' in {page}"
    return found


def block(heading: str, *, of: str, page: Path = GUIDE) -> str:
    """The one block of commands in a section that holds the words ``of``."""
    [found] = [text for text in section(heading, page=page) if of in text]
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
