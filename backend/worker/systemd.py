"""The worker and what supervises it: readiness and watchdog for systemd, and a warning where jobs would die with us."""

import logging
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

log = logging.getLogger(__name__)

OWN_CGROUP = Path("/proc/self/cgroup")
SYSTEMCTL_SECONDS = 5.0


def notify(state: str) -> None:
    """Tell systemd ``READY=1`` or ``WATCHDOG=1`` (sd_notify(3)); nothing where it does not listen."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as sender:
        try:
            sender.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError as exc:
            log.debug("systemd did not take %s: %s", state, exc)


def warn_of_supervisor() -> None:
    """Log a warning when the end of this worker would be the end of its jobs. Call before anything is connected."""
    if (danger := danger_of_supervisor(os.getpid(), OWN_CGROUP.read_text(errors="replace"))) is not None:
        log.warning("%s", danger)


def danger_of_supervisor(pid: int, cgroup: str) -> str | None:
    """Why jobs would not survive this worker; None when nothing is known against it."""
    if pid == 1:
        return (
            "this worker is process 1 of its container: its jobs die with it; run it below one that stays,"
            " as deploy/keep-worker.sh"
        )
    unit = unit_of(cgroup)
    if unit is None or "INVOCATION_ID" not in os.environ:
        return None
    mode = _kill_mode(unit, user="/user@" in cgroup)
    if mode in (None, "process", "none"):
        return None
    return f"systemd ends the jobs with this worker (KillMode={mode} in {unit}): set KillMode=process"


def unit_of(cgroup: str) -> str | None:
    """The service that a process with this /proc/PID/cgroup belongs to, the innermost one."""
    for line in cgroup.splitlines():
        if found := re.findall(r"/([^/]+\.service)(?=/|$)", line):
            return str(found[-1])
    return None


def _kill_mode(unit: str, *, user: bool) -> str | None:
    if shutil.which("systemctl") is None:
        return None
    scope = ["--user"] if user else []
    command = ["systemctl", *scope, "show", "--property=KillMode", "--value", "--", unit]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SYSTEMCTL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
