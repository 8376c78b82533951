SELECT script, arguments, work_dir, environment, resubmit_of FROM jobs WHERE id = :job_id
