"""Filters on real rows, and any filter at all in a real PostgreSQL."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.domain.filters.jobs import FIELDS, REASON_WORDS, STATE_WORDS, parse_filter
from jobwarden.backend.errors import InputError
from jobwarden.backend.queries.filter_sql import to_sql

INSERT = """
INSERT INTO jobs (id, name, account, partition, state, held, script, work_dir, memory_mb, cpus, submit_time, start_time,
                  end_time, exit_code, exit_signal, failure_reason, error_msg, node_name, time_limit)
OVERRIDING SYSTEM VALUE
SELECT id, name, account, partition, CAST(state AS job_state), held, 'x', '/', memory_mb, cpus,
       now() - make_interval(hours => submitted), now() - make_interval(hours => started),
       now() - make_interval(hours => ended), exit_code, exit_signal, CAST(reason AS failure_reason), error_msg,
       node_name, time_limit
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    id int, name text, account text, partition text, state text, held boolean, memory_mb int, cpus int, submitted int,
    started int, ended int, exit_code int, exit_signal int, reason text, error_msg text, node_name text, time_limit int)
"""
PLAIN = {"account": "bob", "partition": "main", "held": False, "memory_mb": 256, "cpus": 1, "submitted": 0}
WAITING = {**PLAIN, "state": "PENDING"}
RAN = {**PLAIN, "started": 0, "ended": 0}
ROWS = [
    {**RAN, "id": 1, "name": "train one", "state": "COMPLETED", "memory_mb": 2048, "submitted": 3, "started": 2}
    | {"ended": 1, "exit_code": 0, "node_name": "gpu1", "time_limit": 60},
    {
        **RAN,
        "id": 2,
        "name": "train_two",
        "state": "FAILED",
        "account": "alice",
        "cpus": 4,
        "submitted": 2,
        "started": 2,
    }
    | {"exit_signal": 11, "reason": "SCRIPT_ERROR", "error_msg": "killed by SIGSEGV", "node_name": "gpu2"},
    {**RAN, "id": 3, "name": "100%", "state": "FAILED", "partition": "gpu", "exit_code": 3, "reason": "TIMEOUT"}
    | {"node_name": "cpu1"},
    {**WAITING, "id": 4, "name": "wait*"},
    {**WAITING, "id": 5, "name": "Held\\5", "account": "carol", "held": True},
    {**PLAIN, "id": 6, "name": "start", "state": "RUNNING", "account": "carol", "node_name": "cpu1"},
]


@pytest.fixture
def rows(engine: Engine) -> Engine:
    """Six jobs in states that they could have come to; the guards that see to it are out of the way."""
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE jobs DISABLE TRIGGER USER"))
        conn.execute(text(INSERT), {"rows": json.dumps(ROWS)})
    return engine


def matching(engine: Engine, typed: str) -> list[int]:
    where, params = to_sql(parse_filter(typed), alias="j")
    with engine.connect() as conn:
        return list(conn.scalars(text(f"SELECT id FROM jobs j WHERE {where} ORDER BY id"), params))


CASES = {
    "": [1, 2, 3, 4, 5, 6],
    "state:failed": [2, 3],
    "state:pending": [4, 5],
    "state:pending !state:held": [4],
    "state:held": [5],
    "state!=pending": [1, 2, 3, 6],
    "state:running": [6],
    "state:held,starting": [5, 6],
    "state!=failed": [1, 4, 5, 6],
    "!state:failed,completed": [4, 5, 6],
    "node:gpu*": [1, 2],
    "node!=gpu*": [3, 4, 5, 6],
    "name:train?two": [2],
    "name:TRAIN_TWO": [2],
    "name:train": [],
    "name:TRAIN*": [1, 2],
    "node!=GPU1": [2, 3, 4, 5, 6],
    "node:GPU1,cpu1": [1, 3, 6],
    "ended<30m": [2, 3],
    "!ended<30m": [1, 4, 5, 6],
    "age>999999999999999999s": [],
    "ended<999999999999999999s": [1, 2, 3],
    'name:"train one"': [1],
    "name:100%": [3],
    "name:%": [],
    'name:"wait*"': [4],
    "name:wai*": [4],
    r"name:held\5": [5],
    r"name:*\*": [5],
    "account:bob": [1, 3, 4],
    "reason:timeout": [3],
    "reason!=timeout": [2],
    "!reason:timeout": [1, 2, 4, 5, 6],
    "age>1h": [1, 2],
    "age<1h": [3, 4, 5, 6],
    "elapsed>90m": [2],
    "ended>30m": [1],
    "exit:0": [1],
    "exit!=0": [2, 3],
    "exit:139": [2],
    "!exit:0": [2, 3, 4, 5, 6],
    "signal:11": [2],
    "cpus>=4 memory<1G": [2],
    "limit:1m": [1],
    "id:1,3": [1, 3],
    "train": [1, 2],
    "!train": [3, 4, 5, 6],
    "sigsegv": [2],
    "3": [3],
    '"*"': [4],
    "state:failed account:bob": [3],
}


def test_every_kind_of_condition(rows: Engine) -> None:
    assert {typed: matching(rows, typed) for typed in CASES} == CASES


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("kind:lost", [2]),
        ("kind:lost,stray", [2, 3]),
        ("!kind:lost", [1, 3, 4, 5, 6]),
        ("kind!=lost,stray", [1, 4, 5, 6]),
        ("kind:orphan", []),
        ("kind:stray node:cpu1", [3]),
    ],
)
def test_what_is_wrong_is_known_from_outside(rows: Engine, typed: str, found: list[int]) -> None:
    where, params = to_sql(parse_filter(typed, anomalies=True), kinds={"lost": [2], "stray": [3]})
    with rows.connect() as conn:
        assert list(conn.scalars(text(f"SELECT id FROM jobs WHERE {where} ORDER BY id"), params)) == found


def test_no_job_but_an_anomaly_has_a_kind() -> None:
    with pytest.raises(InputError, match=r"only works for anomalies.*column 5"):
        parse_filter("x   kind:lost")


VALUES = st.one_of(
    st.text(max_size=8),
    st.integers(-(10**19), 10**19).map(str),
    st.sampled_from(
        [*STATE_WORDS, *REASON_WORDS, "1h", "2G", "a*b?", "'; DROP TABLE jobs; --", "\\", ":f0", "%s", "{j}"]
    ),
)
TERMS = st.builds("{}{}{}{}".format, st.sampled_from(["", "!"]), st.sampled_from(["", *FIELDS]),
                  st.sampled_from([":", "=", "!=", ">", "<=", ""]), VALUES)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(TERMS, max_size=4).map(" ".join))
def test_whatever_parses_runs(rows: Engine, typed: str) -> None:
    try:
        parse_filter(typed)
    except InputError:
        return
    assert set(matching(rows, typed)) <= {1, 2, 3, 4, 5, 6}
