"""What was typed before, newest first, without doubles."""

from tui.config.state import State

KEPT = 50


class History:
    """Lines of one kind of prompt, kept across runs."""

    def __init__(self, state: State, name: str) -> None:
        self._state = state
        self._name = name

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines; what somebody else wrote into the file and is no text counts as none."""
        lines: tuple[object, ...] = self._state.get("history", self._name, ())
        return tuple(line for line in lines if isinstance(line, str))

    def add(self, line: str) -> None:
        """Remember a line."""
        others = [other for other in self.lines if other != line]
        self._state.put("history", self._name, [line, *others][:KEPT])
