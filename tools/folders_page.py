"""Write the folder map of docs/architecture.md from what each package says: ``python -m tools.folders_page``."""

from __future__ import annotations

import ast
from pathlib import Path

from tools.house import ROOT, SOURCES

PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- folders: written by `make docs` -->", "<!-- end of folders -->"


def page() -> str:
    """The page as it should be: the text around the map as it is, the map anew."""
    text = PAGE.read_text()
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


def table() -> str:
    """One line for each package, in the order of the alphabet."""
    rows = [
        f"| `{folder.relative_to(ROOT)}` | {_purpose(folder)} |" for source in SOURCES for folder in _packages(source)
    ]
    return "\n".join(["| folder | what for |", "|---|---|", *rows])


def _packages(source: str) -> list[Path]:
    return sorted(path.parent for path in (ROOT / source).rglob("__init__.py"))


def _purpose(folder: Path) -> str:
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    return said.partition("\n\n")[0].replace("\n", " ").replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(page())
