"""Messages between threads, widgets and screens."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from backend.actions.perform import ItemResult, Plan
from tui.deeds import Deed
from tui.source import News


@dataclass
class Arrived(Message, bubble=False):
    """The read model delivered something."""

    news: News


@dataclass
class JobWanted(Message):
    """Open the screen of a job."""

    job_id: int


@dataclass
class Planned(Message):
    """What an action would do is known: ask."""

    deed: Deed
    plan: Plan


@dataclass
class Performed(Message):
    """An action was performed."""

    deed: Deed
    results: Sequence[ItemResult]


@dataclass
class DeedFailed(Message):
    """An action could not be planned or performed; ``text`` is the one line for the user."""

    text: str
