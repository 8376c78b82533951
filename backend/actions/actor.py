"""Who acts, as the audit names it."""

import getpass
import os
import socket


def user_name() -> str:
    """The login name of this process's user, or its number when it has none (as in many containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def current_actor() -> str:
    """``user@host``."""
    return f"{user_name()}@{socket.gethostname()}"
