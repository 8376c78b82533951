"""How jobs are named: by ids, or by a filter, and never by a slip of the fingers."""

import pytest

from jobwarden.backend.actions.targets import Scope, parse_scope
from jobwarden.backend.errors import InputError


@pytest.mark.parametrize(
    ("typed", "scope"),
    [
        ("12", Scope((12,))),
        ("12 7 12", Scope((12, 7))),
        ("12,7, 9", Scope((12, 7, 9))),
        ("state:failed,cancelled age>1h", Scope(filter="state:failed,cancelled age>1h")),
        ("kind:lost", Scope(filter="kind:lost")),
    ],
)
def test_ids_or_a_filter(typed: str, scope: Scope) -> None:
    assert parse_scope(typed.split()) == scope


@pytest.mark.parametrize("typed", ["x", "12 x", "", ",", "-1", "1²", "state:failed train", "state:what", "12 state:"])
def test_what_might_be_a_slip_is_refused(typed: str) -> None:
    with pytest.raises(InputError):
        parse_scope(typed.split())


def test_ids_and_a_filter_apart_from_them() -> None:
    assert parse_scope(["12"], "state:failed") == Scope((12,), "state:failed")
    with pytest.raises(InputError, match="two filters"):
        parse_scope(["age>1h"], "state:failed")
    with pytest.raises(InputError, match="every job"):
        parse_scope(["12"], " ")
