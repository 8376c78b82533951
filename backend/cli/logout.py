"""Whether logging out would end what `jobwarden up` starts: systemd-logind ends what a session leaves behind, where it
is told to, and the user's manager with the last session of who does not linger."""

import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

CGROUP = Path("/proc/self/cgroup")
LINGER = Path("/var/lib/systemd/linger")
ASK_SECONDS = 5.0
_SESSION = re.compile(r"/session-[^/]+\.scope(/|$)", re.MULTILINE)

ENDS = "servers, worker and jobs may be killed when you log out"


def danger(cgroup: Path = CGROUP, linger: Path = LINGER) -> str | None:
    """One line that says so and what to do; None without danger, or when it cannot be known.

    What is started here stays in the control group that this process is in.
    """
    uid = os.geteuid()
    try:
        inside, name = cgroup.read_text(), pwd.getpwuid(uid).pw_name
    except (OSError, KeyError):
        return None
    if uid == 0:
        return None  # logind leaves root's processes alone, unless told otherwise
    lingers = (linger / name).exists()
    if f"/user@{uid}.service" in inside:
        return None if lingers else f"{ENDS}: prevent it by `loginctl enable-linger`"
    if not _SESSION.search(inside) or not _session_is_cleared():
        return None
    first = "" if lingers else "`loginctl enable-linger`, then "
    again = "`jobwarden down` and `systemd-run --user --scope jobwarden up --no-tui`"
    return f"{ENDS} (logind has KillUserProcesses=yes): prevent it by {first}{again}"


def _session_is_cleared() -> bool:
    """Whether logind kills what is left of a session; it is asked, as its configuration has many files."""
    program = shutil.which("loginctl")
    if program is None:
        return False
    words = [program, "show-session", "--property=KillUserProcesses", "--value"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False  # nobody answers: it cannot be known
    return done.returncode == 0 and done.stdout.strip() == "yes"
