"""``python -m tests.matrix``: write the document again."""

from tests.matrix.document import DOCUMENT, document

DOCUMENT.parent.mkdir(exist_ok=True)
DOCUMENT.write_text(document())
