"""A screen over a list that can be filtered: ``/`` asks by what, escape shows all again."""

from textual.widget import Widget

from backend.errors import InputError
from backend.readmodel.pages import Words
from tui.keys.filter import FILTER
from tui.keys.model import bindings
from tui.screens.acting import ActingScreen
from tui.source import News
from tui.widgets.prompt.filter import FilterPrompt


class FilteringScreen(ActingScreen):
    """Has a FilterPrompt for the grammar of its list."""

    BINDINGS = bindings(FILTER)

    @property
    def filter(self) -> str:
        """The filter that holds now, empty for none."""
        raise NotImplementedError

    @property
    def main(self) -> Widget:
        """The list, which has the keys when nothing is typed."""
        raise NotImplementedError

    def filter_by(self, text: str) -> None:
        """Show what matches. Raises InputError for a filter that says nothing sensible."""
        raise NotImplementedError

    @property
    def prompt(self) -> FilterPrompt:
        """The line to type into."""
        return self.query_one(FilterPrompt)

    def take(self, news: News) -> None:
        """Know which words a filter may name."""
        if isinstance(news, Words):
            self.prompt.know({"account": news.accounts, "node": news.nodes, "partition": news.partitions})

    def action_filter(self) -> None:
        """Ask for a filter."""
        self.prompt.ask(self.filter)

    def action_clear(self) -> None:
        """Show all again."""
        if self.filter:
            self.filter_by("")

    def on_filter_prompt_asked(self, message: FilterPrompt.Asked) -> None:
        """Show what matches; a wrong filter is explained where it was typed."""
        try:
            self.filter_by(message.text)
        except InputError as exc:
            self.prompt.complain(exc)
        else:
            self.prompt.accepted(message.text)

    def on_filter_prompt_opened(self) -> None:
        """Ask which words a filter may name now."""
        self.desk.source.words()

    def on_filter_prompt_closed(self) -> None:
        """Give the list the keys again."""
        self.main.focus()
