"""Where the record of a job and its processes disagree."""
