"""Commands in a container of their own: other mounts, processes, host name, and on demand another boot."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

BOOT_ID = "/proc/sys/kernel/random/boot_id"


@dataclass(frozen=True, slots=True)
class Apart:
    """What is done inside before the command runs, as lines of sh."""

    folder: Path
    setup: tuple[str, ...] = ()
    flags: tuple[str, ...] = ("-m", "-p", "-f", "-i", "-u", "--mount-proc", "--kill-child")

    def prefix(self) -> list[str]:
        """To be put before a command."""
        return ["unshare", *self.flags, "sh", "-ec", "\n".join((*self.setup, 'exec "$@"')), "sh"]

    def named(self, host: str) -> Apart:
        """With another host name, as every container has, which is the name of its node."""
        return self._with(f"hostname {shlex.quote(host)}", f"export JOBWARDEN_NODE_NAME={shlex.quote(host)}")

    def of_another_machine(self, host: str) -> Apart:
        """With another host name, boot and machine id: what another machine reads of itself."""
        folder = self.folder / host
        folder.mkdir()
        (folder / "boot").write_text("11111111-2222-3333-4444-555555555555\n")
        (folder / "machine").write_text("0123456789abcdef0123456789abcdef\n")
        machine = "[ ! -e /etc/machine-id ] || mount --bind"
        return self.named(host)._with(
            f"mount --bind {folder}/boot {BOOT_ID}", f"{machine} {folder}/machine /etc/machine-id"
        )

    def over(self, place: Path, content: Path) -> Apart:
        """With ``content`` seen at ``place``."""
        return self._with(f"mount --bind {shlex.quote(str(content))} {shlex.quote(str(place))}")

    def _with(self, *lines: str) -> Apart:
        return Apart(self.folder, (*self.setup, *lines), self.flags)


@pytest.fixture
def apart(tmp_path: Path) -> Apart:
    """Skips where no container can be made."""
    made = Apart(tmp_path)
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare(1)")
    if subprocess.run([*made.prefix(), "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are not allowed here")
    return made
