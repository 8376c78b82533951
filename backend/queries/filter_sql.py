"""A parsed filter as a WHERE clause over ``jobs``."""

from collections.abc import Callable, Mapping, Sequence

from jobwarden.backend.domain.filters.jobs import KIND, Filter, Term, Value
from jobwarden.backend.domain.units import is_id
from jobwarden.backend.queries.models.sort import lowered, lowered_sql

_EXPRESSIONS = {
    "name": "{j}.name",
    "account": "{j}.account",
    "partition": "{j}.partition",
    "node": "coalesce({j}.node_name, '')",
    "id": "{j}.id",
    "age": "extract(epoch FROM now() - {j}.submit_time)",
    "elapsed": "extract(epoch FROM coalesce({j}.end_time, now()) - {j}.start_time)",
    "ended": "extract(epoch FROM now() - {j}.end_time)",
    "limit": "{j}.time_limit",
    # A shell reports a death by signal n as 128+n, and so does `submit --wait`: one meaning of "exit" everywhere.
    "exit": "coalesce({j}.exit_code, 128 + {j}.exit_signal)",
    "signal": "{j}.exit_signal",
    "cpus": "{j}.cpus",
    "memory": "{j}.memory_mb",
    "gpus": "{j}.gpus",
    "priority": "{j}.priority",
}
_MOMENTS = {"age": "submit_time", "ended": "end_time"}
"""Fields that say how long ago something was -> when it was."""
_AGES = 10**10
"""Seconds that are more than any job is old, and that PostgreSQL can still subtract from now."""
_STATES = {
    "held": "({j}.state = 'PENDING' AND {j}.held)",
    "starting": "({j}.state = 'RUNNING' AND {j}.start_time IS NULL)",
}
"""Words that narrow a state: ``pending`` has the held jobs too and ``running`` those that are starting."""
_SEARCHED = ("name", "account", "node_name", "error_msg")

Bound = str | int | list[int]
Bind = Callable[[Bound], str]
Kinds = Mapping[str, Sequence[int]]
"""Kind of anomaly, as a filter says it -> the jobs that are of it."""


def to_sql(filter_: Filter, alias: str = "jobs", kinds: Kinds | None = None) -> tuple[str, dict[str, Bound]]:
    """Condition over the table ``jobs`` called ``alias``, and its named parameters (``:f0``, ``:f1`` ...).

    The text holds only words of this module: every value of the user is a parameter. A comparison with a value the
    job does not have (the exit code of a waiting job) is false, and its negation with ``!`` true. ``kinds`` says which
    jobs are anomalies.
    """
    params: dict[str, Bound] = {}

    def bind(value: Bound) -> str:
        name = f"f{len(params)}"
        params[name] = value
        return f":{name}"

    conditions = [_kind(term, kinds or {}, bind) if term.field == KIND else _term(term, bind) for term in filter_.terms]
    return " AND ".join(conditions).format(j=alias) or "true", params


def _kind(term: Term, kinds: Kinds, bind: Bind) -> str:
    """Compare with what the table does not know: the jobs are named."""
    jobs = sorted({job_id for value in term.values for job_id in kinds.get(value.text, ())})
    found = f"{{j}}.id = ANY({bind(jobs)})"
    return f"NOT {found}" if term.negated is not (term.operator == "!=") else found


def _term(term: Term, bind: Bind) -> str:
    if term.operator == "!=":
        alternatives = " AND ".join(_compare(term.field, "!=", value, bind) for value in term.values)
    else:
        alternatives = " OR ".join(_compare(term.field, term.operator, value, bind) for value in term.values)
    return f"NOT coalesce({alternatives}, false)" if term.negated else f"({alternatives})"


def _compare(field: str | None, operator: str, value: Value, bind: Bind) -> str:
    if field is None:
        return _search(value, bind)
    if field == "state":
        return _negate(_STATES.get(value.text) or f"{{j}}.state = '{value.text.upper()}'", operator)
    if field == "reason":
        return _negate(f"{{j}}.failure_reason = '{value.text.upper()}'", operator)
    if value.number is not None:
        if field in _MOMENTS and operator in ("<", ">", "<=", ">="):
            return _since(field, operator, value.number, bind)
        return f"{_EXPRESSIONS[field]} {operator} {bind(value.number)}"
    return _match(_EXPRESSIONS[field], operator, value, bind)


def _match(expression: str, operator: str, value: Value, bind: Bind) -> str:
    """Compare text, in the form that an index serves where there is one: a whole word, or the beginning of one."""
    if value.text.isascii() and not value.glob:
        return f"{lowered_sql(expression)} {operator} {bind(lowered(value.text))}"
    negation = "NOT " if operator == "!=" else ""
    if value.text.isascii() and _is_prefix(value):
        return f"{lowered_sql(expression)} {negation}LIKE {bind(lowered(_like(value)))}"
    return f"{expression} {negation}ILIKE {bind(_like(value))}"


def _is_prefix(value: Value) -> bool:
    """Whether a glob is a beginning and a star, with nothing escaped."""
    return value.text.endswith("*") and not any(letter in value.text[:-1] for letter in "*?\\")


def _since(field: str, operator: str, value: int, bind: Bind) -> str:
    """Compare how long ago something was as a moment, which an index serves; older means an earlier moment."""
    column, earlier = _MOMENTS[field], operator.translate(str.maketrans("<>", "><"))
    then = f"now() - {bind(min(value, _AGES))} * interval '1 s'"
    return f"({{j}}.{column} IS NOT NULL AND coalesce({{j}}.{column}, '-infinity') {earlier} {then})"


def _negate(condition: str, operator: str) -> str:
    return f"NOT ({condition})" if operator == "!=" else condition


def _search(value: Value, bind: Bind) -> str:
    pattern = bind(f"%{_like(value)}%")
    found = [f"{{j}}.{column} ILIKE {pattern}" for column in _SEARCHED]
    if is_id(value.text):
        found.append(f"{{j}}.id = {bind(int(value.text))}")
    return f"({' OR '.join(found)})"


def _like(value: Value) -> str:
    """The value as a LIKE pattern: its own ``%`` and ``_`` are plain letters, ``*`` and ``?`` of a glob are not."""
    out = []
    letters = iter(value.text)
    for letter in letters:
        if value.glob and letter == "\\":
            letter = next(letters)
        elif value.glob and letter in "*?":
            out.append("%" if letter == "*" else "_")
            continue
        out.append(f"\\{letter}" if letter in "%_\\" else letter)
    return "".join(out)
