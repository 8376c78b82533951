"""The question before an action: who is the victim, what happens to it, and why you do it."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from backend.actions.perform import Plan, Victim
from backend.actions.table import Action
from tui.commands import shown_command
from tui.screens.dialog import Dialog
from tui.views import plain

TYPED_ABOVE = 20
"""Targets above which their number must be typed."""
LISTED = 200
"""Victims that are listed one by one."""


class Confirm(Dialog[str | None]):
    """Answers with the reason (possibly empty) to go on, with None to leave all as it is."""

    AROUND = 14

    def __init__(self, action: Action, plan: Plan) -> None:
        super().__init__()
        self._action = action
        self._plan = plan

    def compose(self) -> ComposeResult:
        """Put the question together."""
        plan = self._plan
        with Vertical(id="dialog"):
            yield Static(question(self._action, plan), id="question")
            with VerticalScroll(id="body", can_focus=False):
                yield Static(victims(plan))
            if not plan.eligible:
                yield Static(Text("esc to close", style="dim"))
                return
            if len(plan.eligible) > TYPED_ABOVE:
                yield Input(placeholder=f"type {len(plan.eligible)} to go on", id="count", compact=True)
            yield Input(placeholder="reason, for the audit (may stay empty)", id="reason", compact=True)
            yield Static(
                Text.assemble(("⏎", "bold"), f" {self._action.label}   ", ("Esc", "bold"), " leave it"), id="way"
            )

    def on_mount(self) -> None:
        """Begin at the first line to type into."""
        for line in self.query(Input).results(Input):
            line.focus()
            break

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on when the number is right."""
        event.stop()
        counts = self.query("#count").results(Input)
        expected = str(len(self._plan.eligible))
        for count in counts:
            if count.value.strip() != expected:
                count.focus()
                self.query_one("#way", Static).update(Text(f"type {expected} in the first line, or Esc", style="bold"))
                return
        self.dismiss(self.query_one("#reason", Input).value.strip())


def question(action: Action, plan: Plan) -> Text:
    """Return the heading: ``Kill 1 job?``."""
    number = len(plan.eligible)
    if not number:
        return Text(f"{action.label.capitalize()}: nothing that can be done", style="bold")
    return Text(f"{action.label.capitalize()} {number} job{'s' if number != 1 else ''}?", style="bold")


def victims(plan: Plan) -> Text:
    """Return the list of who it hits, and of who it cannot with the reason."""
    lines = [line for victim in plan.eligible[:LISTED] for line in victim_lines(victim)]
    if len(plan.eligible) > LISTED:
        lines.append(Text(f"… and {len(plan.eligible) - LISTED:,} more"))
    if plan.ineligible and plan.eligible:
        lines.append(Text(f"not touched: {len(plan.ineligible)}", style="bold"))
    lines += [Text(f"  {job_id}  {plain(reason)}", style="dim") for job_id, reason in plan.ineligible[:LISTED]]
    return Text("\n").join(lines)


def victim_lines(victim: Victim) -> list[Text]:
    """Return a victim in two or three lines: job, node and pid; its command line; what happens."""
    where = f"  on {plain(victim.node)}" if victim.node else ""
    pid = f"  pid {victim.pid}" if victim.pid else ""
    lines = [Text.assemble((f"{victim.job_id}  {plain(victim.name)}", "bold"), where, pid)]
    if victim.cmdline:
        lines.append(Text(f"  $ {plain(shown_command(victim.cmdline))}"))
    lines.append(Text(f"  {plain(victim.what_happens)}", style="dim"))
    return lines
