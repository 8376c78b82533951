"""Another copy of the program, to be moved away or replaced under what runs from it."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]


def copy_program(target: Path) -> Path:
    """Copy the package to a new folder, as an installation has it: whoever has that folder on his path runs it."""
    shutil.copytree(ROOT / "jobwarden", target / "jobwarden", ignore=shutil.ignore_patterns("__pycache__"))
    return target
