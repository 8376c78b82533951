"""The title and the text of one job."""

from datetime import datetime

from textual.widgets import Static

from backend.readmodel.records import AnomalyRow, JobDetail
from tui.looks import ROLES
from tui.views import job_text, job_title
from tui.widgets.roles import badge_style, role_style

_PARTS = (*ROLES, "alarm")


class _Styled(Static):
    COMPONENT_CLASSES = {f"job--{role}" for role in _PARTS}  # noqa: RUF012 (as Textual declares it)

    def styles_of_roles(self) -> dict[str, str]:
        """Return the style of each colour role in the theme of now."""
        styles = {role: str(role_style(self, f"job--{role}")) for role in ROLES}
        return {**styles, "alarm": str(badge_style(self, "job--alarm"))}


class JobTitle(_Styled):
    """Id, name, state and anomaly."""

    def show(self, detail: JobDetail, anomaly: AnomalyRow | None) -> None:
        """Show another version of the job."""
        self.update(job_title(detail.job, anomaly, self.styles_of_roles()))


class JobText(_Styled):
    """Facts, allocations, history and script."""

    def show(self, detail: JobDetail, anomaly: AnomalyRow | None, now: datetime) -> None:
        """Show another version of the job, or a later time."""
        self.update(job_text(detail, anomaly, now, self.styles_of_roles()))
