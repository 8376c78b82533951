"""What an action asks of the database user who wants it, said before anything is tried.

The database refuses by itself (roles.sql). But where its policies hide a row, it changes nothing and says nothing: who
may not would be told that there was nothing to do.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from backend.database.roles import OPERATOR, SUBMITTER, lacking
from backend.errors import Refused

NEEDS = {
    "cancel": SUBMITTER, "resubmit": SUBMITTER, "kill": OPERATOR, "mark-failed": OPERATOR, "release": OPERATOR,
    "hold": OPERATOR, "unhold": OPERATOR, "priority": OPERATOR, "drain": OPERATOR, "resume": OPERATOR,
    "map logins": OPERATOR,
}  # fmt: skip
"""Action -> the least role. ``clean`` is judged where something is to be ended, see takeover."""
NOT_YOURS = f"was submitted by another database user: {OPERATOR} is needed for it"

_ROLES = text("""
    SELECT has_column_privilege('jobs', 'name', 'INSERT') AS submitter,
           has_column_privilege('jobs', 'error_msg', 'UPDATE') AS operator
""")
_OTHERS = text("SELECT id FROM jobs WHERE id = ANY(:ids) AND submitted_by IS DISTINCT FROM session_user")


def may_act_on_all(conn: Connection, name: str) -> bool:
    """Whether this user may do it to every job, else only to its own. Raises Refused when not even that."""
    found = conn.execute(_ROLES).one()
    if found.operator:
        return True
    needed = NEEDS.get(name)
    if needed == OPERATOR or (needed == SUBMITTER and not found.submitter):
        raise Refused(lacking(needed, name))
    return name != "cancel"


def of_others(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Those of the jobs that another database user submitted."""
    return set(conn.scalars(_OTHERS, {"ids": list(ids)}))
