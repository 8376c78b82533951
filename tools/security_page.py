"""Write the table of attempts in SECURITY.md from the tests that make them: ``python -m tools.security_page``."""

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "SECURITY.md"
TESTS = ROOT / "tests" / "security"
BEGIN = "<!-- written by `make docs` from tests/security; do not edit -->\n"
END = "<!-- end -->\n"
LOW = 0
HEAD = "| attempt | what happened at the review | test |\n|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody tries. ``fault`` is the number of the review's finding, LOW for one without, None for what held."""

    what: str
    fault: int | None
    test: str

    @property
    def row(self) -> str:
        """Its line of the table."""
        then = {None: "held", LOW: "failed (low), mended"}.get(self.fault, f"fault {self.fault}, mended")
        return f"| {self.what.replace('|', '/')} | {then} | `{self.test}` |\n"


def attempts() -> list[Attempt]:
    """All attempts, faults first, each with the test that makes it."""
    found = [attempt for file in sorted(TESTS.glob("test_*.py")) for attempt in _in(file)]
    return sorted(found, key=lambda a: (a.fault is None, a.fault or 99, a.test))


def table() -> str:
    """The table, with its marks."""
    return BEGIN + HEAD + "".join(attempt.row for attempt in attempts()) + END


def page() -> str:
    """The whole page with the table as it should be."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return before + table() + rest.partition(END)[2]


def _in(file: Path) -> list[Attempt]:
    functions = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
    return [
        Attempt(_text(call.args[0]), _number(call), f"{file.name}::{function.name}")
        for function in functions
        for call in function.decorator_list
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.attempt"
    ]


def _text(node: ast.expr) -> str:
    return str(ast.literal_eval(node))


def _number(call: ast.Call) -> int | None:
    values = [ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == "fault"]
    return int(values[0]) if values else None


if __name__ == "__main__":
    PAGE.write_text(page())
