"""A state and the message beside it say each thing once."""

import pytest

from jobwarden.backend.domain.states import with_message
from jobwarden.backend.process.exit_status import EndCause, judge
from jobwarden.backend.process.record import Record
from tests.process.test_exit_status import EXIT_3, KILLED, NEVER


@pytest.mark.parametrize(
    ("word", "message", "said"),
    [
        ("CANCELLED", "cancelled: killed by SIGTERM", "CANCELLED: killed by SIGTERM"),
        ("CANCELLED", "cancelled before it started", "CANCELLED before it started"),
        ("CANCELLED", "cancelled", "CANCELLED"),
        ("OUT_OF_MEMORY", "out of memory: killed by SIGKILL", "OUT_OF_MEMORY: killed by SIGKILL"),
        ("out of memory", "out of memory: exit code 1", "out of memory: exit code 1"),
        ("TIMEOUT", "time limit reached", "TIMEOUT: time limit reached"),
        ("FAILED", "failedly named", "FAILED: failedly named"),
        ("CANCELLED", None, "CANCELLED"),
        ("CANCELLED", "", "CANCELLED"),
    ],
)
def test_what_the_message_repeats_is_said_once(word: str, message: str | None, said: str) -> None:
    assert with_message(word, message) == said


@pytest.mark.parametrize("cause", EndCause)
@pytest.mark.parametrize("record", [EXIT_3, KILLED, NEVER, None])
def test_no_end_that_we_made_says_a_word_twice(cause: EndCause, record: Record | None) -> None:
    verdict = judge(record, cause=cause)
    words = with_message(verdict.reason or verdict.state, verdict.message).replace(":", "").replace("_", " ").lower()
    said = [word for word in words.split() if word not in ("by", "of")]
    assert len(said) == len(set(said)), words
