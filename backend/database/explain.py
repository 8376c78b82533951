"""What the database says, as an error of ours."""

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from backend.database.engine import unavailable
from backend.errors import InputError, JobwardenError, Refused, Unavailable


def explain(exc: DBAPIError, engine: Engine, *, embedded: bool, lacking: str) -> JobwardenError | None:
    """The error a user should see; None when it is a mistake of ours.

    A lost or refused connection is Unavailable, as are a conflict, a full disk and the like, which pass by; a guard of
    the schema (SQLSTATE class JW) or a missing privilege (42501, told with ``lacking``) is Refused; a value that breaks
    a CHECK is an InputError. ``embedded``: whether the server is that of the home.
    """
    code = getattr(exc.orig, "pgcode", None)
    said = next(iter(str(exc.orig).splitlines()), "")
    if code is None or code.startswith(("08", "57P")):
        return unavailable(exc, engine, embedded=embedded)
    if code == "42501":
        return Refused(lacking)
    if code == "23514":  # a rule of the schema; the program's own checks come first and say more
        return InputError(f"the database does not take this: {said}")
    if code.startswith("JW") or code == "25006":
        return Refused(said)
    if code.startswith(("40", "53", "57", "58")):  # conflict, no resources, intervention, system error
        return Unavailable(f"the database cannot do that now: {said}")
    return None
