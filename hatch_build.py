"""Compiles the job shim into the package, for wheels and editable installs alike."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ("-O2", "-Wall", "-Wextra")
HARDENING = (
    "-Werror=format-security",
    "-D_FORTIFY_SOURCE=3",
    "-fstack-protector-strong",
    "-fcf-protection",
    "-Wl,-z,relro,-z,now",
    "-Wl,-z,noexecstack",
)
"""Each where the compiler has it: not every one knows every processor."""
LINKS = (("-static-pie", "-fPIE"), ("-static",), ("-pie", "-fPIE"), ())
"""How the program may be put together, the best first. Static starts faster, and nothing can be loaded into it."""
EMPTY = "int main(void) { return 0; }\n"


class ShimBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds ``backend/process/jobwarden-shim`` from ``shim.c`` and marks the wheel as one for this platform."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before hatchling collects the files; ``version`` is ``standard`` or ``editable``."""
        folder = Path(self.root) / "backend" / "process"
        compile_shim(folder / "shim.c", folder / "jobwarden-shim")
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        if version == "standard":  # in a checkout the links lead there
            build_data["force_include"] = {name: f"jobwarden/{name}" for name in ("backend", "tui")}
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"


def compile_shim(source: Path, target: Path) -> None:
    """Compile ``source`` to ``target``, as hardened as the compiler can.

    The result replaces ``target`` in one step, so that a shim that is running is never written over.
    """
    compiler = find_compiler()
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        hardening = [flag for flag in HARDENING if takes(compiler, flag)]
        for link in LINKS:
            command = [compiler, *FLAGS, *hardening, *link, "-o", str(fresh), str(source)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                fresh.replace(target)
                return
        raise SystemExit(f"jobwarden: {compiler} could not compile {source}:\n{done.stderr.strip()}")
    finally:
        fresh.unlink(missing_ok=True)


def takes(compiler: str, flag: str) -> bool:
    """Whether the compiler knows a flag, and has a word of complaint about it at most."""
    command = [compiler, *FLAGS, flag, "-Werror", "-x", "c", "-", "-o", os.devnull]
    return subprocess.run(command, input=EMPTY, capture_output=True, text=True, check=False).returncode == 0


def find_compiler() -> str:
    """The C compiler: ``$CC``, else cc, gcc or clang on the PATH."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if name and (found := shutil.which(name)):
            return found
    raise SystemExit("jobwarden: no C compiler found: install one (for Debian: apt-get install gcc libc6-dev)")
