"""A leader without the right to raise alerts says so, once, instead of keeping silent."""

from __future__ import annotations

import logging
import uuid

import pytest
from sqlalchemy import make_url

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.database.roles import grant_roles
from jobwarden.backend.monitoring.alerts.monitor import AlertMonitor
from tests.support.processes import wait_until
from tests.support.rows import pending


def test_a_missing_right_is_told_once(
    engine: Engine, settings: Settings, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    grant_roles(engine)
    name = f"viewer_{uuid.uuid4().hex[:8]}"
    with engine.begin() as conn:
        pending(conn)
        conn.execute(text(f"CREATE ROLE {name} LOGIN IN ROLE jobwarden_viewer"))
    member = make_engine(make_url(engine.url).set(username=name).render_as_string(hide_password=False))
    chosen = settings.but(alert_waiting_seconds=0, alert_for_seconds=0, alert_poll_seconds=0.01)
    turns: list[bool] = []

    def is_leader() -> bool:
        turns.append(True)
        return True

    keeper = AlertMonitor(member, chosen, is_leader)
    caplog.set_level(logging.WARNING)
    keeper.start()
    try:
        wait_until(lambda: len(turns) > 20, 60, "a few turns")
    finally:
        keeper.stop()
        keeper.join()
        member.dispose()
        with engine.begin() as conn:
            conn.execute(text(f"DROP ROLE {name}"))
    [line] = [record.getMessage() for record in caplog.records if "alert" in record.getMessage()]
    assert "permission denied for table alerts" in line
