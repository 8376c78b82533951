"""Messages between threads, widgets and screens, and whether a part is still there to take one."""

from dataclasses import dataclass

from textual.message import Message
from textual.widget import Widget

from jobwarden.backend.actions.results import Step
from jobwarden.backend.feeds.updates import News
from jobwarden.tui.actions.model import ActionReport, Question, ScreenAction


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
    """What an action would do is known: ask. ``action`` is pinned to exactly what the question names."""

    question: Question
    action: ScreenAction


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

    report: ActionReport


@dataclass
class ActionFailed(Message):
    """An action could not be planned or performed; ``text`` is the one line for the user."""

    text: str


# Whether a part is still there: timers, callbacks and messages may reach one that has left the screen.


def on_screen(widget: Widget) -> bool:
    """Return whether a part, with all it is made of, is on its screen and stays there for now."""
    parts = [node for node in widget.ancestors_with_self if isinstance(node, Widget)]
    return widget.is_attached and widget.is_mounted and not any(part._pruning or part._closing for part in parts)
