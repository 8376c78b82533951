"""The commands that work on every screen: palette, jump, copy, export, pager, editor; the bell; a clean end."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from textual import work
from textual.actions import ActionParseResult
from textual.app import SuspendNotSupported
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from jobwarden.backend.actions.targets import parse_id, parse_scope
from jobwarden.backend.config.settings_file import expanded
from jobwarden.backend.domain.units import counted
from jobwarden.backend.errors import InputError, JobwardenError
from jobwarden.backend.harmless import escaped
from jobwarden.backend.queries.models.job_window import JobWindow
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui import clipboard
from jobwarden.tui.actions.screen_actions import JobAction
from jobwarden.tui.app import selection
from jobwarden.tui.app.base import Alarm, PartReplaced, PreferencesApp, replaced_explained, set_title, title
from jobwarden.tui.app.terminal import on_goodbye, on_lost_terminal
from jobwarden.tui.config.preferences import Preferences
from jobwarden.tui.config.state import History, State
from jobwarden.tui.context import ScreenContext
from jobwarden.tui.dialogs.columns import ColumnPicker, OrderPicker
from jobwarden.tui.dialogs.jump import Jump, targets
from jobwarden.tui.messages import Arrived, JobWanted
from jobwarden.tui.palette.commands import Call, commands
from jobwarden.tui.palette.screen import Palette
from jobwarden.tui.screens.base.acting import ActingScreen
from jobwarden.tui.widgets.table.layout import Layout
from jobwarden.tui.widgets.table.rows import Sort
from jobwarden.tui.widgets.table.virtual import VirtualTable

Export = Callable[[str, Path], int]
"""Writes all jobs that match a filter into a file; returns how many."""


class CommandsApp(PreferencesApp):
    """Base of the dashboard."""

    context: ScreenContext

    def __init__(
        self, state: State | None = None, preferences: Preferences | None = None, export: Export | None = None
    ) -> None:
        super().__init__(state, preferences)
        self._export = export
        self._alarm = Alarm()
        self._title = ""

    def on_mount(self) -> None:
        """Say goodbye properly whoever asks for it."""
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()

        def leave(code: int) -> None:
            loop.call_soon_threadsafe(lambda: self.exit(return_code=code))

        on_goodbye(leave)
        if sys.__stdin__ is not None:
            on_lost_terminal(sys.__stdin__.fileno(), leave)

    def on_virtual_table_columns_wanted(self, message: VirtualTable.ColumnsWanted) -> None:
        """Let somebody choose the columns of a table, which shows every step at once."""
        table = message.table
        before = table.layout_of_columns

        def keep(layout: Layout | None) -> None:
            table.show_columns(before if layout is None else layout)

        self.push_screen(ColumnPicker(table.columns, before, table.show_columns), keep)

    def on_virtual_table_order_wanted(self, message: VirtualTable.OrderWanted) -> None:
        """Let somebody choose the column that a table is sorted by."""
        table = message.table

        def keep(sort: Sort | None) -> None:
            if sort is not None:
                table.order_by(sort)

        self.push_screen(OrderPicker(table.columns, table.sort), keep)

    def on_arrived(self, message: Arrived) -> None:
        """Ring for what went wrong since the last snapshot, and count on the window's title."""
        if not isinstance(message.news, Snapshot):
            return
        if self._alarm.new(message.news) and self.preferences.bell:
            self.bell()
        self._show_title(title(message.news))

    def _show_title(self, text: str) -> None:
        if self.preferences.title_badge and text != self._title and self._driver is not None and not self.is_headless:
            self._title = text
            self._driver.write(set_title(text))

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key or a command stands for; what it needs of the program may be gone."""
        try:
            with replaced_explained():
                return await super().run_action(action, default_namespace, namespaces)
        except PartReplaced as exc:
            self.complain(exc)
            return True

    def action_go(self, name: str) -> None:
        """Open a screen of the table."""
        raise NotImplementedError

    def action_palette(self, text: str = "") -> None:
        """Ask for a command."""
        screen = self.screen
        known = commands(getattr(screen, "groups", ()), read_only=self.context.read_only)
        history = History(self.state, "palette")
        self.push_screen(Palette(known, history, text), lambda call: self._called(screen, call))

    def _called(self, screen: Screen[Any], call: Call | None) -> None:
        if call is not None:
            action = call.command.action.format(call.rest)
            self.run_worker(self.run_action(action, _holder(screen, action)), group="command")

    def action_jump(self) -> None:
        """Go to a row or a part of the screen by a letter; where there is only one place to go to, at once."""
        found = targets(self.screen)
        if not found:
            self.notify("there is nothing to jump to on this screen", severity="warning", markup=False)
        elif len(found) == 1:
            found[0].go()
        else:
            self.push_screen(Jump(found), lambda target: None if target is None else target.go())

    def action_open_job(self, job_id: str) -> None:
        """Open a job by its id."""
        try:
            self.post_message(JobWanted(parse_id(job_id)))
        except InputError as exc:
            self.complain(exc)

    def action_act_on(self, name: str, words: str) -> None:
        """Act on the jobs that were named, by ids or a filter; on what is selected or marked when none was."""
        screen = self.screen
        if not isinstance(screen, ActingScreen):
            self.notify("close this dialog first", severity="warning", markup=False)
            return
        try:
            action = JobAction(name, parse_scope(words.split())) if words else None
        except InputError as exc:
            self.complain(exc)
            return
        screen.action_act(name) if action is None else screen.begin(action)

    def action_filter_by(self, text: str) -> None:
        """Filter the list of the screen that is open, else the jobs."""
        own = getattr(self.screen, "filter_by", None)
        try:
            if own is not None:
                own(text)
            else:
                self.context.source.show(text)
                self.action_go("jobs")
        except InputError as exc:
            self.complain(exc)

    def action_copy(self, what: str) -> None:
        """Copy something of the selected row to the clipboard."""
        text = selection.copied(what, self.screen, self.context.kept)
        if text:
            # Pasted into a shell, a line break would run it.
            clipboard.send(self, escaped(text, keep="\t"), os.environ, partial(self._say_copied, text[:60]))
        else:
            self.notify(f"no {what} to copy here", severity="warning", markup=False)

    def _say_copied(self, text: str, what: str, wrong: bool) -> None:
        self.notify(f"{text}: {what}", timeout=4, severity="warning" if wrong else "information", markup=False)

    def action_export(self, format_: str, name: str = "") -> None:
        """Write the listed rows to a new file."""
        listed = getattr(self.screen, "NAME", "") or "rows"
        try:
            path = expanded(Path(name or f"jobwarden-{listed}-{datetime.now():%Y%m%d-%H%M%S}"))
        except InputError as exc:
            self.complain(exc)
            return
        path = path if path.suffix == f".{format_}" else path.with_name(f"{path.name}.{format_}")
        table = selection.table_of(self.screen)
        if table is None:
            self.notify("no list to export here", severity="warning", markup=False)
            return
        from jobwarden.backend.feeds.export_file import as_row, write_rows

        window = next((news for news in self.context.kept if isinstance(news, JobWindow)), JobWindow())
        if listed == "jobs" and self._export is not None:
            self._write(lambda export=self._export: export(window.query.filter, path), path)
        else:
            rows = [as_row(row) for row in getattr(table, "listed", ()) if is_dataclass(row)]
            self._write(lambda: write_rows(path, rows), path)

    @work(thread=True, group="export")
    def _write(self, write: Callable[[], int], path: Path) -> None:
        try:
            with replaced_explained():
                number = write()
        except JobwardenError as exc:
            self.call_from_thread(self.complain, exc)
        else:
            self.call_from_thread(self.notify, f"{counted(number, 'row')} written to {path}", timeout=6, markup=False)

    def action_open_log(self) -> None:
        """Show the selected job's log in the pager."""
        path = selection.log_of(self.screen, self.context.kept)
        if path is None:
            self.notify("the selected job has no log on this host", severity="warning", markup=False)
        else:
            self._run(lambda: selection.pager(os.environ, harmless=self.context.read_only), path)

    def action_open_script(self) -> None:
        """Show a copy of the selected job's script in the editor; the job has its own and never sees a change."""
        script = selection.script_of(self.screen, self.context.kept)
        if script is None:
            self.notify("open the job first: its script is not on this host", severity="warning", markup=False)
            return
        with tempfile.TemporaryDirectory(prefix="jobwarden-") as folder:
            path = Path(folder) / f"job_{selection.job_id_of(self.screen)}.sh"
            path.write_text(script, "utf-8", errors="surrogateescape")
            harmless = self.context.read_only
            self._run(
                lambda: selection.pager(os.environ, harmless=True) if harmless else selection.editor(os.environ), path
            )

    def _run(self, command: Callable[[], list[str]], path: Path) -> None:
        try:
            words = command()
            with self.suspend():
                selection.show(words, path)
        except SuspendNotSupported:
            self.notify("not possible in this terminal", severity="warning", markup=False)
        except JobwardenError as exc:
            self.complain(exc)

    def complain(self, exc: JobwardenError) -> None:
        """Say in a line what went wrong."""
        self.notify(str(exc), severity="error", markup=False, timeout=8)


def _holder(screen: Screen[Any], action: str) -> DOMNode | None:
    """Who performs an action: the part with the keys, what it is in, the screen, a part without them; else the app."""
    name = action.partition("(")[0].removeprefix("app.").removeprefix("screen.")
    start: Widget = screen.focused or screen
    nodes: list[DOMNode] = [*start.ancestors_with_self, *screen.query("*")]
    return next((node for node in nodes if hasattr(node, f"action_{name}")), None)
