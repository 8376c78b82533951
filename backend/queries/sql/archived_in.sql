-- The latest archive that holds a job.
SELECT path, hostname FROM archives WHERE jobs @> CAST(:job AS bigint) ORDER BY id DESC LIMIT 1
