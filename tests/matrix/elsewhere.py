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
            "an internal error while watching one job, or in any of its threads that is about jobs",
            "the traceback is in its log, and it goes on; a job that could not be started says why, one that could not"
            " be looked after is flagged and looked after again",
        ),
        ("tests/faults/test_points.py::test_an_unforeseen_error_stays_with_its_job_at",),
    ),
    (
        Row(
            "Worker",
            "an internal error in its heartbeat",
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
        Row(
            "Queue",
            "a launch message is lost, and the notification too",
            "the job starts some seconds later, by the sweep",
        ),
        ("tests/worker/test_outages.py::test_a_lost_message_only_delays_a_job",),
    ),
    (
        Row("Queue", "a launch message comes twice, or about nothing", "nothing: an allocation is claimed once"),
        ("tests/worker/test_outages.py::test_messages_twice_and_messages_about_nothing_are_harmless",),
    ),
    (
        Row("Queue", "Redis is down and stays down", "one line, `health` says what to do; jobs start as ever"),
        ("tests/worker/test_outages.py::test_without_any_redis_jobs_start_as_ever",),
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
            "tests/actions/test_run.py::test_a_host_that_is_gone_for_good_takes_two_typed_overrides",
        ),
    ),
    (
        Row(
            "Worker",
            "launches fail on a node, five in a row, for a reason of its own (no folder, no process, no descriptor)",
            "the node is drained with the reason, `health` is degraded; the other jobs wait or go to other nodes",
            "mend it, then `jobwarden resume NODE`",
            ("FAILED", "LAUNCH_ERROR"),
        ),
        ("tests/worker/test_unfit.py::test_a_node_whose_launches_all_fail_gets_no_more_jobs",),
    ),
    (
        Row(
            "Worker",
            "the program is moved away under it",
            "launches wait, the node is drained with the reason; running jobs go on",
            "bring the program back, or restart the worker",
        ),
        ("tests/worker/test_unfit.py::test_launches_wait_while_the_program_is_moved_away",),
    ),
    (
        Row(
            "Worker",
            "the program is replaced in place under it",
            "`workers` and `health` say that it runs other code than is installed; jobs start and go on",
            "restart the worker",
        ),
        (
            "tests/worker/test_unfit.py::test_a_worker_whose_program_was_replaced_in_place_says_so_until_it_is_restarted",
        ),
    ),
    (
        Row(
            "Worker",
            "a system call that it needs is filtered (seccomp)",
            "it refuses to start, with one line that names the call",
            "allow the call",
        ),
        ("tests/worker/test_unfit.py::test_a_worker_refuses_to_start_without_a_call_it_needs",),
    ),
    (
        Row(
            "Worker",
            "the command of an alert hangs while the worker stops, or is killed",
            "the command is ended with all that it has started; the next leader tells the notice",
            "nothing",
        ),
        (
            "tests/worker/test_hooks.py::test_a_hook_that_hangs_is_ended_before_its_worker_is_gone",
            "tests/worker/test_hooks.py::test_a_hook_ends_by_itself_when_its_worker_was_killed",
        ),
    ),
    (
        Row(
            "Queue",
            "Redis answers and refuses: full, a replica, a password, no right, no disk to save to",
            "one line when it begins, one when it is over, `health` says what to do; jobs start as ever",
            "what `health` says",
        ),
        ("tests/queue/test_outage.py::test_it_is_said_once_when_it_begins_and_once_when_it_is_over",),
    ),
    (
        Row(
            "Queue",
            "Redis comes and goes",
            "one line, and one when it stays; jobs start as ever",
            "see the log of that server",
        ),
        ("tests/queue/test_outage.py::test_one_that_comes_and_goes_is_one_trouble",),
    ),
    (
        Row(
            "Queue",
            "`REDIS_URL` points to a cluster, with the keys elsewhere (`MOVED`), here, or nowhere",
            "one line that says what to do, `health` too; jobs start as ever",
            "point `REDIS_URL` to a server of its own",
        ),
        (
            "tests/queue/test_outage.py::test_a_cluster_that_has_the_keys_elsewhere_is_named",
            "tests/queue/test_outage.py::test_a_cluster_that_has_all_of_the_keys_is_not_well",
            "tests/queue/test_outage.py::test_a_cluster_without_slots_is_named",
            "tests/worker/test_outages.py::test_a_redis_cluster_costs_one_line",
        ),
    ),
    (
        Row(
            "Queue",
            "the certificate of Redis (`rediss://`) is of an unknown authority",
            "one line that says what to do, `health` too; jobs start as ever",
            "`?ssl_ca_certs=FILE` in `REDIS_URL`, then restart the worker",
        ),
        ("tests/queue/test_outage.py::test_an_unknown_authority_is_said_once_with_the_remedy_and_the_remedy_works",),
    ),
    (
        Row(
            "Database",
            "restored from a backup while jobs went on that it does not know",
            "no id is given again; what runs is flagged `STRAY`, and every verb says what it is; no verb ends it",
            "look at it, then `kill` the process that is named",
        ),
        ("tests/worker/test_restored.py::test_a_restored_database_gives_no_id_again_and_shows_what_it_forgot",),
    ),
    (
        Row(
            "Host",
            "two hosts or containers use one home with embedded servers",
            "the second is refused with the name of the first, and touches nothing",
            "stop the first; `jobwarden up --take-over` once it is gone for good",
        ),
        (
            "tests/embedded/test_elsewhere.py::test_a_second_container_is_refused_and_touches_nothing",
            "tests/embedded/test_elsewhere.py::test_another_machine_is_refused_until_it_is_told_to_take_over",
        ),
    ),
    (
        Row(
            "Host",
            "a command runs in a mount namespace with a `/tmp` of its own",
            "one line that the servers are those of another `/tmp`; they go on",
            "run it outside",
        ),
        ("tests/embedded/test_elsewhere.py::test_a_private_tmp_ends_and_starts_no_server",),
    ),
    (
        Row(
            "Network",
            "the host of the worker that schedules loses its power",
            "another worker leads within some twelve seconds (the lease, and two); once the host is back, its"
            " worker takes the node again",
        ),
        ("tests/worker/test_hosts.py::test_a_leader_without_power_is_replaced_and_its_node_comes_back",),
    ),
    (
        Row(
            "Network",
            "a host is cut off from the database for a while",
            "its worker says so within ten seconds, and is back some seconds after the cut; jobs go on meanwhile",
        ),
        ("tests/worker/test_hosts.py::test_a_worker_that_was_cut_off_says_so_and_is_back_soon_after",),
    ),
    (
        Row(
            "Network",
            "a host loses its power before it began what it was granted",
            "the job goes back to the queue when the lease is over, and runs elsewhere",
        ),
        ("tests/worker/test_hosts.py::test_what_was_granted_to_a_worker_without_power_and_never_began_runs_elsewhere",),
    ),
    (
        Row(
            "Network",
            "Redis takes connections and never answers, with several nodes",
            "nothing, but in `health`: nodes are notified by the database",
        ),
        ("tests/worker/test_outages.py::test_a_redis_that_never_answers_holds_up_nobody_who_schedules",),
    ),
    (
        Row(
            "Worker",
            "its launch server is killed, or hangs, at any step",
            "a line in its log; jobs start by another one",
        ),
        (
            "tests/faults/test_points.py::test_the_launch_server_is_lost_at",
            "tests/process/test_launch_server.py::test_a_server_lost_at_any_step_costs_nothing",
        ),
    ),
    (
        Row(
            "Database",
            "between worker and PostgreSQL is a connection pooler in transaction mode",
            "the worker refuses to start, with one line that says so",
            "connect directly",
        ),
        (
            "tests/worker/test_pooler.py::test_a_worker_behind_a_pooler_in_transaction_mode_refuses_to_start",
            "tests/worker/test_pooler.py::test_a_pooler_that_refuses_our_settings_is_named",
        ),
    ),
)
