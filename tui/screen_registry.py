"""The one table of screens: keys, tabs, palette and help are made from it.

A screen is named by its module and class and imported when it is first opened, so that the list of jobs is on the
terminal before the others are loaded.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class ScreenEntry:
    """One screen: ``name`` as the palette takes it, ``key`` that opens it, ``title`` on its tab, ``help`` one line.

    ``factory`` is ``module:class``; the class takes the Desk alone.
    """

    name: str
    key: str
    title: str
    help: str
    factory: str

    def make(self, context: object) -> Any:
        """Return the screen, made anew: a BaseScreen, which is above this table and not known here."""
        module, _, name = self.factory.partition(":")
        return getattr(import_module(module), name)(context)


SCREENS: tuple[ScreenEntry, ...] = (
    ScreenEntry("jobs", "1", "Jobs", "all jobs, newest first", "jobwarden.tui.screens.jobs:JobsScreen"),
    ScreenEntry(
        "orphans",
        "2",
        "Orphans",
        "anomalies: jobs whose record and processes disagree",
        "jobwarden.tui.screens.orphans:OrphansScreen",
    ),
    ScreenEntry("nodes", "3", "Nodes", "nodes and their workers", "jobwarden.tui.screens.nodes:NodesScreen"),
    ScreenEntry("queue", "4", "Queue", "pending jobs, and why they wait", "jobwarden.tui.screens.queue:QueueScreen"),
    ScreenEntry(
        "events", "5", "Events", "the audit: who did what, when and why", "jobwarden.tui.screens.events:EventsScreen"
    ),
)
"""In the order of their keys; the first one is shown at the start."""
