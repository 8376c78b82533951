"""The table of all targets. Whatever reads what somebody else wrote belongs here."""

from __future__ import annotations

from tests.fuzz.commands import COMMANDS
from tests.fuzz.documents import DOCUMENTS
from tests.fuzz.files import FILES
from tests.fuzz.target import Target
from tests.fuzz.texts import TEXTS

TARGETS: tuple[Target, ...] = (*TEXTS, *DOCUMENTS, *FILES, *COMMANDS)
