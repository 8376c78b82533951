"""Shims of tests, started as a worker starts them."""

import os
from collections.abc import Mapping, Sequence

from jobwarden.backend.errors import LaunchError
from jobwarden.backend.process.launch_server import Gated, LaunchServer
from jobwarden.backend.process.spawn import Launch, Orders
from jobwarden.backend.process.spool import Folder

KEY = "k" * 32
"""Seals the records of these jobs."""


def launched(server: LaunchServer, launch: Launch) -> Gated:
    """One started shim; raises what came in its place."""
    [result] = server.launch([launch])
    if isinstance(result, LaunchError):
        raise result
    return result


def attempt(
    root: object,
    number: int = 1,
    script: str | bytes = "",
    *,
    job_id: int = 1,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    cookie: str = "cookie",
    group: str = "",
    orders: Orders | None = None,
) -> Launch:
    """An attempt in a folder of ``root``."""
    folder = Folder(f"{root}/{number}", job_id)
    return Launch(folder, number, cookie, script, arguments, environment or {}, "/", orders or Orders(KEY), group)


def folder_of(root: object, number: int = 1, script: str | bytes = "", *, job_id: int = 1) -> Folder:
    """A folder as an attempt leaves it whose gate never opened."""
    server = LaunchServer()
    try:
        launch = attempt(root, number, script, job_id=job_id)
        gated = launched(server, launch)
    finally:
        server.stop()
    os.waitpid(gated.pid, 0)
    os.close(gated.pidfd)
    return launch.folder
