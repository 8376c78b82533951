"""Another copy of the program, to be moved away or replaced under what runs from it."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]


def copy_program(target: Path) -> Path:
    """Copy the packages to a new folder: whoever has that folder first on his path runs it."""
    for name in ("backend", "tui"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    return target
