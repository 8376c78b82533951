"""Messages between threads, widgets and screens."""

from dataclasses import dataclass

from textual.message import Message

from backend.actions.records import Step
from tui.acting.records import Deed, Question, Report
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
    """What an action would do is known: ask. ``deed`` is pinned to exactly what the question names."""

    question: Question
    deed: Deed


@dataclass
class Rehearsed(Message):
    """A dry run was made."""

    question: Question


@dataclass
class Stepped(Message):
    """An action got further."""

    step: Step


@dataclass
class Performed(Message):
    """An action was performed."""

    report: Report


@dataclass
class DeedFailed(Message):
    """An action could not be planned or performed; ``text`` is the one line for the user."""

    text: str
