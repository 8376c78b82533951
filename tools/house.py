"""Whether the code still fits its rooms: ``python -m tools.house`` prints the figures, and fails past a limit."""

from __future__ import annotations

import ast
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ("backend", "tui")
NOT_MODULES = ("backend/demo/scripts",)
"""Folders of scripts that are run as jobs and imported by nobody."""

MOST_MODULES, LONGEST, SHORT, MOST_SHORT_PERCENT, MOST_IN_FOLDER = 270, 400, 50, 15.0, 18
"""Modules; lines of one; below how many lines one is short, how many percent may be; modules of one folder."""
MEDIAN = range(90, 141)
"""Lines of the module in the middle."""


@dataclass(frozen=True, slots=True)
class Module:
    """One file of code; a package's file that only says what the package is for is none."""

    path: Path
    lines: int
    types: tuple[str, ...]

    @property
    def folder(self) -> str:
        """The folder it is in, as it is named in the documents."""
        return str(self.path.parent.relative_to(ROOT))


def modules() -> list[Module]:
    """Every module of the program."""
    return [module for source in SOURCES for module in _below(ROOT / source)]


def _below(folder: Path) -> Iterator[Module]:
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text())
        only_words = path.name == "__init__.py" and len(tree.body) == (ast.get_docstring(tree) is not None)
        if only_words or str(path.parent.relative_to(ROOT)) in NOT_MODULES:
            continue
        types = tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_")
        yield Module(path, len(path.read_text().splitlines()), types)


def complaints(found: list[Module]) -> Iterator[str]:
    """What is past a limit, a line each."""
    lengths = [module.lines for module in found]
    if len(found) > MOST_MODULES:
        yield f"{len(found)} modules, at most {MOST_MODULES}"
    if round(statistics.median(lengths)) not in MEDIAN:
        yield f"the median module has {statistics.median(lengths):.0f} lines, not {MEDIAN.start} to {MEDIAN.stop - 1}"
    yield from (
        f"{module.path.relative_to(ROOT)} has {module.lines} lines, at most {LONGEST}"
        for module in found
        if module.lines > LONGEST
    )
    short = 100 * sum(lines < SHORT for lines in lengths) / len(found)
    if short > MOST_SHORT_PERCENT:
        yield f"{short:.0f}% of the modules have less than {SHORT} lines, at most {MOST_SHORT_PERCENT:.0f}%"
    for folder, number in Counter(module.folder for module in found).items():
        if number > MOST_IN_FOLDER:
            yield f"{folder} has {number} modules, at most {MOST_IN_FOLDER}"
    places = defaultdict(list)
    for module in found:
        for name in module.types:
            places[name].append(str(module.path.relative_to(ROOT)))
    yield from (f"{name} is defined in {' and '.join(where)}" for name, where in places.items() if len(where) > 1)


def figures(found: list[Module]) -> str:
    """What the code measures, in one line."""
    lengths = [module.lines for module in found]
    folders = Counter(module.folder for module in found)
    largest, number = folders.most_common(1)[0]
    short = sum(lines < SHORT for lines in lengths)
    return (
        f"{len(found)} modules, median {statistics.median(lengths):.0f} lines, longest {max(lengths)}, "
        f"{short} ({100 * short / len(found):.0f}%) below {SHORT}; fullest folder {largest} with {number}"
    )


def main() -> int:
    """Print the figures; the exit status is 1 when one is past its limit."""
    found = modules()
    print(figures(found))
    wrong = list(complaints(found))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
