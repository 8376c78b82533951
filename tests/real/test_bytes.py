"""What jobs print and what they are given, to the byte."""

import hashlib
import json
import subprocess
import sys

import pytest

from tests.real.conftest import Desk
from tests.worker.farm import PATIENCE

MEBIBYTE = 1 << 20
STRANGE = (
    "two words", "", " ", "it's", 'say "no"', "back\\slash", "$HOME `id` $(id) *", "line one\nline two\n", "tab\there",
    "höher 日本語 🚀", "-n", "--cpus=9", "%s %d", "\x1b[31mred", "\r", "a;b|c&d>e",
)  # fmt: skip
SHOW = f"""#!{sys.executable}
import json, os, sys
print(json.dumps([sys.argv[1:], {{k: v for k, v in os.environ.items() if k.startswith("STRANGE")}}]))
"""


@pytest.mark.slow
def test_two_hundred_megabytes_of_log(desk: Desk) -> None:
    pattern = bytes(range(256)) * 4096
    loop = "for _ in range(200):\n    sys.stdout.buffer.write(bytes(range(256)) * 4096)\n"
    expected = hashlib.sha256()
    for _ in range(200):
        expected.update(pattern)
    job, code = desk.run(desk.write("big.py", f"#!{sys.executable}\nimport sys\n{loop}"))
    assert (job["state"], code) == ("COMPLETED", 0)
    digest, size = hashlib.sha256(), 0
    command = desk.farm.cli.command("logs", job["id"])
    with subprocess.Popen(command, env=dict(desk.farm.cli.env), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while block := process.stdout.read(MEBIBYTE):
            digest.update(block)
            size += len(block)
        assert process.wait(PATIENCE) == 0
    assert (size, digest.hexdigest()) == (200 * MEBIBYTE, expected.hexdigest())
    assert desk.logs(job["id"], "--tail", "1") == bytes(range(11, 256))


def test_a_quarter_million_characters_in_a_line_and_bytes_that_are_no_text(desk: Desk) -> None:
    content = b"x" * 250_000 + b"\n" + bytes(range(256)) + b"\xff\xfe\x00\r\n\x1b[2J\x07" + b"no newline at the end"
    (desk.folder / "content").write_bytes(content)
    job, _ = desk.run(desk.write("raw.sh", "cat content; printf x >&2\n"))
    assert desk.logs(job["id"]) == content + b"x"
    assert desk.logs(job["id"], "--tail", "1") == content[content.rindex(b"\n") + 1 :] + b"x"
    assert desk.logs(job["id"], "-f") == content + b"x"


def test_follow_shows_all_of_a_log_that_grows(desk: Desk) -> None:
    script = "for n in $(seq 50); do echo line $n; sleep 0.02; done; printf unfinished\n"
    job_id, _ = desk.submit(desk.write("slow.sh", script))
    assert desk.logs(job_id, "-f") == b"".join(b"line %d\n" % n for n in range(1, 51)) + b"unfinished"


def test_output_and_error_are_in_one_order(desk: Desk) -> None:
    job, _ = desk.run(desk.write("both.sh", "for n in 1 2 3; do echo out $n; echo err $n >&2; done\n"))
    assert desk.logs(job["id"]) == b"".join(b"out %d\nerr %d\n" % (n, n) for n in (1, 2, 3))


def test_strange_arguments_arrive_as_they_are(desk: Desk) -> None:
    job, code = desk.run(desk.write("show.py", SHOW), *STRANGE)
    assert code == 0, desk.logs(job["id"])
    arguments, _ = json.loads(desk.logs(job["id"]))
    assert arguments == list(STRANGE)
    assert job["arguments"] == list(STRANGE)


def test_a_strange_environment_arrives_as_it_is(desk: Desk) -> None:
    variables = {f"STRANGE_{n}": value for n, value in enumerate(STRANGE)} | {"STRANGE_ü": "=a=b"}
    options = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
    job, code = desk.run(desk.write("show.py", SHOW), options=tuple(options))
    assert code == 0, desk.logs(job["id"])
    _, environment = json.loads(desk.logs(job["id"]))
    assert environment == variables
    assert {name: job["environment"][name] for name in variables} == variables


def test_a_script_and_a_work_dir_with_strange_names(desk: Desk) -> None:
    folder = desk.folder / "dir with 'quotes' and\nnewline ü"
    folder.mkdir()
    job, code = desk.run(desk.write("my $script 日本.sh", "pwd\n"), options=("--work-dir", str(folder)))
    assert (code, desk.logs(job["id"]).decode(), job["name"]) == (0, f"{folder}\n", "my $script 日本.sh")


def test_a_script_from_standard_input_with_directives(desk: Desk) -> None:
    text = "#!/bin/sh\n#JOBWARDEN --name 'from stdin' --cpus 3 --time 1h\n#JOBWARDEN --env A='b c'\necho \"$A\"\n"
    done = desk.farm.cli("submit", "--wait", "-", input=text)
    assert done.code == 0, done
    job = desk.show(int(done.out))
    assert (job["name"], job["cpus"], job["time_limit"]) == ("from stdin", 3, 3600)
    assert desk.logs(job["id"]) == b"b c\n"


def test_the_script_is_the_one_that_was_submitted(desk: Desk) -> None:
    """Changed or deleted after the submission, the file does not matter any more."""
    script = desk.write("job.sh", "echo submitted\n")
    job_id, _ = desk.submit(script, options=("--hold",))
    script.write_text("echo changed\n")
    script.unlink()
    assert desk.farm.cli("unhold", job_id).code == 0
    desk.state(job_id, "COMPLETED")
    assert desk.logs(job_id) == b"submitted\n"


def test_a_large_script_with_characters_beyond_ascii(desk: Desk) -> None:
    text = "#!/bin/sh\n" + "# grüße 日本語\n" * 20_000 + "echo größer\n"
    job, code = desk.run(desk.write("large.sh", text))
    assert (code, desk.logs(job["id"]).decode()) == (0, "größer\n")
