"""One row of the fault matrix, declared at the test that proves it and printed from there into the documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

GROUPS = ("Worker", "Jobs", "Queue", "Network", "Database", "Disks", "Clock", "Host")
"""Sections of the table, in the order in which they are printed."""

CODE = 5
"""What a script exits with in these tests when the fault is to make no difference."""
ITS_OWN = ("FAILED", "SCRIPT_ERROR")
"""The end of such a script."""

Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, what a user sees of it, how the job ends (None: as its script does), what an operator has to do."""

    group: str
    fault: str
    sees: str
    operator: str = "nothing"
    ends: tuple[str, str | None] | None = None

    def check(self, job: Any) -> None:
        """That the job, a row of ``jobs``, ended as declared here."""
        assert (job.state, job.failure_reason) == (self.ends or ITS_OWN), job
        if self.ends is None:
            assert job.exit_code == CODE, job

    @property
    def outcome(self) -> str:
        """The end of the job, as printed."""
        if self.ends is None:
            return "as its script does"
        state, reason = self.ends
        return f"`{state}` `{reason}`" if reason else f"`{state}`"


def shows(
    group: str, *, fault: str, sees: str, operator: str = "nothing", ends: tuple[str, str | None] | None = None
) -> Callable[[Test], Test]:
    """Declare the row that a test proves; the test gets it as the fixture ``row``."""
    row = Row(group, fault, sees, operator, ends)

    def declare(test: Test) -> Test:
        test.__dict__["matrix_row"] = row
        return test

    return declare
