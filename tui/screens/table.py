"""The one table of screens: keys, tabs, palette and help are made from it.

A screen is named by its module and class and imported when it is first opened, so that the list of jobs is on the
terminal before the others are loaded.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.desk import Desk
    from tui.screens.base import BaseScreen


@dataclass(frozen=True, slots=True)
class Entry:
    """One screen: ``name`` as the palette takes it, ``key`` that opens it, ``title`` on its tab, ``help`` one line.

    ``factory`` is ``module:class``; the class takes the Desk alone.
    """

    name: str
    key: str
    title: str
    help: str
    factory: str

    def make(self, desk: "Desk") -> "BaseScreen":
        """Return the screen, made anew."""
        module, _, name = self.factory.partition(":")
        screen: BaseScreen = getattr(import_module(module), name)(desk)
        return screen


SCREENS: tuple[Entry, ...] = (
    Entry("jobs", "1", "Jobs", "every job, newest first", "tui.screens.jobs:JobsScreen"),
    Entry("orphans", "2", "Orphans", "jobs whose record and processes disagree", "tui.screens.orphans:OrphansScreen"),
    Entry("nodes", "3", "Nodes", "nodes and their workers", "tui.screens.nodes:NodesScreen"),
    Entry("queue", "4", "Queue", "what waits, and why", "tui.screens.queue:QueueScreen"),
    Entry("events", "5", "Events", "the audit: who did what, when and why", "tui.screens.events:EventsScreen"),
)
"""In the order of their keys; the first one is shown at the start."""
