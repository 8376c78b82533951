"""Where the built supervisor program is."""

from functools import lru_cache
from importlib.resources import files
from os import X_OK, access

from backend.errors import Refused

SHIM_NAME = "jobwarden-shim"


@lru_cache(maxsize=1)
def shim_path() -> str:
    """Path of the supervisor that is every job's parent (see ``shim.c``).

    Raises Refused when it was not built, which only happens in a source tree that was never installed.
    """
    path = str(files("backend.process").joinpath(SHIM_NAME))
    if not access(path, X_OK):
        raise Refused(f"the job supervisor {path} is not built: run `make install`")
    return path
