"""Writes docs/fault-matrix.md from the rows that the tests declare."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.matrix.elsewhere import ELSEWHERE
from tests.matrix.row import GROUPS, Row

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "fault-matrix.md"

HEAD = """\
# What happens when something fails

Each line is a fault that the tests cause for real (`kill -9`, a full disk, a clock an hour off), and what comes of it.
The table is written from the tests by `python -m tests.matrix`; a test fails when it is not up to date.

*As its script does* means that the fault makes no difference to how the job ends: exit code 0 is `COMPLETED`, another
one or a signal is `FAILED` with `SCRIPT_ERROR`, and code, log and times are recorded as if nothing had happened.

Whatever fails, three things hold: no job is started twice, none is lost, and nothing is released while a process of
the job lives.
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """A test, as ``path::function``."""

    path: str
    function: str

    def exists(self) -> bool:
        """Whether there is such a test."""
        return self.function in functions(ROOT / self.path)

    def __str__(self) -> str:
        return f"[{self.function}](../{self.path})"


def functions(file: Path) -> list[str]:
    """Names of the tests of a file, in order."""
    tree = ast.parse(file.read_text())
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def modules() -> list[Path]:
    """The files of tests that declare rows."""
    return sorted(file for file in Path(__file__).parent.glob("test_*.py") if file.stem != "test_document")


def here() -> Iterator[tuple[Row | None, Proof]]:
    """Every test of this package, with its row."""
    for file in modules():
        module = importlib.import_module(f"tests.matrix.{file.stem}")
        for name in functions(file):
            row = getattr(getattr(module, name), "matrix_row", None)
            yield row, Proof(file.relative_to(ROOT).as_posix(), name)


def rows() -> list[tuple[Row, tuple[Proof, ...]]]:
    """All rows in the order of the document."""
    elsewhere = [(row, tuple(Proof(*node.split("::")) for node in nodes)) for row, nodes in ELSEWHERE]
    found = [*elsewhere, *((row, (proof,)) for row, proof in here() if row is not None)]
    return sorted(found, key=lambda pair: GROUPS.index(pair[0].group))


def document() -> str:
    """The text of the document."""
    lines = [HEAD]
    for group in GROUPS:
        lines += [f"## {group}", ""]
        lines += ["| fault | what the user sees | the job ends | the operator has to | test |", "|---|---|---|---|---|"]
        for row, proofs in rows():
            if row.group == group:
                tests = ", ".join(map(str, proofs))
                lines.append(f"| {row.fault} | {row.sees} | {row.outcome} | {row.operator} | {tests} |")
        lines.append("")
    return "\n".join(lines)
