"""Rows whose proof stands with other tests of the same subject: the row, and the tests."""

from tests.matrix.row import Row

LOST = ("FAILED", "WORKER_LOST")

ELSEWHERE: tuple[tuple[Row, tuple[str, ...]], ...] = (
    (
        Row(
            "Worker",
            "killed (`kill -9`) at any step of a job's life",
            "the worker is `DEAD` at once and its jobs are flagged `ORPHAN`; they run on, their logs grow",
            "`jobwarden up`, and the next worker adopts them; or `C` to end them",
        ),
        (
            "tests/faults/test_points.py::test_killed_at",
            "tests/worker/test_survival.py::test_a_job_goes_on_under_the_next_worker",
        ),
    ),
    (
        Row(
            "Worker",
            "killed, and jobs end while there is none",
            "flagged `UNRECORDED` until the next worker records code, signal and the script's own end time",
            "`jobwarden up`, or `C`",
        ),
        ("tests/worker/test_survival.py::test_what_ended_while_no_worker_lived_is_recorded_as_it_was",),
    ),
    (
        Row(
            "Worker",
            "an unforeseen error in the care for one job, or in any of its threads that is about jobs",
            "the traceback is in its log, and it goes on; a job that could not be started says why, one that could not"
            " be looked after is flagged and looked after again",
        ),
        ("tests/faults/test_points.py::test_an_unforeseen_error_stays_with_its_job_at",),
    ),
    (
        Row(
            "Worker",
            "an unforeseen error in its sign of life",
            "the traceback is in its log, it ends with exit code 1, its jobs run on",
            "`jobwarden up`; a service manager does it by itself",
        ),
        ("tests/faults/test_points.py::test_an_unforeseen_error_of_the_worker_itself_ends_it_and_not_its_jobs",),
    ),
    (
        Row(
            "Worker",
            "suspended past its lease at any step, and wakes up",
            "`DEAD` while it sleeps, `ONLINE` again after; it goes on where it was",
        ),
        (
            "tests/faults/test_points.py::test_stalled_past_its_lease_at",
            "tests/worker/test_stopping.py::test_a_worker_that_slept_past_its_lease_unreplaced_goes_on",
        ),
    ),
    (
        Row(
            "Worker",
            "suspended, replaced by another meanwhile, and wakes up",
            "it finds that it was superseded and stops; the new one has the jobs",
        ),
        ("tests/worker/test_stopping.py::test_a_worker_that_slept_past_its_lease_and_was_replaced_stops_by_itself",),
    ),
    (
        Row("Worker", "the one that schedules is killed", "another worker leads within a second, jobs go on starting"),
        ("tests/worker/test_scheduling.py::test_the_lead_passes_on_when_the_leader_is_killed",),
    ),
    (
        Row(
            "Worker",
            "two are started with one name",
            "the second says which one has the node, and ends with exit code 1",
            "give it another name, or stop the first",
        ),
        ("tests/worker/test_stopping.py::test_a_node_has_one_worker",),
    ),
    (
        Row(
            "Jobs",
            "the supervisor is killed",
            "what is left of the job is ended, and the job says that there is no exit status",
            ends=LOST,
        ),
        ("tests/worker/test_survival.py::test_without_its_supervisor_the_rest_of_a_job_is_ended",),
    ),
    (
        Row(
            "Jobs",
            "worker, supervisor and script are killed",
            "flagged `LOST`; never guessed `COMPLETED`",
            "`jobwarden up`, or `C`",
            LOST,
        ),
        ("tests/worker/test_survival.py::test_what_died_without_a_status_is_lost_and_never_guessed",),
    ),
    (
        Row("Queue", "a launch message is lost", "the job starts some seconds later, by the sweep"),
        ("tests/worker/test_outages.py::test_a_lost_message_only_delays_a_job",),
    ),
    (
        Row("Queue", "a launch message comes twice, or about nothing", "nothing: an allocation is claimed once"),
        ("tests/worker/test_outages.py::test_messages_twice_and_messages_about_nothing_are_harmless",),
    ),
    (
        Row("Queue", "Redis is down and stays down", "every start takes some seconds longer"),
        ("tests/worker/test_outages.py::test_without_any_redis_jobs_start_by_the_sweep",),
    ),
    (
        Row("Queue", "Redis is killed", "an embedded one is started again by the worker"),
        ("tests/worker/test_outages.py::test_a_crashed_redis_comes_back_and_jobs_start",),
    ),
    (
        Row(
            "Database",
            "PostgreSQL is killed (`kill -9`)",
            "commands fail with one line; an embedded one is started again by the worker, which keeps its identity",
        ),
        ("tests/worker/test_outages.py::test_a_crashed_postgresql_comes_back_and_outcomes_are_recorded",),
    ),
    (
        Row("Database", "all connections are cut, or one at any step", "a line in the worker's log"),
        (
            "tests/worker/test_outages.py::test_a_cut_session_costs_nothing",
            "tests/faults/test_points.py::test_connection_cut_at",
        ),
    ),
    (
        Row(
            "Database",
            "the data directory is full when the servers are started",
            "one line that says that there is no space left",
            "free some space, then `jobwarden up`",
        ),
        ("tests/embedded/test_bad_homes.py::test_disk_that_filled_up_since",),
    ),
    (
        Row(
            "Host",
            "another host is gone for good, with its worker and its jobs",
            "flagged `UNREACHABLE`: nobody here can know what lives there",
            "`jobwarden mark-failed --force ID` and `release --force ID`, once it is known that the host is off",
            ("FAILED", "OPERATOR"),
        ),
        (
            "tests/anomalies/test_detect.py::test_another_host_is_unreachable_and_never_guessed",
            "tests/actions/test_clean.py::test_unreachable_and_stuck_are_not_touched",
            "tests/actions/test_perform.py::test_a_host_that_is_gone_for_good_takes_two_typed_overrides",
        ),
    ),
)
