"""Programs that people really run: a test suite, a build, a compiler's output, interpreters."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.conftest import Desk

PYTHON = sys.executable


def require(available: bool, what: str) -> None:
    if not available:
        pytest.skip(f"{what} is not on this machine")


def has_test_package() -> bool:
    """Distributions split CPython's own tests off, so having Python does not mean having them."""
    probe = [PYTHON, "-c", "import test.regrtest, test.test_json, test.test_zipfile"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_the_test_suite_of_python_itself(desk: Desk) -> None:
    require(has_test_package(), "the test package of this Python")
    script = desk.write("suite.sh", f'#!/bin/sh\nexec {PYTHON} -m test "$@"\n')
    jobs = [desk.submit(script, name)[0] for name in ("test_json", "test_zipfile")]
    for job_id, name in zip(jobs, ("test_json", "test_zipfile"), strict=True):
        job = desk.state(job_id, "COMPLETED", "FAILED")
        log = desk.logs(job_id).decode()
        assert (job["state"], job["exit_code"]) == ("COMPLETED", 0), log
        assert name in log
        assert "SUCCESS" in log


def test_a_failing_test_suite_fails(desk: Desk) -> None:
    desk.write("test_wrong.py", "def test_wrong():\n    assert 1 == 2, 'wrong sum'\n")
    job, code = desk.run(desk.write("suite.sh", f"{PYTHON} -m pytest -q -p no:cacheprovider test_wrong.py\n"))
    assert (job["state"], job["failure_reason"], job["exit_code"], code) == ("FAILED", "SCRIPT_ERROR", 1, 1)
    assert b"wrong sum" in desk.logs(job["id"])


MAKEFILE = """CFLAGS = -O1 -Wall
squares: main.o square.o
\t$(CC) -o $@ $^
main.o square.o: square.h
"""
SOURCES = {
    "square.h": "long square(long);\n",
    "square.c": '#include "square.h"\nlong square(long n) { return n * n; }\n',
    "main.c": '#include <stdio.h>\n#include "square.h"\n'
    'int main(void) { for (long n = 1; n < 4; n++) printf("%ld\\n", square(n)); return 42; }\n',
    "Makefile": MAKEFILE,
}


def test_a_c_program_is_built_in_parallel_and_run(desk: Desk) -> None:
    for name, content in SOURCES.items():
        desk.write(name, content)
    job, code = desk.run(desk.write("build.sh", "set -e\nmake -j2 CC=gcc\nexec ./squares\n"), options=("--cpus", "2"))
    assert (job["exit_code"], code, job["cpus"]) == (42, 42, 2), desk.logs(job["id"])
    assert desk.logs(job["id"]).endswith(b"1\n4\n9\n")
    assert (desk.folder / "squares").exists()


def test_a_compiler_error_is_in_the_log(desk: Desk) -> None:
    desk.write("broken.c", "int main(void) { return nothing; }\n")
    job, code = desk.run(desk.write("build.sh", "gcc broken.c -o broken\n"))
    assert (job["state"], job["exit_code"], code) == ("FAILED", 1, 1)
    assert b"nothing" in desk.logs(job["id"])


def test_a_python_script_by_its_shebang(desk: Desk) -> None:
    text = f"#!{PYTHON}\nimport sys\nprint(sys.version_info[:2], sys.argv[1:], flush=True)\nsys.exit(5)\n"
    job, code = desk.run(desk.write("job.py", text), "a", "b")
    assert (job["exit_code"], code) == (5, 5)
    assert desk.logs(job["id"]) == f"{sys.version_info[:2]} ['a', 'b']\n".encode()


def test_an_interpreter_looked_up_in_the_path_with_an_option(desk: Desk) -> None:
    job, _ = desk.run(desk.write("job", "#!/usr/bin/env -S sh -e\nfalse\necho never\n"))
    assert (job["exit_code"], desk.logs(job["id"])) == (1, b"")


def test_a_script_without_a_shebang_is_one_of_the_shell(desk: Desk) -> None:
    job, code = desk.run(desk.write("job", 'echo "$0" "$#" "$1"\nexit 3\n'), "one argument")
    assert (job["state"], job["exit_code"], code, job["name"]) == ("FAILED", 3, 3, "job")
    [allocation] = job["allocations"]
    script = Path(allocation["spool_dir"]) / f"job_{job['id']}.sh"
    assert desk.logs(job["id"]).decode() == f"{script} 1 one argument\n"


def test_a_crash_by_signal_is_told_from_an_exit_code(desk: Desk) -> None:
    crash, crash_code = desk.run(desk.write("crash.sh", "kill -SEGV $$\n"))
    desk.write("crash.c", "int main(void) { volatile char *nowhere = 0; return *nowhere; }\n")
    native, native_code = desk.run(desk.write("native.sh", "gcc -w crash.c -o crash && exec ./crash\n"))
    plain, plain_code = desk.run(desk.write("plain.sh", "exit 139\n"))
    for job, code in ((crash, crash_code), (native, native_code)):
        assert (job["state"], job["failure_reason"]) == ("FAILED", "SCRIPT_ERROR")
        assert (job["exit_code"], job["exit_signal"], code) == (None, 11, 139)
        assert "SIGSEGV" in job["error_msg"]
    assert (plain["exit_code"], plain["exit_signal"], plain_code) == (139, None, 139)
