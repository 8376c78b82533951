"""The log of a job: its lines, a line that says how things stand, and a line to type into."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message

from jobwarden.backend.errors import InputError
from jobwarden.backend.logs import requests
from jobwarden.backend.logs.requests import Request
from jobwarden.backend.logs.search import Pattern
from jobwarden.backend.logs.view import LogView, RequestOutcome
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.tui import clipboard
from jobwarden.tui.keys.bindings import LOG
from jobwarden.tui.keys.model import bindings
from jobwarden.tui.messages import on_screen
from jobwarden.tui.widgets.log.body import LogBody
from jobwarden.tui.widgets.log.prompt import COPY, GOTO, ONLY, SAVE, SEARCH, LogPrompt, PromptKind
from jobwarden.tui.widgets.log.status import LogStatus, Standing

COPIED = 100
"""Lines that are copied when nobody says how many."""


class LogPanel(Vertical):
    """Shows a LogView, and asks its source for everything else: nothing is read here."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LOG)

    class Followed(Message):
        """Following began or ended, or lines came in while it did not follow."""

        def __init__(self, following: bool, unseen: int) -> None:
            super().__init__()
            self.following = following
            self.unseen = unseen

    class Reshaped(Message):
        """What is under the lines came or went."""

    class Zoomed(Message):
        """The log is wanted on the whole screen, at an offset (None for its end); or no longer."""

        def __init__(self, job: JobRow, at: int | None) -> None:
            super().__init__()
            self.job = job
            self.at = at

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._body = LogBody()
        self._status = LogStatus()
        self._prompt = LogPrompt()
        self._view = LogView()
        self._search: Pattern | None = None
        self._searched: Pattern | None = None
        self._said: RequestOutcome | None = None
        self._acted = 0
        self._seen = 0
        self._told: tuple[bool, int] | None = None
        self._answers: dict[PromptKind, Callable[[LogPrompt.Answered], None]] = {
            SEARCH: self._search_answered,
            ONLY: self._only_answered,
            GOTO: self._goto_answered,
            COPY: self._copy_answered,
            SAVE: self._save_answered,
        }

    def compose(self) -> ComposeResult:
        """Put the panel together."""
        yield self._body
        yield self._status
        yield self._prompt

    @property
    def following(self) -> bool:
        """Whether the panel stays at the end."""
        return self._body.following

    @property
    def unseen(self) -> int:
        """Return how many lines came since it does not."""
        return 0 if self.following else self._came(self._view) - self._seen

    @property
    def extra(self) -> int:
        """Lines that the panel needs besides those of the log."""
        return bool(self._status.display) + bool(self._prompt.display)

    def focus(self, scroll_visible: bool = True) -> "LogPanel":
        """Give the lines the keys."""
        self._body.focus(scroll_visible)
        return self

    def show(self, view: LogView) -> None:
        """Show the log as it is now; another log, or one that was replaced, begins at its end."""
        before = self._view
        other = (view.job_id, view.source) != (before.job_id, before.source)
        self._view = view
        if other:
            self._search, self._said, self._acted = None, None, 0
            self._body.numbers = False
        self._body.show(view, anew=other or view.generation != before.generation)
        if view.outcome is not None and view.outcome.serial > self._acted:
            self._act_on(view.outcome)
        self._tell()

    def _act_on(self, outcome: RequestOutcome) -> None:
        self._acted, self._said = outcome.serial, outcome
        if outcome.goto is not None:
            self._body.go(outcome.goto, match=outcome.match)
        if outcome.clip is not None:
            clipboard.send(self.app, outcome.clip, os.environ, partial(self._clip_sent, outcome))

    def _clip_sent(self, outcome: RequestOutcome, what: str, wrong: bool) -> None:
        """Say what became of the text, unless something else was asked for since."""
        if outcome.serial == self._acted:
            self._said = replace(outcome, text=f"{outcome.text} {what}", error=wrong)
            self._tell()

    def _came(self, view: LogView) -> int:
        """Return how many lines came since the log was opened; a view without rows holds all there are."""
        return view.arrived if view.source is not None else len(view.lines)

    def _ask(self, request: Request) -> None:
        if self._view.source is not None:
            self._view.source.ask(request)

    def _tell(self) -> None:
        """Say how things stand: here, and to the screen; nothing when the panel is on its way out."""
        if not on_screen(self._status):
            return
        if self.following:
            self._seen = self._came(self._view)
        if (told := (self.following, self.unseen)) != self._told:
            self._told = told
            self.post_message(self.Followed(*told))
        said = self._said if self._said is not None and self._said.text else None
        standing = Standing(
            self._view, self.following, self._body.last_row, self._search,
            said.text if said else "", said.error if said else False,
        )  # fmt: skip
        busy = bool(said or self._view.task or self._view.only or self._search)
        asking = self._prompt.display and not (said and said.error)
        self._status.display = not asking and (busy or self._body.has_focus) and not self._view.note
        self._status.show(standing)

    def on_log_body_moved(self, event: LogBody.Moved) -> None:
        """Say where the viewer is."""
        event.stop()
        self._tell()

    def on_log_body_wanted(self, event: LogBody.Wanted) -> None:
        """Read around where the viewer is."""
        event.stop()
        self._ask(requests.Near(event.offset))

    def on_log_body_pointed(self, event: LogBody.Pointed) -> None:
        """Go where the bar was clicked."""
        event.stop()
        self._ask(requests.Go(f"{event.part * 100:.2f}%"))

    def on_descendant_focus(self) -> None:
        """Say more while the panel has the keys."""
        self.set_class(True, "-active")
        self._tell()

    def on_descendant_blur(self) -> None:
        """Say less."""
        self.set_class(self._prompt.has_focus_within, "-active")
        self.call_after_refresh(self._tell)

    # --- moving

    def _moved(self, was_following: bool) -> None:
        """Let the reader know when following began or ended."""
        self._said = None
        if was_following and not self.following:
            self._ask(requests.Near(self._body.first_offset))
        elif self.following and not was_following:
            self._ask(requests.Follow(True))
        self._tell()

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        was = self.following
        self._body.move(lines)
        self._moved(was)

    def action_page(self, pages: float) -> None:
        """Scroll by screens."""
        self.action_scroll(round(self._body.size.height * pages))

    def action_side(self, cells: int) -> None:
        """Scroll to the side."""
        self._body.side(cells)

    def action_top(self) -> None:
        """Go to the first line."""
        was = self.following
        if self._view.skipped > 0 and self._view.source is not None:
            self._ask(requests.Go("0%"))
            return
        self._body.to_first()
        self._moved(was)

    def action_bottom(self) -> None:
        """Go to the end and follow it."""
        self._body.follow()
        self._said = None
        self._ask(requests.Follow(True))
        self._tell()

    # --- searching and filtering

    def action_search(self) -> None:
        """Ask what to search."""
        self._open(SEARCH)

    def action_only(self) -> None:
        """Ask what to show."""
        self._open(ONLY)

    def action_match(self, way: Literal["up", "down"]) -> None:
        """Go to the next match."""
        if self._search is None:
            self.action_search()
            return
        self._ask(requests.Find(self._search, way, self._from(way)))

    def _from(self, way: Literal["up", "down"]) -> int:
        """Return where a search begins: at the match on the screen, else at the edge of the screen."""
        current = self._body.current_row
        if current is not None:
            return current.end if way == "down" else current.start
        if way == "down":
            return self._body.first_offset
        return self._bottom_offset()

    def _bottom_offset(self) -> int:
        last = self._body.last_row
        return self._view.size if self.following or last is None else last.end

    def action_give_up(self) -> None:
        """Stop what goes on; else forget the search; else show all lines; else the key is the screen's."""
        if self._view.task and self._view.source is not None and not self._view.only:
            self._ask(requests.Cancel())
        elif self._search is not None:
            self._search, self._said, self._body.current = None, None, None
            self._ask(requests.Unmark())
            self._tell()
        elif self._view.only is not None:
            self._ask(requests.Only(None, None if self.following else self._body.first_offset))
        else:
            raise SkipAction

    # --- the rest

    def action_wrap(self) -> None:
        """Fold long lines, or not."""
        self._body.wrap = not self._body.wrap

    def action_times(self) -> None:
        """Show when lines were seen to arrive, or not."""
        self._body.times = not self._body.times

    def action_numbers(self) -> None:
        """Show line numbers, or not."""
        self._body.numbers = not self._body.numbers
        self._ask(requests.Number(self._body.numbers))

    def action_goto(self) -> None:
        """Ask where to go."""
        self._open(GOTO)

    def action_copy(self) -> None:
        """Ask how many lines to copy."""
        self._open(COPY, str(COPIED))

    def action_save(self) -> None:
        """Ask where to save the log."""
        self._open(SAVE, f"job_{self._view.job_id}.log")

    def action_zoom(self) -> None:
        """Show the log on the whole screen, or where it was."""
        source = self._view.source
        if source is None:
            self.app.notify("no log to show here", markup=False)
            return
        self.post_message(self.Zoomed(source.job, None if self.following else self._body.first_offset))

    def _open(self, question: PromptKind, text: str = "") -> None:
        self._said = None
        self._prompt.ask(question, text)
        self._tell()

    def on_log_prompt_closed(self, event: LogPrompt.Closed) -> None:
        """Give the lines the keys again."""
        event.stop()
        self._body.focus()
        self._tell()

    def on_log_prompt_answered(self, event: LogPrompt.Answered) -> None:
        """Do what was typed; what is wrong with it is said."""
        event.stop()
        self._body.focus()
        try:
            if event.question.pattern:
                event.pattern.check()
            self._answers[event.question](event)
        except InputError as exc:
            self._prompt.ask(event.question, event.text, wrong=True)
            self._said = RequestOutcome(self._acted, text=str(exc), error=True)
        self._tell()

    def _search_answered(self, event: LogPrompt.Answered) -> None:
        """Search; without a text once more for the last, on from where that was found."""
        if event.text:
            self._searched, self._body.current = event.pattern, None
        self._search = self._searched
        if self._search is not None:
            self._ask(requests.Find(self._search, "up", self._from("up"), turn=True))

    def _only_answered(self, event: LogPrompt.Answered) -> None:
        at = None if self.following else self._body.first_offset
        self._ask(requests.Only(event.pattern if event.text else None, at))

    def _goto_answered(self, event: LogPrompt.Answered) -> None:
        if event.text:
            self._ask(requests.Go(event.text))

    def _copy_answered(self, event: LogPrompt.Answered) -> None:
        if not event.text.isdecimal() or not int(event.text):
            raise InputError(f"'{event.text}' is not a number of lines")
        self._ask(requests.Copy(int(event.text)))

    def _save_answered(self, event: LogPrompt.Answered) -> None:
        if event.text:
            self._ask(requests.Save(event.text))
