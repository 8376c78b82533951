"""How a screen acts: the targets are pinned when the key is pressed, planned, confirmed, performed, reported."""

import logging
from collections.abc import Iterable
from threading import Event

from textual import work

from jobwarden.backend.actions.results import Step
from jobwarden.backend.actions.targets import Scope
from jobwarden.backend.errors import JobwardenError
from jobwarden.tui.actions.model import ActionReport, Answer, Question, ReadyAction, ScreenAction
from jobwarden.tui.actions.screen_actions import JobAction
from jobwarden.tui.context import ScreenContext
from jobwarden.tui.dialogs.confirm import Confirm
from jobwarden.tui.dialogs.results import ProgressDialog, rehearsal_of, results_of
from jobwarden.tui.messages import ActionFailed, Arrived, Performed, Planned, Rehearsed, Stepped
from jobwarden.tui.screens.base.screen import BaseScreen
from jobwarden.tui.screens.log import LogScreen
from jobwarden.tui.widgets.log.panel import LogPanel

log = logging.getLogger(__name__)

CLEAN = "clean"
"""The action that goes for every anomaly unless rows are marked."""
UNDO_OF = "undo of "
"""Begins the label of what takes something back."""
BLINK = 0.4
"""Seconds after which an action that is not done yet shows how far it is."""


class ActingScreen(BaseScreen):
    """A screen with targets and the keys that act on them."""

    def __init__(self, context: ScreenContext) -> None:
        super().__init__(context)
        self.client = context.client
        self.read_only = context.read_only
        self._stop = Event()
        self._progress: ProgressDialog | None = None
        self._reached = Step(0, 0, None, "")
        self.busy = False

    def on_log_panel_zoomed(self, message: LogPanel.Zoomed) -> None:
        """Show a log on the whole screen."""
        screen = LogScreen(message.job, message.at, self.context.clock)
        self.app.push_screen(screen)
        for news in self.context.kept:
            screen.post_message(Arrived(news))

    def selected_id(self) -> int | None:
        """Return the job under the cursor, or the one that the screen is about."""
        raise NotImplementedError

    def marked(self) -> Scope | None:
        """Return what is marked, None when nothing is."""
        return None

    def targets(self, name: str) -> Scope:
        """Return what an action is for; an empty scope when there is nothing."""
        marked = self.marked()
        if marked is not None:
            return marked
        if name == CLEAN:
            return Scope(tuple(dict.fromkeys(self.to_clean())))
        selected = self.selected_id()
        return Scope(() if selected is None else (selected,))

    def to_clean(self) -> Iterable[int]:
        """Return the jobs that clean-up is for when none is marked: all anomalies."""
        return (row.job_id for row in self.snapshot.anomalies)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A read-only screen has no action keys at all."""
        return not (action in ("act", "undo", "node") and self.read_only)

    def action_act(self, name: str) -> None:
        """Begin an action on jobs."""
        scope = self.targets(name)
        if not scope.ids and scope.filter is None:
            nothing = "no anomalies are listed: nothing to clean up" if name == CLEAN else "no job is selected"
            self.notify(nothing, markup=False)
            return
        self.begin(JobAction(name, scope))

    def begin(self, action: ScreenAction) -> None:
        """Find out what an action would do, then ask."""
        if self.read_only:
            return
        if self.busy:
            self.notify("another action is still running: wait for it", markup=False)
            return
        self._plan(action)

    @work(thread=True, exclusive=True, group="plan")
    def _plan(self, action: ScreenAction) -> None:
        try:
            self.post_message(Planned(*action.ask(self.client)))
        except Exception as exc:  # whatever it is, the screen stays
            self._failed(action, exc)

    def on_planned(self, message: Planned) -> None:
        """Ask before anything is done; say why when there is nothing that can be."""
        question, action = message.question, message.action
        if not question.items and not question.forced and len(question.left_alone) == 1:
            key, reason = question.left_alone[0]
            self.notify(f"{question.noun} {key}: {reason}", title=f"cannot {question.label}", markup=False)
            return
        self.app.push_screen(Confirm(question), lambda answer: self._answered(question, action, answer))

    def _answered(self, question: Question, action: ScreenAction, answer: Answer | None) -> None:
        if answer is None:
            return
        if answer.dry:
            self._rehearse(action)
        elif answer.force:
            self._plan(question.forced or action)
        else:
            self._go([ReadyAction(action, answer)])

    @work(thread=True, exclusive=True, group="plan")
    def _rehearse(self, action: ScreenAction) -> None:
        try:
            self.post_message(Rehearsed(action.ask(self.client)[0]))
        except Exception as exc:  # whatever it is, the screen stays
            self._failed(action, exc)

    def on_rehearsed(self, message: Rehearsed) -> None:
        """Tell what a dry run found."""
        self.app.push_screen(rehearsal_of(message.question))

    def action_undo(self) -> None:
        """Take the last action back that can be."""
        if self.read_only or self.busy:
            return
        report = self.context.undoable.take()
        if report is None:
            self.notify("nothing to undo: only hold, unhold, priority, drain and resume can be undone", markup=False)
        else:
            self._go(list(report.undo), f"{UNDO_OF}{report.label}")

    def _go(self, ready: list[ReadyAction], label: str = "") -> None:
        self._stop, self.busy, self._progress = Event(), True, None
        self._reached = Step(0, 0, None, "")
        self.set_timer(BLINK, self._show_progress)
        self._label = label or ready[0].action.label
        self._perform(ready, self._label, self._stop)

    def _show_progress(self) -> None:
        if self.busy:
            self._progress = ProgressDialog(self._label, self._stop, self._reached)
            self.app.push_screen(self._progress)

    @work(thread=True, group="perform")
    def _perform(self, ready: list[ReadyAction], label: str, stop: Event) -> None:
        reports: list[ActionReport] = []
        try:
            for one in ready:
                reports.append(one.action.do(self.client, one.answer, self._step, stop.is_set))
        except Exception as exc:  # whatever it is, the screen stays
            self._failed(ready[len(reports)].action, exc)
        if reports:
            outcomes = tuple(outcome for report in reports for outcome in report.outcomes)
            undo = tuple(one for report in reports for one in report.undo)
            # What is taken back is done with: the next time the one before it is taken back, not this one done again.
            undo = () if label.startswith(UNDO_OF) else undo
            self.post_message(Performed(ActionReport(label, reports[0].noun, outcomes, undo)))

    def _step(self, step: Step) -> None:
        self.post_message(Stepped(step))

    def on_stepped(self, message: Stepped) -> None:
        """Show how far the action is."""
        self._reached = message.step
        if self._progress is not None:
            self._progress.show(message.step)

    def _failed(self, action: ScreenAction, exc: Exception) -> None:
        """Say what went wrong; what nobody foresaw also leaves its traceback in dashboard.log."""
        if isinstance(exc, JobwardenError):
            self.post_message(ActionFailed(str(exc)))
            return
        log.error("%s failed", action, exc_info=exc)
        self.post_message(ActionFailed(f"internal error: {exc} (details in log/dashboard.log); nothing more was done"))

    def on_performed(self, message: Performed) -> None:
        """Report: one result as a note, several as a list."""
        self._done()
        report = message.report
        self.context.undoable.keep(report)
        if len(report.outcomes) != 1:
            self.app.push_screen(results_of(report))
            return
        outcome = report.outcomes[0]
        back = "   (Z to undo)" if report.undo else ""
        said = f"{report.noun} {outcome.key}: {outcome.message}{back}"
        self.notify(said, severity="information" if outcome.ok else "error", markup=False, timeout=6)

    def on_action_failed(self, message: ActionFailed) -> None:
        """Say why it could not be done."""
        self._done()
        self.notify(message.text, severity="error", markup=False, timeout=8)

    def _done(self) -> None:
        self.busy = False
        if self._progress is not None and self._progress.is_attached:
            self._progress.dismiss(None)
        self._progress = None
