"""Chosen keys work, and are what the key line and the help show."""

import pytest

from jobwarden.tui.app.main import JobwardenApp
from jobwarden.tui.config.keymap import check_keys, every_group, remapped, shown
from jobwarden.tui.config.preferences import Preferences
from jobwarden.tui.dialogs.help import Help
from jobwarden.tui.keys.bindings import APP
from jobwarden.tui.widgets.tabs import KeyLine
from tests.tui.fakes import FakeActionClient, FakeSource


def test_the_name_of_a_binding_stands_for_one_action() -> None:
    actions = {(key.id, key.action, key.keys) for group in every_group() for key in group.keys}
    assert len(actions) == len({name for name, *_ in actions})
    assert "act.clean" in {name for name, *_ in actions}


def test_what_nobody_chose_is_as_it_was() -> None:
    assert remapped([APP], {}) == [APP]


@pytest.mark.parametrize(
    ("keys", "said"),
    [("f5", "F5"), ("ctrl+x", "^x"), ("question_mark,f1", "? F1"), ("alt+left", "alt+←"), ("B", "B"), ("+", "+")],
)
def test_a_key_is_shown_as_people_read_it(keys: str, said: str) -> None:
    assert check_keys({"app.help": keys}) == {"app.help": keys}
    assert shown(keys) == said


def test_two_keys_may_be_exchanged() -> None:
    assert check_keys({"act.hold": "C", "act.clean": "H"})


async def test_a_chosen_key_works_instead_of_ours() -> None:
    preferences = Preferences(keys={"app.help": "f9"})
    app = JobwardenApp(FakeSource, FakeActionClient(), preferences=preferences)
    async with app.run_test(size=(200, 40)) as pilot:
        await pilot.pause()
        assert "F9 help" in str(app.screen.query_one(KeyLine).render())
        await pilot.press("question_mark")
        assert not isinstance(app.screen, Help)
        await pilot.press("f9")
        assert isinstance(app.screen, Help)
        assert any("F9" in str(part.render()) for part in app.screen.query("#body Static"))
