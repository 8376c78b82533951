-- Tables and indexes. The names operators type (jobs, resource_allocations, events) are a contract.

CREATE TYPE job_state AS ENUM ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED');
CREATE TYPE failure_reason AS ENUM (
    'SCRIPT_ERROR', 'TIMEOUT', 'OUT_OF_MEMORY', 'WORKER_LOST', 'HOST_REBOOT', 'LAUNCH_ERROR', 'OPERATOR');

CREATE TABLE nodes (
    id                  integer GENERATED ALWAYS AS IDENTITY UNIQUE,  -- advisory-lock key of the node
    name                text PRIMARY KEY,
    cpus                integer NOT NULL CHECK (cpus > 0),
    memory_mb           bigint  NOT NULL CHECK (memory_mb > 0),
    gpus                integer NOT NULL DEFAULT 0 CHECK (gpus >= 0),
    partitions          text[]  NOT NULL DEFAULT '{main}',
    drained             boolean NOT NULL DEFAULT false,
    drain_reason        text,
    cpus_allocated      integer NOT NULL DEFAULT 0 CHECK (cpus_allocated >= 0),
    memory_mb_allocated bigint  NOT NULL DEFAULT 0 CHECK (memory_mb_allocated >= 0),
    gpus_allocated      integer NOT NULL DEFAULT 0 CHECK (gpus_allocated >= 0)
);

CREATE TABLE workers (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,   -- advisory-lock key of the worker
    node_name     text        NOT NULL REFERENCES nodes (name),
    hostname      text        NOT NULL,
    machine_id    text        NOT NULL,
    boot_id       text        NOT NULL,
    pid           integer     NOT NULL,
    process_start bigint      NOT NULL,   -- clock ticks since boot, field 22 of /proc/PID/stat
    pid_namespace bigint      NOT NULL,
    spool         text        NOT NULL,
    version       text        NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT now(),
    heartbeat_at  timestamptz NOT NULL DEFAULT now(),
    draining      boolean     NOT NULL DEFAULT false,
    ended_at      timestamptz,            -- clean stop, or superseded by a later worker of the node
    end_reason    text
);
CREATE INDEX workers_node ON workers (node_name, id DESC);

CREATE TABLE jobs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text        NOT NULL,
    account        text        NOT NULL,
    partition      text        NOT NULL DEFAULT 'main',
    state          job_state   NOT NULL DEFAULT 'PENDING',
    priority       integer     NOT NULL DEFAULT 0,
    held           boolean     NOT NULL DEFAULT false,
    script         text        NOT NULL,
    arguments      jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(arguments) = 'array'),
    work_dir       text        NOT NULL,
    environment    jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(environment) = 'object'),
    cpus           integer     NOT NULL DEFAULT 1 CHECK (cpus > 0),
    memory_mb      bigint      NOT NULL CHECK (memory_mb > 0),
    gpus           integer     NOT NULL DEFAULT 0 CHECK (gpus >= 0),
    time_limit     integer     CHECK (time_limit > 0),               -- seconds; NULL is unlimited
    submit_time    timestamptz NOT NULL DEFAULT now(),
    start_time     timestamptz,
    end_time       timestamptz,
    exit_code      integer,                                          -- NULL when a signal ended it
    exit_signal    integer,
    failure_reason failure_reason,
    error_msg      text,
    node_name      text,
    resubmit_of    bigint,
    changed_xid    xid8        NOT NULL DEFAULT pg_current_xact_id() -- transaction of the last change: exact deltas
) WITH (fillfactor = 80);
CREATE INDEX jobs_queue   ON jobs (priority DESC, id) WHERE state = 'PENDING';
CREATE INDEX jobs_running ON jobs (id) WHERE state = 'RUNNING';
CREATE INDEX jobs_state   ON jobs (state, id);
CREATE INDEX jobs_changed ON jobs (changed_xid);

CREATE TABLE resource_allocations (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id              bigint      NOT NULL REFERENCES jobs (id),
    node_name           text        NOT NULL REFERENCES nodes (name),
    worker_id           integer     NOT NULL REFERENCES workers (id), -- the worker that owns it now
    allocated_cpus      integer     NOT NULL,
    allocated_memory_mb bigint      NOT NULL,
    allocated_gpus      integer     NOT NULL,
    cookie              text        NOT NULL DEFAULT gen_random_uuid()::text,
    allocation_time     timestamptz NOT NULL DEFAULT now(),
    claimed_at          timestamptz,      -- a worker took it up for launching
    process_id          integer,          -- the shim; NULL proves that the script never ran
    process_start       bigint,
    boot_id             text,
    pid_namespace       bigint,
    spool_dir           text,
    stuck               text,             -- why its processes survived KILL; the node is drained
    released            boolean     NOT NULL DEFAULT false,
    released_time       timestamptz
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX one_live_allocation ON resource_allocations (job_id) WHERE NOT released;
CREATE INDEX allocations_job ON resource_allocations (job_id);
CREATE INDEX allocations_live ON resource_allocations (node_name, id) WHERE NOT released;

CREATE TABLE commands (               -- what an operator asked a worker to do to a running job
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id       bigint      NOT NULL REFERENCES jobs (id),
    node_name    text        NOT NULL,
    action       text        NOT NULL CHECK (action IN ('cancel', 'kill')),
    actor        text        NOT NULL,
    reason       text,
    requested_at timestamptz NOT NULL DEFAULT now(),
    done_at      timestamptz,
    result       text
);
CREATE UNIQUE INDEX one_open_command ON commands (job_id) WHERE done_at IS NULL;
CREATE INDEX commands_open ON commands (node_name) WHERE done_at IS NULL;

CREATE TABLE events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    job_id     bigint,                     -- NULL: about a worker or node
    actor      text        NOT NULL,
    action     text        NOT NULL,
    from_state job_state,
    to_state   job_state,
    reason     text,
    detail     jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX events_job ON events (job_id, id);
