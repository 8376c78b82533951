"""The line to type into under a log: what to search, to filter, where to go, how much to copy, where to save."""

from collections import defaultdict
from dataclasses import dataclass, replace

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label, Static
from textual.widgets.input import Selection

from jobwarden.backend.logs import line_index
from jobwarden.backend.logs.search import Pattern


@dataclass(frozen=True, slots=True)
class PromptKind:
    """One kind of thing that is typed."""

    name: str
    label: str
    placeholder: str
    pattern: bool = False
    """Whether it may be an expression, and fold the case."""


SEARCH = PromptKind("search", "/", "search upwards; then n down, N up; empty repeats the last search", pattern=True)
ONLY = PromptKind("only", "&", "show only matching lines; empty shows all", pattern=True)
GOTO = PromptKind("goto", "go to", line_index.HELP)
COPY = PromptKind("copy", "copy last lines:", "how many")
SAVE = PromptKind("save", "save as:", "a new file")


class LogPrompt(Horizontal):
    """Appears with a question; enter answers, escape gives up, up and down recall earlier answers."""

    class Answered(Message):
        """Something was typed; ``pattern`` has the ways to search that were chosen, and the text."""

        def __init__(self, question: PromptKind, text: str, pattern: Pattern) -> None:
            super().__init__()
            self.question = question
            self.text = text
            self.pattern = pattern

    class Closed(Message):
        """The line went away without an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.display = False
        self._question = SEARCH
        self._pattern = Pattern("")
        self._earlier: dict[str, list[Pattern]] = defaultdict(list)
        self._recalled = 0

    def compose(self) -> ComposeResult:
        """Put the line together."""
        yield Label("", id="log-question", markup=False)
        yield Input(compact=True, select_on_focus=False)
        yield Static("", id="log-ways", markup=False)

    def ask(self, question: PromptKind, text: str = "", *, wrong: bool = False) -> None:
        """Open with a question and a text: a proposal, which typing replaces; or one that was ``wrong``, to mend it."""
        self._question, self._recalled = question, 0
        self.display = True
        self.query_one("#log-question", Label).update(f" {question.label} ")
        line = self.query_one(Input)
        line.placeholder = question.placeholder
        line.value = text
        line.focus()
        line.selection = Selection(len(text) if wrong else 0, len(text))
        self._say_how()

    def close(self) -> None:
        """Go away."""
        self.display = False

    def _say_how(self) -> None:
        how = ""
        if self._question.pattern:
            kind = "expression" if self._pattern.regex else "plain"
            how = f" ^r {kind}  ^t {'any case' if self._pattern.fold else 'exact case'} "
        self.query_one("#log-ways", Static).update(how)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        event.stop()
        text = event.value if self._question.pattern else event.value.strip()
        answer = replace(self._pattern, text=text)
        earlier = self._earlier[self._question.name]
        if text and answer not in earlier[-1:]:
            earlier.append(answer)
        self.close()
        self.post_message(self.Answered(self._question, text, answer))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typing concerns nobody else."""
        event.stop()

    def on_key(self, event: events.Key) -> None:
        """Keys of the line itself."""
        if event.key == "escape":
            self.close()
            self.post_message(self.Closed())
        elif event.key == "ctrl+r" and self._question.pattern:
            self._pattern = replace(self._pattern, regex=not self._pattern.regex)
        elif event.key == "ctrl+t" and self._question.pattern:
            self._pattern = replace(self._pattern, fold=not self._pattern.fold)
        elif event.key in ("up", "down"):
            self._recall(1 if event.key == "up" else -1)
        elif event.key not in ("pageup", "pagedown"):
            return
        event.stop()
        event.prevent_default()
        self._say_how()

    def _recall(self, back: int) -> None:
        earlier = self._earlier[self._question.name]
        self._recalled = max(0, min(len(earlier), self._recalled + back))
        line = self.query_one(Input)
        if self._recalled:
            self._pattern = earlier[-self._recalled]
        line.value = self._pattern.text if self._recalled else ""
        line.cursor_position = len(line.value)
