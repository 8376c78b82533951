-- The lease a worker promised to renew within, in seconds: stored with the worker, so that every reader judges it by
-- the worker's own setting and not by the reader's.
ALTER TABLE workers ADD COLUMN lease_seconds double precision NOT NULL DEFAULT 10 CHECK (lease_seconds > 0);
