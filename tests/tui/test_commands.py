"""The command line that an operator confirms is the job's, whatever our shim was started with."""

import pytest

from jobwarden.tui.text import elided, shown_command

LONG = "/srv/installations/production/jobwarden/home/spool/node1/35"


@pytest.mark.parametrize(
    ("cmdline", "shown"),
    [
        ("/x/jobwarden-shim /s/7 / /s/7/job_35.sh", "/s/7/job_35.sh"),
        ("/x/jobwarden-shim /s/7 /a b /s/7/job_35.sh one two", "/s/7/job_35.sh one two"),
        (f"/x/jobwarden-shim {LONG} / {LONG}/job_35.sh", "/srv/…/35/job_35.sh"),
        ("/bin/sh /s/7/job_35.sh", "/bin/sh /s/7/job_35.sh"),
        (f"/bin/sh {LONG}/job_35.sh", "/bin/sh /srv/…/35/job_35.sh"),
        ("/x/jobwarden-shim", "/x/jobwarden-shim"),
        ("", ""),
    ],
)
def test_the_job_is_shown_not_the_shim(cmdline: str, shown: str) -> None:
    assert shown_command(cmdline) == shown


def test_the_name_of_the_file_always_stays() -> None:
    assert elided(f"{LONG}/job_12345.sh").endswith("/35/job_12345.sh")


def test_a_path_of_few_parts_is_left_alone() -> None:
    path = "/" + "x" * 80
    assert elided(path) == path
