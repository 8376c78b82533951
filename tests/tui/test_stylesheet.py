"""The rules of the look are parsed once for each set of colours: it is much of what the first picture waits for."""

from collections import Counter
from typing import Any

import pytest
from textual.css import stylesheet
from textual.css.parse import parse

from jobwarden.tui.theme.themes import THEMES
from tests.tui.fakes import Screen, jobs, snapshot, window
from tests.tui.test_jobs_screen import shown


async def test_no_rule_is_parsed_twice_before_other_colours_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = Counter[tuple[Any, ...]]()
    original = parse

    def counted(scope: str, css: str, *rest: Any, **more: Any) -> Any:
        parsed[scope, css, str(rest), more["tie_breaker"]] += 1
        return original(scope, css, *rest, **more)

    monkeypatch.setattr(stylesheet, "parse", counted)
    screen = Screen()
    async with screen.app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, screen, snapshot(), window(jobs(50, 5)))
        await pilot.press(*"2345", "1", "question_mark", "escape")
        assert parsed and max(parsed.values()) == 1
        other = next(name for name in THEMES if name != screen.app.theme)
        screen.app.theme = other
        await pilot.pause()
        assert max(parsed.values()) == 2
