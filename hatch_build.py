"""Compiles the job shim into the package, for wheels and editable installs alike."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ("-O2", "-Wall")


class ShimBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds ``backend/process/jobwarden-shim`` from ``shim.c`` and marks the wheel as one for this platform."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before hatchling collects the files; ``version`` is ``standard`` or ``editable``."""
        folder = Path(self.root) / "backend" / "process"
        compile_shim(folder / "shim.c", folder / "jobwarden-shim")
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"


def compile_shim(source: Path, target: Path) -> None:
    """Compile ``source`` to ``target``: static where a static libc is there, since that starts faster.

    The result replaces ``target`` in one step, so that a shim that is running is never written over.
    """
    compiler = find_compiler()
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        for link in (["-static"], []):
            command = [compiler, *FLAGS, *link, "-o", str(fresh), str(source)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                fresh.replace(target)
                return
        raise SystemExit(f"jobwarden: {compiler} could not compile {source}:\n{done.stderr.strip()}")
    finally:
        fresh.unlink(missing_ok=True)


def find_compiler() -> str:
    """The C compiler: ``$CC``, else cc, gcc or clang on the PATH."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if name and (found := shutil.which(name)):
            return found
    raise SystemExit("jobwarden: no C compiler found: install one (for Debian: apt-get install gcc libc6-dev)")
