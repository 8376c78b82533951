"""`up` says whether its servers and jobs outlive the session: there is no logind here, so its answers are given."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from jobwarden.backend.services.lifecycle import ENDS, danger

UID = 65534
"""Nobody, as whom the tests look."""
NAME = pwd.getpwuid(UID).pw_name
SCOPE = f"0::/user.slice/user-{UID}.slice/session-3.scope\n"
OLD_SCOPE = f"12:pids:/user.slice/user-{UID}.slice/session-c1.scope\n1:name=systemd:/user.slice\n"
MANAGER = f"0::/user.slice/user-{UID}.slice/user@{UID}.service/app.slice/run-7.scope\n"
SERVICE = "0::/system.slice/cron.service\n"

LINGER, AGAIN = "`loginctl enable-linger`", "`systemd-run --user --scope jobwarden up --no-tui`"


@pytest.mark.parametrize(
    ("inside", "kills", "lingers", "words"),
    [
        (SCOPE, "yes", False, (LINGER, AGAIN)),
        (OLD_SCOPE, "yes", False, (LINGER, AGAIN)),
        (SCOPE, "yes", True, (AGAIN,)),
        (SCOPE, "no", False, None),
        (SCOPE, "", False, None),
        (SCOPE, None, False, None),
        (MANAGER, None, False, (LINGER,)),
        (MANAGER, "yes", True, None),
        (SERVICE, "yes", False, None),
        ("", "yes", False, None),
    ],
)
def test_it_says_what_logging_out_would_end_and_what_prevents_it(
    inside: str, kills: str | None, lingers: bool, words: tuple[str, ...] | None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(os, "geteuid", lambda: UID)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "cgroup").write_text(inside)
    (tmp_path / "linger").mkdir()
    if lingers:
        (tmp_path / "linger" / NAME).touch()
    if kills is not None:
        (tmp_path / "loginctl").write_text(f"#!/bin/sh\necho {kills}\n")
        (tmp_path / "loginctl").chmod(0o700)
    said = danger(tmp_path / "cgroup", tmp_path / "linger")
    if words is None:
        assert said is None
        return
    assert said is not None
    assert said.startswith(ENDS)
    assert [word in said for word in (LINGER, AGAIN)] == [word in words for word in (LINGER, AGAIN)]


def test_root_and_who_has_no_control_groups_are_told_nothing(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text(SCOPE)
    assert danger(tmp_path / "cgroup") is None
    assert danger(tmp_path / "none") is None
