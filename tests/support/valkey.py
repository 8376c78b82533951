"""A Valkey of a test's own, to be spoilt."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobwarden.backend.embedded.binaries import valkey_server
from tests.support.processes import wait_until


@dataclass
class Valkey:
    """``folder`` holds its socket and, in ``data``, what it saves."""

    folder: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"unix://{self.folder / 'r.sock'}"

    def start(self) -> None:
        """Start it, or start it anew."""
        data, path = self.folder / "data", self.folder / "r.sock"
        data.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        command = [valkey_server(), "--port", "0", "--unixsocket", str(path), "--dir", str(data)]
        if "--cluster-enabled" in self.options:  # else all clusters of this host would want the same port
            command += ["--cluster-port", str(_free_port())]
        self.process = subprocess.Popen(
            [*command, "--save", "3600 1", *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers, what="the server")

    def _answers(self) -> bool:
        """Its socket is there a moment before it can be connected to."""
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.folder / "r.sock")) == 0

    def kill(self) -> None:
        """Kill it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def valkey(folder: Path, *options: str) -> Iterator[Valkey]:
    """One that runs; ``folder`` must have a short name, as it holds the socket."""
    server = Valkey(folder, options)
    server.start()
    yield server
    server.kill()
