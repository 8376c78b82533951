"""The document says what the tests prove, all of it and nothing else."""

from tests.matrix.document import DOCUMENT, document, here, rows
from tests.matrix.row import GROUPS


def test_the_document_is_what_the_tests_declare() -> None:
    assert DOCUMENT.read_text() == document(), "write it again: python -m tests.matrix"


def test_every_row_has_a_test_that_exists() -> None:
    missing = [f"{proof.path}::{proof.function}" for _, proofs in rows() for proof in proofs if not proof.exists()]
    assert missing == []
    assert all(proofs for _, proofs in rows())


def test_every_test_here_declares_a_row() -> None:
    assert [proof.function for row, proof in here() if row is None] == []


def test_no_row_breaks_the_table() -> None:
    for row, _ in rows():
        assert row.group in GROUPS
        for cell in (row.fault, row.sees, row.operator):
            assert cell
            assert "|" not in cell
            assert "\n" not in cell
