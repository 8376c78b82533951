"""The same home life for root, for an ordinary user, and for one without a login name."""

from __future__ import annotations

import json
import os
import pwd
import shutil
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded import processes, servers
from jobwarden.backend.errors import Unavailable
from tests.embedded.conftest import ENSURE, postmaster, query
from tests.support.ordinary import NOBODY, run_python
from tests.support.processes import kill_hard

NAMELESS = 54321
as_root = pytest.mark.usefixtures("as_root")


@as_root
def test_root_needs_no_new_user_and_owns_every_file(own: Settings) -> None:
    users = Path("/etc/passwd").read_bytes()
    urls = servers.ensure(own)
    assert query(urls.database_url, "SELECT 1") == 1
    assert Path("/etc/passwd").read_bytes() == users
    if processes.namespaces_work():
        assert {path.lstat().st_uid for path in own.home.rglob("*")} == {0}


@as_root
def test_root_opens_no_directory_to_others(own: Settings) -> None:
    before = [path.stat().st_mode for path in own.home.parents]
    servers.ensure(own)
    assert [path.stat().st_mode for path in own.home.parents] == before


@as_root
def test_where_namespaces_are_forbidden_root_becomes_nobody(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    own.home.parent.chmod(0o700)  # nobody could not enter it by right
    monkeypatch.setattr(processes, "namespaces_work", lambda: False)
    urls = servers.ensure(own)
    assert query(urls.database_url, "SELECT 1") == 1
    assert (own.home / "postgres").stat().st_uid == processes.stand_in().pw_uid
    kill_hard(postmaster(own))
    servers.attach(own)
    assert query(urls.database_url, "SELECT 1") == 1
    assert "PostgreSQL" in servers.stop(own)


@as_root
def test_data_made_in_a_namespace_go_on_without_and_back(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = servers.ensure(own)
    query(urls.database_url, "CREATE TABLE kept ()")
    servers.stop(own)
    with monkeypatch.context() as patched:
        patched.setattr(processes, "namespaces_work", lambda: False)
        servers.ensure(own)
        assert query(urls.database_url, "SELECT to_regclass('kept')") == "kept"
        servers.stop(own)
    servers.ensure(own)
    assert query(urls.database_url, "SELECT to_regclass('kept')") == "kept"


@as_root
def test_root_with_neither_way_is_told(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "namespaces_work", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Unavailable, match="run as another user"):
        servers.ensure(own)


def test_somebody_to_appear_as_is_never_root() -> None:
    assert processes.stand_in().pw_uid != 0
    assert processes.stand_in() in pwd.getpwall()


@as_root
@pytest.mark.parametrize("uid", [NOBODY, NAMELESS], ids=["named", "nameless"])
def test_ordinary_user(home: Path, uid: int) -> None:
    os.chown(home, uid, uid)
    own = str(home / "with space")
    up = run_python(ENSURE, "ensure", own, uid=uid)
    assert (up.returncode, up.stderr) == (0, "")
    url = json.loads(up.stdout)[0]
    assert run_python(ENSURE, "attach", own, uid=uid).stdout == up.stdout
    assert query(url, "SELECT 1") == 1
    assert {path.lstat().st_uid for path in home.rglob("*")} == {uid}
    assert json.loads(run_python(ENSURE, "stop", own, uid=uid).stdout) == ["Valkey", "PostgreSQL"]


@as_root
def test_ordinary_user_at_a_home_of_root(home: Path) -> None:
    home.chmod(0o755)
    for function in ("ensure", "attach"):
        done = run_python(ENSURE, function, str(home / "h"))
        assert done.returncode == 1
        assert done.stderr.startswith("Refused: ")
        assert "\n" not in done.stderr.strip()
    assert not (home / "h").exists()


@as_root
def test_ordinary_user_at_a_running_home_of_root(own: Settings) -> None:
    own.home.parent.chmod(0o755)
    servers.ensure(own)
    done = run_python(ENSURE, "attach", str(own.home))
    assert done.stderr.strip().endswith("cannot be used by this user: set JOBWARDEN_HOME to a directory of your own")
