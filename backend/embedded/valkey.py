"""The embedded Valkey (or Redis): started, recovered and stopped."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from urllib.parse import quote

from jobwarden.backend.embedded import home_lock, processes
from jobwarden.backend.embedded.binaries import valkey_server
from jobwarden.backend.embedded.home import Home, explained
from jobwarden.backend.errors import Refused, Unavailable

NAMES = ("valkey-server", "redis-server")
START_SECONDS = 60.0
ANSWER_SECONDS = 1.0
LOG_LIMIT_BYTES = 8 << 20
STOP_SIGNALS = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0))
"""TERM writes the log out and exits; what KILL loses is at most a second of it, and all of that is rung again."""


def url(home: Home) -> str:
    """The URL for clients."""
    return f"unix://{quote(str(socket_path(home)))}?db=0"


def socket_path(home: Home) -> Path:
    """The socket that the server listens on."""
    return home.sockets / "valkey.sock"


def ready(home: Home) -> bool:
    """Whether the server answers; one that is silent for a second is busy, one that loads its data is not ready.

    Raises Refused when it is somebody else's.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ANSWER_SECONDS)
        try:
            client.connect(str(socket_path(home)))
            processes.check_peer(client, socket_path(home))
            client.sendall(b"PING\r\n")
            answer = client.recv(64)
        except (TimeoutError, BlockingIOError):  # connected or not, it is there; attach looks who it is
            return processes.listening(socket_path(home))
        except (FileNotFoundError, NotADirectoryError, ConnectionError):
            return False
    return bool(answer) and not answer.startswith(b"-LOADING")


def running_pid(home: Home) -> int | None:
    """The server's process if it lives."""
    found = processes.working_in(home.valkey, NAMES)
    return found[0] if found else None


def start(home: Home) -> None:
    """Bring the server up; call it under the lock of the home. Raises Unavailable with the server's own reason."""
    if not processes.listening(socket_path(home)):
        stop(home)  # one that lost its socket: nobody can connect to it, and it still writes to the data
        with explained(home):
            _launch(home)
    if not processes.wait_until(lambda: ready(home) or running_pid(home) is None, START_SECONDS) or not ready(home):
        raise _failure(home)


def stop(home: Home) -> bool:
    """Shut the server down; False when it did not run. Raises Refused when it will not end."""
    pid = running_pid(home)
    if pid is None:
        return False
    if not processes.end(pid, STOP_SIGNALS, lambda pid: pid == running_pid(home)):
        raise Refused(f"Valkey (process {pid}) did not stop: see {log_path(home)}")
    return True


def log_path(home: Home) -> Path:
    """The server's log; the one before it has ``.1`` added."""
    return home.log / "valkey.log"


def _launch(home: Home) -> None:
    """The server detaches itself (--daemonize), so it is nobody's child and reports only through its log."""
    home.valkey.mkdir(mode=0o700, exist_ok=True)
    _rotate(log_path(home))
    options = {
        "port": "0",
        "unixsocket": str(socket_path(home)),
        "unixsocketperm": "700",
        "daemonize": "yes",
        "pidfile": str(home.run / "valkey.pid"),
        "logfile": str(log_path(home)),
        "dir": str(home.valkey),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "databases": "64",
        "maxmemory-policy": "noeviction",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    with home_lock.holding(home) as lock:
        done = processes.run([valkey_server(), *arguments], cwd=home.valkey, keep=[lock])
    if done.code != 0:
        raise _failure(home, done.output)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.rename(log.with_name(f"{log.name}.1"))


def _failure(home: Home, output: str = "") -> Unavailable:
    text = output or (log_path(home).read_text(errors="replace") if log_path(home).exists() else "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = lines[-1] if lines else "no reason given"
    return Unavailable(f"Valkey of {home.path} did not start: {reason}; its log is {log_path(home)}")
