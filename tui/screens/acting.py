"""How a screen acts: the targets are pinned when the key is pressed, planned, confirmed, performed, reported."""

import logging

from textual import work

from backend.actions.perform import Plan
from backend.actions.table import ACTIONS
from backend.errors import JobwardenError
from tui.deeds import Deed
from tui.desk import Desk
from tui.messages import DeedFailed, Performed, Planned
from tui.screens.base import BaseScreen
from tui.screens.confirm import Confirm
from tui.screens.results import Results

log = logging.getLogger(__name__)

CLEAN = "clean"
"""The action that goes for every anomaly, not for the selected job."""


class ActingScreen(BaseScreen):
    """A screen with a selected job and the keys that act on it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.deeds = desk.deeds
        self.read_only = desk.read_only

    def selected_id(self) -> int | None:
        """Return the job that actions are for."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A read-only screen has no action keys at all."""
        return not (action == "act" and self.read_only)

    def action_act(self, name: str) -> None:
        """Begin an action: pin its targets and find out what it would do."""
        if self.read_only:
            return
        ids = self._targets(name)
        if not ids:
            nothing = "no anomalies: nothing to clean up" if name == CLEAN else "no job is selected"
            self.notify(nothing, markup=False)
            return
        self._plan(Deed(name, ids))

    def _targets(self, name: str) -> tuple[int, ...]:
        if name == CLEAN:
            return tuple(dict.fromkeys(row.job_id for row in self.snapshot.anomalies))
        selected = self.selected_id()
        return () if selected is None else (selected,)

    @work(thread=True, exclusive=True, group="plan")
    def _plan(self, deed: Deed) -> None:
        try:
            self.post_message(Planned(deed, self.deeds.plan(deed.name, deed.ids)))
        except Exception as exc:  # whatever it is, the screen stays
            self._failed(deed, exc)

    def on_planned(self, message: Planned) -> None:
        """Ask before anything is done; say why when there is nothing that can be."""
        deed, plan = message.deed, message.plan
        if not plan.eligible and len(plan.ineligible) == 1:
            job_id, reason = plan.ineligible[0]
            self.notify(f"job {job_id}: {reason}", title=f"cannot {ACTIONS[deed.name].label}", markup=False)
            return
        self.app.push_screen(Confirm(ACTIONS[deed.name], plan), lambda reason: self._confirmed(deed, plan, reason))

    def _confirmed(self, deed: Deed, plan: Plan, reason: str | None) -> None:
        if reason is None:
            return
        eligible = tuple(victim.job_id for victim in plan.eligible)
        self.notify(f"{ACTIONS[deed.name].label}: {len(eligible)} …", timeout=2, markup=False)
        self._perform(Deed(deed.name, eligible), reason)

    @work(thread=True, group="perform")
    def _perform(self, deed: Deed, reason: str) -> None:
        try:
            self.post_message(Performed(deed, self.deeds.perform(deed.name, deed.ids, reason or None)))
        except Exception as exc:  # whatever it is, the screen stays
            self._failed(deed, exc)

    def _failed(self, deed: Deed, exc: Exception) -> None:
        """Say what went wrong; what nobody foresaw also leaves its traceback in dashboard.log."""
        if isinstance(exc, JobwardenError):
            self.post_message(DeedFailed(str(exc)))
            return
        log.error("%s of %s failed", deed.name, deed.ids, exc_info=exc)
        self.post_message(DeedFailed(f"internal error: {exc} (details in log/dashboard.log); nothing more was done"))

    def on_performed(self, message: Performed) -> None:
        """Report: one result as a note, several as a list."""
        if len(message.results) == 1:
            result = message.results[0]
            severity = "information" if result.ok else "error"
            self.notify(f"job {result.job_id}: {result.message}", severity=severity, markup=False, timeout=6)  # type: ignore[arg-type]
        else:
            self.app.push_screen(Results(ACTIONS[message.deed.name].label, message.results))

    def on_deed_failed(self, message: DeedFailed) -> None:
        """Say why it could not be done."""
        self.notify(message.text, severity="error", markup=False, timeout=8)
